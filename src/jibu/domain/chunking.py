"""Passages of a parsed document: by its structure, sized for the embedder, offsets exact."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import ceil

from jibu.domain.documents import ParsedDocument
from jibu.domain.passages import Passage, Sentence, passage_id
from jibu.domain.sections import Section, Segment, Unit, estimate_tokens, sections

_PREFIX_PART, _PREFIX_TOTAL = 160, 480  # characters
_CAUTION = 1.5  # what stands ahead of the text is estimated only
_LANGUAGE_SAMPLE = 160  # characters: what a shorter passage is detected as is not to be trusted


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes of passages in the embedder's tokens: aimed at, merged below, never above (prefix included)."""

    target: int = 220
    minimum: int = 55
    maximum: int = 490


def context_prefix(title: str, section_path: tuple[str, ...]) -> str:
    """Return what the embedder and the lexical index get ahead of a passage's text: title and headings.

    A heading that the title or an outer heading already says is left out. Bounded; the innermost headings stay.
    """
    parts: list[str] = []
    for part in (title, *section_path):
        name = " ".join(part.split())[:_PREFIX_PART].rstrip()
        if name and not any(name.casefold() in outer.casefold() for outer in parts):
            parts.append(name)
    while len(parts) > 2 and sum(map(len, parts)) > _PREFIX_TOTAL:
        del parts[1]
    return " > ".join(parts)


def index_text(title: str, passage: Passage) -> str:
    """Return what the embedder and the lexical index get for a passage: prefix, header of its table, its text."""
    parts = [context_prefix(title, passage.section_path)]
    header = passage.sentences[0].header if passage.sentences else None
    if header is not None and header.start < passage.start:
        parts.append(_short(header.text))
    return "\n".join(part for part in (*parts, passage.text) if part)


def _short(header: str) -> str:
    return header[:_PREFIX_TOTAL]


def chunk(
    parsed: ParsedDocument,
    *,
    document_id: str,
    version: int,
    title: str,
    language: str,
    segment: Segment,
    count_tokens: Callable[[str], int],
    detect: Callable[[str], str],
    limits: Limits | None = None,
) -> list[Passage]:
    """Return the passages of a document version, in order and without overlap.

    ``language`` is the document's, "und" if unknown; ``segment`` gives sentence spans; ``count_tokens`` is exact.
    """
    sizes = limits or Limits()
    packer = _Packer(parsed.text, title, sizes, count_tokens)
    passages: list[Passage] = []
    for section in _merge_small(sections(parsed, language=language, segment=segment), sizes):
        for units in packer.pack(section):
            place = {"version": version, "ordinal": len(passages)}
            passages.append(_passage(parsed.text, section.path, units, document_id=document_id, **place))
    return [replace(p, language=_language(p.text, language, detect)) for p in passages]


def _language(text: str, declared: str, detect: Callable[[str], str]) -> str:
    if declared != "und" and len(text) < _LANGUAGE_SAMPLE:
        return declared
    found = detect(text)
    return declared if found == "und" else found


def _passage(
    text: str, path: tuple[str, ...], units: list[Unit], *, document_id: str, version: int, ordinal: int
) -> Passage:
    start, end = units[0].start, units[-1].end
    cited = [unit for unit in units if not unit.structural] or units
    return Passage(
        passage_id=passage_id(document_id, version, ordinal),
        document_id=document_id,
        version=version,
        ordinal=ordinal,
        start=start,
        end=end,
        text=text[start:end],
        section_path=path,
        page=units[0].page,
        sentences=tuple(Sentence(u.start, u.end, u.kind, u.header, u.page) for u in cited),
    )


def _merge_small(found: list[Section], sizes: Limits) -> list[Section]:
    """Join small neighbours under one parent, and a parent's short opening with its first child."""
    merged: list[Section] = []
    for section in found:
        before = merged[-1] if merged else None
        if before is not None and _joins(before, section, sizes):
            merged[-1] = Section(_common(before, section, sizes), before.units + section.units)
        else:
            merged.append(section)
    return merged


