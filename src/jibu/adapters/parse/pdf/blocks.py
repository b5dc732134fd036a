"""From lines to paragraphs, list items and headings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import pairwise
from statistics import median

from jibu.adapters.parse.pdf.layout import Column
from jibu.adapters.parse.pdf.model import SOFT_HYPHEN, Line, Table, between, is_rtl

HEADING_SIZE = 1.1
"""A line whose size is this many times the body's is a heading."""

MAX_HEADING = 220
MAX_HEADING_LINES = 4

_SIGN = re.compile("^(?:[•◦▪‣●○■□➢➤\u2013\u2014*·\uf0b7\uf0a7\uf0d8\uf076\uf02d\u25cb-]|o(?= ))\\s+(?=\\S)")
_NUMBERED = re.compile(
    r"\(?(?:\d{1,3}[A-Z]{0,2}|[a-zA-Z]|[ivxIVX]{2,5})[.)]\)?(?:\s+|\s*\u2014)\S|\(\d{1,3}[A-Z]{0,2}\)|\((?:[a-z]{1,2}|[ivx]{1,5})\)"
)
_ENDS = re.compile("[.!?:;。\uff01\uff1f؟\u06d4।៕។…][\"'”\u2019»)\\]]*$")
_NO_HEADING_END = re.compile(r"[.;,:][\"'”\u2019»)]*$")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_LEADERS = re.compile(r"(?:\s*\.){4,}\s*")
_LETTER = re.compile(r"[^\W\d_]")
_SPEAKING = re.compile(r"\w")


_HYPHENS = (SOFT_HYPHEN, "-", "\u2010")


class Kind(Enum):
    """What a piece of a page is."""

    PARAGRAPH = auto()
    ITEM = auto()
    HEADING = auto()
    TABLE = auto()


@dataclass(slots=True)
class Piece:
    """A block before it gets its offsets."""

    kind: Kind
    page: int
    text: str = ""
    size: float = 0.0
    bold: bool = False
    table: Table | None = None
    lines: list[Line] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Style:
    """What the whole document tells: the body's size and weight, the usual gap between lines, its words."""

    size: float
    bold: bool
    gap: float
    words: frozenset[str]


def style_of(pages: Iterable[Sequence[Column]]) -> Style:
    """Measure a document."""
    sizes: Counter[tuple[float, bool]] = Counter()
    words: set[str] = set()
    gaps: list[float] = []
    for columns in pages:
        for column in columns:
            lines = [box for box in column if isinstance(box, Line)]
            for line in lines:
                sizes[line.size, line.bold] += len(line.text)
                words.update(_WORD.findall(line.text.lower()))
            gaps += [b.y0 - a.y1 for a, b in pairwise(lines) if abs(a.size - b.size) < 0.6]
    (size, bold), _ = sizes.most_common(1)[0] if sizes else ((10.0, False), 0)
    close = [gap for gap in gaps if -size < gap < size]
    return Style(size, bold, median(close) if close else 0.0, frozenset(words))


def pieces(columns: Sequence[Column], page: int, style: Style) -> list[Piece]:
    """Return a page's pieces in reading order."""
    found: list[Piece] = []
    for column in columns:
        group: list[Line] = []
        sides = _Sides.of(column)
        for box in column:
            if isinstance(box, Table):
                found += _piece(group, page, style)
                found.append(Piece(Kind.TABLE, page, table=box))
                group = []
            elif group and _breaks(group, box, sides, style):
                found += _piece(group, page, style)
                group = [box]
            else:
                group.append(box)
        found += _piece(group, page, style)
    return found


@dataclass(frozen=True, slots=True)
class _Sides:
    """Where lines start and end in their reading direction, as growing numbers; ``end`` is the column's."""

    rtl: bool
    end: float

    @classmethod
    def of(cls, column: Column) -> _Sides:
        """Measure a column."""
        lines = [box for box in column if isinstance(box, Line)]
        rtl = is_rtl("".join(line.text for line in lines))
        ends = sorted(-line.x0 if rtl else line.x1 for line in lines)
        return cls(rtl, ends[int(0.9 * (len(ends) - 1))] if ends else 0.0)

    def start_of(self, line: Line) -> float:
        """Return where a line starts."""
        return -line.x1 if self.rtl else line.x0

    def end_of(self, line: Line) -> float:
        """Return where a line ends."""
        return -line.x0 if self.rtl else line.x1


