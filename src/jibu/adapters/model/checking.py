"""What a model's claim must withstand before anybody sees it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from jibu.adapters.model.claim_stream import RawClaim
from jibu.domain.answers import Citation
from jibu.domain.citing import cite
from jibu.domain.passages import FoundPassage, TextSpan
from jibu.domain.quoting import find_quote
from jibu.ports import Entailment, GenerationRequest, LanguageDetector, Segmenter

ENOUGH = 0.5
LONGEST = 1000
_MARKS = re.compile(r"\s*\[\s*\d+(?:\s*,\s*\d+)*\s*\]")
_ADDRESS = re.compile(
    r"(?:https?://|www\.)\S+|\S+@\S+|\b[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}(?:/\S*)?", re.IGNORECASE
)

_Key = tuple[str, int, int, int]
"""Document, version, start, end: what makes two citations the same one."""


@dataclass(frozen=True, slots=True)
class Proved:
    """A claim that stands, and the numbers of its citations."""

    text: str
    citations: tuple[int, ...]
    support: float


@dataclass(frozen=True, slots=True)
class _Found:
    """A quote where it stands."""

    source: FoundPassage
    span: TextSpan


class ClaimCheck:
    """Checks the claims of one answer and numbers what they cite."""

    def __init__(
        self,
        request: GenerationRequest,
        sources: Sequence[FoundPassage],
        *,
        entailment: Entailment,
        segmenter: Segmenter,
        detector: LanguageDetector,
        banned: str,
    ) -> None:
        self._request = request
        self._sources = sources
        self._entailment = entailment
        self._segmenter = segmenter
        self._detector = detector
        self._banned = banned
        self._said: set[str] = set()
        self._numbered: dict[_Key, Citation] = {}

    @property
    def citations(self) -> tuple[Citation, ...]:
        """What is cited so far, in the order of the numbers."""
        return tuple(self._numbered.values())

    def prove(self, claim: RawClaim) -> Proved | None:
        """Return the claim with its citations; None where it does not stand. Raises: Unavailable.

        It has to cite, what it quotes has to stand in the source it names, its numbers and addresses have to be in the
        quotes, it has to be in the language of the answer, and the quotes have to support it.
        """
        text = _tidy(claim.text)
        if not self._is_fit(text):
            return None
        found = self._quotes(claim)
        quoted = [one.span.text for one in found]
        if not found or not self._holds_facts(text, quoted):
            return None
        support = self._entailment.support(text, quoted, language=self._request.language)
        if not ENOUGH <= support <= 1:
            return None
        numbers = self._numbers(found)
        if not numbers:
            return None
        self._said.add(text.casefold())
        return Proved(text, numbers, round(support, 4))

    def _is_fit(self, text: str) -> bool:
        if not 0 < len(text) <= LONGEST or not any(c.isalnum() for c in text):
            return False
        if text.casefold() in self._said or self._banned in text:
            return False
        asked = self._request.language
        spoken = self._detector.detect(text)
        return "und" in (spoken, asked) or _primary(spoken) == _primary(asked)

    def _quotes(self, claim: RawClaim) -> list[_Found]:
        """Return the quotes that stand in the sources they name, each once."""
        found: dict[tuple[int, int, int], _Found] = {}
        for quote in claim.quotes:
            if not 1 <= quote.source <= len(self._sources):
                continue
            source = self._sources[quote.source - 1]
            span = find_quote(source.passage.text, quote.quote)
            if span is not None:
                start, end = span
                base = source.passage.start
                text = source.passage.text[start:end]
                key = (quote.source, start, end)
                found[key] = _Found(source, TextSpan(base + start, base + end, text))
        return list(found.values())

    def _holds_facts(self, text: str, quoted: Sequence[str]) -> bool:
        """Tell whether every number and address of the claim is in what it quotes."""
        said = "\n".join(quoted)
        if self._figures(text) - self._figures(said):
            return False
        plain = said.casefold()
        return all(address.rstrip(".,;:)").casefold() in plain for address in _ADDRESS.findall(text))

    def _figures(self, text: str) -> frozenset[str]:
        """Return the numbers in a text: groups and decimals made alike, digits of any script."""
        western = "".join(str(unicodedata.digit(c)) if c.isdigit() else c for c in text)
        terms = self._segmenter.terms(western, self._request.language)
        return frozenset(term.lstrip("0") or "0" for term in terms if any(c.isdigit() for c in term))

    def _numbers(self, found: Sequence[_Found]) -> tuple[int, ...]:
        """Return citation numbers, in order of first use; none where they are more than were asked for."""
        keyed = {_key(one): one for one in found}
        new = [key for key in keyed if key not in self._numbered]
        if len(self._numbered) + len(new) > self._request.max_citations:
            return ()
        for key in new:
            one = keyed[key]
            self._numbered[key] = cite(len(self._numbered) + 1, one.source, one.span, _page(one))
        return tuple(self._numbered[key].number for key in keyed)


def _key(found: _Found) -> _Key:
    passage = found.source.passage
    return passage.document_id, passage.version, found.span.start, found.span.end


def _tidy(text: str) -> str:
    """Return the claim in one line, without control signs and without marks such as [1]."""
    clean = "".join(c if c.isprintable() else " " for c in _MARKS.sub("", text))
    return " ".join(clean.split())


def _page(found: _Found) -> int | None:
    """Return the page on which the quote begins."""
    for sentence in found.source.passage.sentences:
        if sentence.start <= found.span.start < sentence.end:
            return sentence.page
    return None


def _primary(tag: str) -> str:
    return tag.split("-", maxsplit=1)[0].lower()
