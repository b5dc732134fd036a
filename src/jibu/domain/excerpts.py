"""From chosen sentences to claims: what a sentence needs beside it to be understood, joined and in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from jibu.domain.choice import alike
from jibu.domain.cues import leans_back
from jibu.domain.documents import BlockKind
from jibu.domain.passages import FoundPassage, Sentence, TextSpan
from jibu.domain.selection import Line, Reading, Scored, Terms

MOST_CLAIMS = 4
_SHORT = 300  # characters of a sentence that comes along with another
_LIST = 600  # characters of a list that comes along with its announcement
_REACH = 30  # list items between an item and the announcement above the list


@dataclass(frozen=True, slots=True)
class Quote:
    """An exact span of the document of the passage at ``rank``."""

    rank: int
    span: TextSpan
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The quotes of one claim, in reading order, joined by ``gap``. ``header``: the first one is a table's."""

    quotes: tuple[Quote, ...]
    support: float
    terms: Terms
    gap: str = "\n"
    header: bool = False

    @property
    def text(self) -> str:
        """The claim: its quotes and nothing else."""
        return self.gap.join(quote.span.text for quote in self.quotes)


def excerpts(
    chosen: Sequence[Scored], found: Sequence[FoundPassage], readings: Sequence[Reading], max_citations: int
) -> list[Excerpt]:
    """Return the claims that the chosen sentences make, best document first, within ``max_citations`` quotes."""
    made = [*_tables(chosen, found)]
    for rank in dict.fromkeys(one.rank for one in chosen):
        prose = [one for one in chosen if one.rank == rank and _header(found, one) is None]
        made.extend(_prose(prose, found[rank], readings[rank]) if prose else ())
    made.sort(key=lambda excerpt: -excerpt.support)
    return _ordered(_within(made, found, max_citations), found)


def _header(found: Sequence[FoundPassage], one: Scored) -> TextSpan | None:
    return found[one.rank].passage.sentences[one.line.index].header


# --- tables ---


def _tables(chosen: Sequence[Scored], found: Sequence[FoundPassage]) -> Iterator[Excerpt]:
    """Yield one excerpt per table: its header once, then the rows in order, neighbours in one quote."""
    tables: dict[tuple[str, int, TextSpan], list[Scored]] = {}
    for one in chosen:
        header, passage = _header(found, one), found[one.rank].passage
        if header is not None:
            tables.setdefault((passage.document_id, passage.version, header), []).append(one)
    for (_, _, header), rows in tables.items():
        rows.sort(key=lambda one: one.line.start)
        quotes = [q for rank in dict.fromkeys(r.rank for r in rows)
                  for q in _runs([r.line for r in rows if r.rank == rank], found[rank], rank)]  # fmt: skip
        first = rows[0]
        yield Excerpt(
            quotes=(Quote(first.rank, header, _header_page(found[first.rank], header)), *quotes),
            support=max(row.probability for row in rows),
            terms=frozenset().union(*(row.line.terms for row in rows)),
            header=True,
        )


def _header_page(found: FoundPassage, header: TextSpan) -> int | None:
    """Return the page of the row next to the header, where the passage holds the header itself."""
    if header.start < found.passage.start:
        return found.passage.page
    return next((s.page for s in found.passage.sentences if s.start >= header.end), None)


# --- prose and lists ---


def _prose(chosen: Sequence[Scored], found: FoundPassage, reading: Reading) -> Iterator[Excerpt]:
    """Yield the excerpts of one passage's sentences, each with what it needs beside it."""
    wanted = {one.line.index: one.probability for one in chosen}
    groups: list[set[int]] = []
    for index in sorted(wanted):
        group = {index, *_companions(reading.lines, index)}
        for other in [g for g in groups if _touch(g, group, reading.lines, found)]:
            groups.remove(other)
            group |= other
        groups.append(group)
    for group in groups:
        lines = [reading.lines[i] for i in sorted(group)]
        yield Excerpt(
            quotes=tuple(_runs(lines, found, chosen[0].rank)),
            support=max(p for i, p in wanted.items() if i in group),
            terms=frozenset().union(*(line.terms for line in lines)),
            gap="\n" if any(line.kind is BlockKind.LIST_ITEM for line in lines) else " ",
        )


def _touch(one: set[int], other: set[int], lines: Sequence[Line], found: FoundPassage) -> bool:
    """Tell whether two groups share a sentence or are neighbours without a heading between them."""
    if one & other:
        return True
    return any(
        (low := min(i, j)) + 1 == max(i, j) and _joined(lines[low], lines[low + 1], found)
        for i in (min(one), max(one))
        for j in (min(other), max(other))
    )