def _joins(before: Section, section: Section, sizes: Limits) -> bool:
    if before.bare:
        return True
    small = before.tokens < sizes.minimum or section.tokens < sizes.minimum
    near = _shared(before.path, section.path) >= max(len(before.path), len(section.path)) - 1
    return small and near and before.tokens + section.tokens <= sizes.target


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count


def _common(before: Section, section: Section, sizes: Limits) -> tuple[str, ...]:
    """Return the common path; after headings alone, or a parent's short opening, it is what follows that counts."""
    shared = _shared(before.path, section.path)
    opening = shared == len(before.path) and before.tokens < sizes.minimum
    if opening or (before.bare and not section.bare):
        return section.path
    return section.path[:shared]


@dataclass(frozen=True, slots=True)
class _Packer:
    """Packs a section's units into runs of even size, none over the embedder's limit."""

    text: str
    title: str
    sizes: Limits
    count: Callable[[str], int]

    def pack(self, section: Section) -> Iterator[list[Unit]]:
        ahead = estimate_tokens(context_prefix(self.title, section.path))
        ahead += max((estimate_tokens(_short(u.header.text)) for u in section.units if u.header), default=0)
        room = max(self.sizes.maximum - round(_CAUTION * ahead), self.sizes.maximum // 3)
        units = [part for unit in section.units for part in self._fit(unit, room)]
        for run in _even_runs(units, self.sizes.target):
            yield from self._checked(run, room)

    def _fit(self, unit: Unit, room: int) -> Iterator[Unit]:
        """Yield the unit, halved until each part fits (an endless word, a giant table row)."""
        if self._fits(unit.start, unit.end, room) or unit.end - unit.start < 2:
            yield unit
            return
        middle = _halfway(self.text, unit.start, unit.end)
        for start, end, opens in ((unit.start, middle, unit.opens), (middle, unit.end, False)):
            a, b = _trimmed(self.text, start, end)
            if a < b:
                part = replace(unit, start=a, end=b, tokens=estimate_tokens(self.text[a:b]), opens=opens)
                yield from self._fit(part, room)

    def _checked(self, run: list[Unit], room: int) -> Iterator[list[Unit]]:
        """Yield the run, halved at a unit until each part fits by the exact count."""
        if len(run) == 1 or self._fits(run[0].start, run[-1].end, room):
            yield run
            return
        middle = max(1, len(run) // 2)
        yield from self._checked(run[:middle], room)
        yield from self._checked(run[middle:], room)

    def _fits(self, start: int, end: int, room: int) -> bool:
        if end - start <= room:  # a token has a character or more
            return True
        piece = self.text[start:end]
        return estimate_tokens(piece) < 3 * room and self.count(piece) <= room


def _even_runs(units: list[Unit], target: int) -> Iterator[list[Unit]]:
    """Yield runs of about equal size; a run ends where a block ends if it may, never after a heading."""
    left = sum(unit.tokens for unit in units)
    runs = ceil(left / target) if left > 1.3 * target else 1
    run: list[Unit] = []
    filled = 0
    for unit in units:
        size = left / runs
        full = filled + unit.tokens / 2 > size or (unit.opens and filled > 0.85 * size)
        if runs > 1 and full and not all(before.structural for before in run):
            held = _trailing_structure(run)
            yield run[: len(run) - held]
            run = run[len(run) - held :]
            taken, filled = filled, sum(before.tokens for before in run)
            left, runs = left - (taken - filled), runs - 1
        run.append(unit)
        filled += unit.tokens
    if run:
        yield run


def _trailing_structure(run: list[Unit]) -> int:
    """Return how many units at the end are headings, which belong to what follows them."""
    held = 0
    while held < len(run) and run[-1 - held].structural:
        held += 1
    return held


def _halfway(text: str, start: int, end: int) -> int:
    middle = (start + end) // 2
    blank = max(text.rfind(" ", start + 1, middle), text.rfind("\n", start + 1, middle))
    return blank if blank > start + (end - start) // 4 else middle


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())
