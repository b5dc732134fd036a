"""Sections of a document: what stands under one heading, as units that are never cut unless they must be."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

from jibu.domain.documents import Block, BlockKind, ParsedDocument
from jibu.domain.passages import TextSpan

Segment = Callable[[str, str], list[tuple[int, int]]]

_CITABLE_WHOLE = 500  # characters: a longer list item or row is cut into its sentences
_CODE_PIECE = 400
_LONGEST_HEADING = 500  # characters: every passage below it carries a copy
_LONGEST_HEADER = 8000  # characters: so does every row below a table's header; a longer one is only a row
_STRUCTURE = frozenset((BlockKind.HEADING, BlockKind.TABLE_HEADER))
_ANNOUNCES = frozenset(":\uff1a")
_STOPS = frozenset(".!?\u3002\u061f\u06d4\u0964\u17d4\u17d5\u1362")
_DEAR = re.compile(r"[^\w\s]|\d")
_DENSE = re.compile("[\u1200-\u137f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence, list item, table row, heading or piece of code: ``text[start:end]``.

    ``tokens`` is an estimate. ``opens``: a block begins here, so a cut before it is a good one.
    """

    start: int
    end: int
    kind: BlockKind
    tokens: int
    page: int | None = None
    header: TextSpan | None = None
    opens: bool = False

    @property
    def structural(self) -> bool:
        """Whether it is a heading or a table's header, which are not cited by themselves."""
        return self.kind in _STRUCTURE


@dataclass(frozen=True, slots=True)
class Section:
    """Units under one heading path. The heading itself is the first unit."""

    path: tuple[str, ...]
    units: tuple[Unit, ...]

    @property
    def tokens(self) -> int:
        """Estimated tokens of all units."""
        return sum(unit.tokens for unit in self.units)

    @property
    def bare(self) -> bool:
        """Whether there is nothing but headings in it."""
        return all(unit.structural for unit in self.units)


def estimate_tokens(text: str) -> int:
    """Return about how many tokens a text takes in a multilingual vocabulary; prose within a factor of 1.7."""
    return 1 + round(0.2 * len(text) + 0.3 * len(_DEAR.findall(text)) + 0.4 * len(_DENSE.findall(text)))


def sections(parsed: ParsedDocument, *, language: str, segment: Segment) -> list[Section]:
    """Return the document's sections in order."""
    text, headers = parsed.text, _table_headers(parsed)
    blocks: Iterable[Block] = parsed.blocks or _whole(text)
    path: list[tuple[int, str]] = []
    found: list[tuple[tuple[str, ...], list[Unit]]] = [((), [])]
    for block in blocks:
        if block.kind is BlockKind.HEADING:
            path = [above for above in path if above[0] < block.level]
            path.append((block.level, _name(text[block.start : block.end])))
            found.append((tuple(name for _, name in path), []))
        found[-1][1].extend(_units(text, block, headers, language, segment))
    return [Section(names, tuple(units)) for names, units in found if units]


def _name(heading: str) -> str:
    name = " ".join(heading.split())
    return name if len(name) <= _LONGEST_HEADING else name[: _LONGEST_HEADING - 1].rstrip() + "\u2026"


def _whole(text: str) -> tuple[Block, ...]:
    start = len(text) - len(text.lstrip())
    return (Block(BlockKind.PARAGRAPH, start, len(text.rstrip())),) if text.strip() else ()


def _table_headers(parsed: ParsedDocument) -> dict[int, TextSpan]:
    """Return each table's header; rows of a header that follow each other make one span."""
    headers: dict[int, TextSpan] = {}
    for block in parsed.blocks:
        if block.kind is BlockKind.TABLE_HEADER and block.table is not None:
            before = headers.get(block.table)
            near = before is not None and not parsed.text[before.end : block.start].strip()
            start = before.start if before is not None and near else block.start
            if block.end - start <= _LONGEST_HEADER:
                headers[block.table] = TextSpan(start, block.end, parsed.text[start : block.end])
    return headers


def _units(
    text: str, block: Block, headers: dict[int, TextSpan], language: str, segment: Segment
) -> list[Unit]:
    header = headers.get(block.table or 0) if block.kind is BlockKind.TABLE_ROW else None
    spans = _spans(text[block.start : block.end], block.kind, language, segment)
    units = [
        Unit(block.start + a, block.start + b, block.kind, estimate_tokens(text[block.start + a : block.start + b]),
             block.page, header)
        for a, b in spans
    ]  # fmt: skip
    return [replace(units[0], opens=True), *units[1:]] if units else []


def _spans(piece: str, kind: BlockKind, language: str, segment: Segment) -> list[tuple[int, int]]:
    if kind is BlockKind.CODE:
        return _code_spans(piece)
    if kind is BlockKind.PARAGRAPH or len(piece) > _CITABLE_WHOLE:
        return [
            (start + a, start + b)
            for start, end in _listed(piece)
            for a, b in segment(piece[start:end], language)
        ]
    return [(0, len(piece))] if piece.strip() else []


def _listed(piece: str) -> list[tuple[int, int]]:
    """Return the piece cut into the lines of lists without bullets: those after a line that ends with a colon.

    Such a list goes on until a line ends like a sentence. Elsewhere a line break cuts nothing by itself.
    """
    cuts, listing, at = [0], False, 0
    for line in piece.split("\n"):
        if listing:
            cuts.append(at)
        at += len(line) + 1
        end = line.rstrip()[-1:]
        listing = end in _ANNOUNCES or (listing and end not in _STOPS)
    return list(pairwise([*cuts, len(piece)]))


def _code_spans(piece: str) -> list[tuple[int, int]]:
    """Return runs of whole lines of bounded length."""
    spans: list[tuple[int, int]] = []
    for line in re.finditer(r"[^\n]*\S", piece):
        if spans and line.end() - spans[-1][0] <= _CODE_PIECE:
            spans[-1] = (spans[-1][0], line.end())
        else:
            spans.append(line.span())
    return spans