def _companions(lines: Sequence[Line], i: int) -> Iterator[int]:
    """Yield the sentences without which this one cannot be understood."""
    line = lines[i]
    if line.announces:
        yield from _announced(lines, i)
    if line.kind is BlockKind.LIST_ITEM:
        lead = _lead_in(lines, i)
        if lead is not None:
            yield lead
    elif line.kind is BlockKind.PARAGRAPH and i > 0 and leans_back(line.text):
        before = lines[i - 1]
        if before.kind is BlockKind.PARAGRAPH and not before.asks and len(before.text) <= _SHORT:
            yield i - 1


def _lead_in(lines: Sequence[Line], i: int) -> int | None:
    """Return the announcement right above the list that a line is in."""
    for j in range(i - 1, max(-1, i - _REACH), -1):
        if lines[j].announces and len(lines[j].text) <= _SHORT:
            return j
        if lines[j].kind is not BlockKind.LIST_ITEM:
            return None
    return None


def _announced(lines: Sequence[Line], i: int) -> Iterator[int]:
    """Yield the items of the list that follows, up to a bounded length; else the one sentence that follows."""
    length, j = 0, i + 1
    while j < len(lines) and lines[j].kind is BlockKind.LIST_ITEM and length + len(lines[j].text) <= _LIST:
        length += len(lines[j].text)
        yield j
        j += 1
    after = lines[j] if j < len(lines) else None
    if j == i + 1 and after is not None and after.kind is BlockKind.PARAGRAPH and len(after.text) <= _SHORT:
        yield j


# --- joining ---


def _runs(lines: Sequence[Line], found: FoundPassage, rank: int) -> Iterator[Quote]:
    """Yield one quote for each run of neighbouring lines."""
    start = 0
    for i, (line, following) in enumerate(pairwise(lines), start=1):
        if following.index != line.index + 1 or not _joined(line, following, found):
            yield _quote(lines[start:i], found, rank)
            start = i
    yield _quote(lines[start:], found, rank)


def _joined(line: Line, following: Line, found: FoundPassage) -> bool:
    """Tell whether nothing but blank space stands between two lines, no heading either."""
    base = found.passage.start
    between = found.passage.text[line.end - base : following.start - base]
    return line.end <= following.start and not between.strip()


def _quote(lines: Sequence[Line], found: FoundPassage, rank: int) -> Quote:
    passage = found.passage
    start, end = lines[0].start, lines[-1].end
    first: Sentence = passage.sentences[lines[0].index]
    text = passage.text[start - passage.start : end - passage.start]
    return Quote(rank, TextSpan(start, end, text), first.page)


# --- the whole ---


def _within(made: Sequence[Excerpt], found: Sequence[FoundPassage], most: int) -> list[Excerpt]:
    """Return the best claims that fit into ``most`` quotes, none saying what an earlier one says."""
    kept: list[Excerpt] = []
    room = most
    for excerpt in made:
        if len(kept) == MOST_CLAIMS:
            break
        fitted = _fitted(excerpt, room, alone=not kept)
        if fitted is None or any(_doubles(fitted, other, found) for other in kept):
            continue
        kept.append(fitted)
        room -= len(fitted.quotes)
    return kept


def _fitted(excerpt: Excerpt, room: int, *, alone: bool) -> Excerpt | None:
    """Return the excerpt cut to ``room`` quotes; a table's row goes without its header only if it is all there is."""
    if len(excerpt.quotes) <= room:
        return excerpt
    if room >= 2:
        return replace(excerpt, quotes=excerpt.quotes[:room])
    if room == 1 and alone:
        return replace(excerpt, quotes=excerpt.quotes[-1:], header=False)
    return None


def _doubles(one: Excerpt, other: Excerpt, found: Sequence[FoundPassage]) -> bool:
    overlap = any(_overlap(a, b, found) for a in one.quotes for b in other.quotes)
    return overlap or alike(one.terms, other.terms) or one.text in other.text


def _overlap(one: Quote, other: Quote, found: Sequence[FoundPassage]) -> bool:
    a, b = found[one.rank].passage, found[other.rank].passage
    if (a.document_id, a.version) != (b.document_id, b.version):
        return False
    return one.span.start < other.span.end and other.span.start < one.span.end


def _ordered(kept: Sequence[Excerpt], found: Sequence[FoundPassage]) -> list[Excerpt]:
    """Order claims (best first) so that those of a document and of a passage stand together, the latter as written."""
    documents: dict[str, int] = {}
    passages: dict[int, int] = {}
    for excerpt in kept:
        rank = excerpt.quotes[-1].rank
        documents.setdefault(found[rank].passage.document_id, len(documents))
        passages.setdefault(rank, len(passages))

    def place(excerpt: Excerpt) -> tuple[int, int, int]:
        last = excerpt.quotes[-1]
        return documents[found[last.rank].passage.document_id], passages[last.rank], last.span.start

    return sorted(kept, key=place)
