"""Rules that make a citation exact, and the answer text that claims are laid out in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from jibu.domain.answers import Citation, Claim, Draft
from jibu.domain.passages import FoundPassage, Sentence, TextSpan

SNIPPET = 400


def cite(number: int, found: FoundPassage, span: TextSpan, page: int | None = None) -> Citation:
    """Return the citation of a span of a found passage's document (or of its table's header)."""
    passage = found.passage
    return Citation(
        number=number,
        document_id=passage.document_id,
        version=passage.version,
        title=found.title,
        collection_id=found.collection_id,
        section_path=passage.section_path,
        quote=span.text,
        start=span.start,
        end=span.end,
        page=page if page is not None else passage.page,
        url=found.url,
        score=found.score,
        language=passage.language,
    )


def sentence_span(found: FoundPassage, sentence: Sentence) -> TextSpan:
    """Return a sentence of a passage with its text."""
    base = found.passage.start
    return TextSpan(
        sentence.start, sentence.end, found.passage.text[sentence.start - base : sentence.end - base]
    )


def snippet_span(found: FoundPassage, limit: int = SNIPPET) -> TextSpan:
    """Return the head of a passage: whole sentences up to ``limit`` characters, at least one."""
    passage = found.passage
    end = min(passage.end, passage.start + limit)
    for sentence in passage.sentences:
        if sentence.end - passage.start > limit:
            break
        end = sentence.end
    return TextSpan(passage.start, end, passage.text[: end - passage.start])


def is_exact(citation: Citation, sources: Sequence[FoundPassage]) -> bool:
    """Tell whether the quote stands at its offsets in one of the sources (or is one of their table headers)."""
    for found in sources:
        passage = found.passage
        if (passage.document_id, passage.version) != (citation.document_id, citation.version):
            continue
        span = TextSpan(citation.start, citation.end, citation.quote)
        if passage.start <= citation.start < citation.end <= passage.end:
            base = passage.start
            if passage.text[citation.start - base : citation.end - base] == citation.quote:
                return True
        if any(sentence.header == span for sentence in passage.sentences):
            return True
    return False


def verified(draft: Draft, sources: Sequence[FoundPassage]) -> Draft:
    """Return the draft with nothing but what holds: claims that are slices of its text and whose every citation holds.

    A citation holds when its number is its own, its quote is exact and the rest is what its source says. The text
    stays where it consists of such claims alone; otherwise it is laid out anew from the claims that are left.
    """
    numbers = Counter(citation.number for citation in draft.citations)
    held = {c.number: c for c in draft.citations if numbers[c.number] == 1 and _holds(c, sources)}
    claims = tuple(claim for claim in draft.claims if _stands(claim, draft.text, held))
    used = {number for claim in claims for number in claim.citations}
    citations = tuple(held[number] for number in held if number in used)
    text = draft.text
    if not _covered(text, claims):
        text, claims = lay_out([(claim.text, claim.citations, claim.support) for claim in claims])
    return replace(draft, text=text, claims=claims, citations=citations)


def _holds(citation: Citation, sources: Sequence[FoundPassage]) -> bool:
    """Tell whether a citation is exact and names its source as it is: title, collection, path, address, language."""
    span = TextSpan(citation.start, citation.end, citation.quote)
    return any(
        is_exact(citation, [found]) and citation == cite(citation.number, found, span, citation.page)
        for found in sources
    )


def _stands(claim: Claim, text: str, held: Mapping[int, Citation]) -> bool:
    """Tell whether a claim says something, where it says it does, with a support in bounds and citations that hold."""
    return (
        bool(claim.text.strip())
        and 0 <= claim.start < claim.end <= len(text)
        and text[claim.start : claim.end] == claim.text
        and 0 <= claim.support <= 1
        and bool(claim.citations)
        and held.keys() >= set(claim.citations)
    )


def _covered(text: str, claims: Sequence[Claim]) -> bool:
    """Tell whether nothing but blank space lies outside the claims, which are in order and do not overlap."""
    at = 0
    for claim in claims:
        if claim.start < at or text[at : claim.start].strip():
            return False
        at = claim.end
    return not text[at:].strip()


def lay_out(
    parts: Sequence[tuple[str, tuple[int, ...], float]], gap: str = "\n\n"
) -> tuple[str, tuple[Claim, ...]]:
    """Join (text, citation numbers, support) into the answer's text and its claims, offsets right."""
    claims: list[Claim] = []
    text = ""
    for words, numbers, support in parts:
        start = len(text) + (len(gap) if text else 0)
        text = f"{text}{gap}{words}" if text else words
        claims.append(Claim(words, start, start + len(words), numbers, support))
    return text, tuple(claims)