def _breaks(group: Sequence[Line], line: Line, sides: _Sides, style: Style) -> bool:
    """Tell whether a line starts a new block."""
    last = group[-1]
    if abs(last.size - line.size) > 0.12 * last.size or last.bold != line.bold:
        return True
    if line.y0 - last.y1 > style.gap + 0.4 * last.height or is_item(line.text):
        return True
    if line.size >= HEADING_SIZE * style.size or (line.bold and not style.bold):
        return False  # the next line of a heading, however short the last one is
    ended = bool(_ENDS.search(last.text))
    width = max(sides.end - min(map(sides.start_of, group)), 1.0)
    short = sides.end - sides.end_of(last) > (0.2 if ended else 0.45) * width
    step = sides.start_of(line) - sides.start_of(last)
    indented = len(group) > 1 and step > 0.8 * line.height
    outdented = len(group) > 1 and -step > 1.5 * line.height
    return (short and (ended or not line.text[:1].islower())) or (indented and ended) or outdented


def is_item(text: str) -> bool:
    """Tell whether a text starts with a bullet or an enumerator."""
    return bool(_SIGN.match(text) or _NUMBERED.match(text))


def _piece(group: Sequence[Line], page: int, style: Style) -> list[Piece]:
    if not group:
        return []
    text = _LEADERS.sub(" … ", joined([line.text for line in group], style.words))
    size, bold = group[0].size, all(line.bold for line in group)
    kind = Kind.PARAGRAPH
    if _looks_like_heading(text, group, style, bold=bold):
        kind = Kind.HEADING
    elif is_item(text):
        kind, text = Kind.ITEM, _SIGN.sub("", text, count=1)
    return [Piece(kind, page, text, size, bold, lines=list(group))] if _SPEAKING.search(text) else []


def _looks_like_heading(text: str, group: Sequence[Line], style: Style, *, bold: bool) -> bool:
    if len(text) > MAX_HEADING or len(group) > MAX_HEADING_LINES or not _LETTER.search(text):
        return False
    if _SIGN.match(text) or _NO_HEADING_END.search(text) or "…" in text:
        return False
    size = group[0].size / style.size
    if size >= HEADING_SIZE:
        return True
    return size >= 0.95 and not text[0].islower() and ((bold and not style.bold) or in_capitals(text))


def in_capitals(text: str) -> bool:
    """Tell a text in capitals."""
    cased = [c for c in text if c.islower() or c.isupper()]
    return len(cased) >= 4 and len(cased) >= 0.6 * len(text.replace(" ", "")) and all(map(str.isupper, cased))


def joined(texts: Sequence[str], words: frozenset[str]) -> str:
    """Join lines; take out the hyphens that only line ends needed."""
    text = texts[0]
    for following in texts[1:]:
        text = _join(text, following, words)
    return text.replace(SOFT_HYPHEN, "-") if text.endswith(SOFT_HYPHEN) else text


def _join(before: str, after: str, words: frozenset[str]) -> str:
    if before.endswith(_HYPHENS) and before[-2:-1].isalpha() and after[:1].isalpha():
        head, tail = _WORD.findall(before[:-1].lower()), _WORD.match(after.lower())
        first, second = (head[-1] if head else ""), (tail.group() if tail else "")
        if _is_one_word(first, second, after, words):
            return before[:-1] + after
        return before[:-1] + "-" + after
    return before + between(before, after) + after


def _is_one_word(first: str, second: str, after: str, words: frozenset[str]) -> bool:
    """Tell a word cut at a line's end from one with a hyphen: the document itself shows which it uses."""
    if first + second in words:
        return True
    if f"{first}-{second}" in words or not after[0].islower():
        return False
    return not (first in words and second in words)


def rejoined(found: Sequence[Piece], words: frozenset[str]) -> list[Piece]:
    """Join paragraphs that a page break cuts in the middle of a sentence."""
    whole: list[Piece] = []
    for piece in found:
        before = whole[-1] if whole else None
        if before and _carries_on(before, piece):
            before.text = _join(before.text, piece.text, words)
            before.lines = piece.lines
        else:
            whole.append(piece)
    return whole


def _carries_on(before: Piece, piece: Piece) -> bool:
    running = before.kind in (Kind.PARAGRAPH, Kind.ITEM) and piece.kind is Kind.PARAGRAPH
    if not running or before.size != piece.size or len(before.text) < 40:
        return False
    return piece.text[:1].islower() and not _ENDS.search(before.text)
