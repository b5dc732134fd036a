"""Rules that make a citation exact, and the answer text that claims are laid out in."""

from __future__ import annotations

from collections.abc import Sequence
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
        if passage.start <= citation.start and citation.end <= passage.end:
            at = citation.start - passage.start
            return passage.text[at : at + len(citation.quote)] == citation.quote and bool(citation.quote)
        span = TextSpan(citation.start, citation.end, citation.quote)
        if any(sentence.header == span for sentence in passage.sentences):
            return True
    return False


def verified(draft: Draft, sources: Sequence[FoundPassage]) -> Draft:
    """Return the draft with only the claims that hold: right offsets and at least one citation, all exact.

    The text stays as it was streamed; a claim that does not hold loses its standing as a claim.
    """
    exact = {c.number for c in draft.citations if is_exact(c, sources)}
    claims = tuple(
        claim
        for claim in draft.claims
        if claim.citations
        and exact.issuperset(claim.citations)
        and draft.text[claim.start : claim.end] == claim.text
    )
    used = {number for claim in claims for number in claim.citations}
    return replace(draft, claims=claims, citations=tuple(c for c in draft.citations if c.number in used))


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
