"""What the steps of reading a PDF pass on. Points, x to the right, y down from the top of the shown page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

# Right-to-left letters, and scripts whose line breaks stand for no space.
_RTL = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_LETTER = re.compile(r"[^\W\d_]")
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]"
)
SOFT_HYPHEN = "\u00ad"


@dataclass(slots=True)
class Box:
    """A rectangle."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        """From left to right."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """From top to bottom."""
        return self.y1 - self.y0

    @property
    def middle(self) -> float:
        """Half-way down."""
        return (self.y0 + self.y1) / 2


@dataclass(slots=True)
class Segment(Box):
    """Text on one line without a wide gap. ``size`` is the font's size as shown."""

    text: str = ""
    size: float = 0.0
    bold: bool = False


@dataclass(slots=True)
class Line(Box):
    """Segments beside each other in one column."""

    segments: list[Segment] = field(default_factory=list)
    text: str = ""
    size: float = 0.0
    bold: bool = False


@dataclass(slots=True)
class Table(Box):
    """A table: rows of cell texts, all of one length."""

    rows: list[list[str]] = field(default_factory=list)
    header: bool = False


def read_order(rows: list[list[str]]) -> list[list[str]]:
    """Return table rows with their first column first: on the right in right-to-left text."""
    if is_rtl("".join(cell for row in rows for cell in row)):
        return [row[::-1] for row in rows]
    return rows


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight line: across (``at`` is y) or down (``at`` is x), from ``start`` to ``end``."""

    at: float
    start: float
    end: float


@dataclass(slots=True)
class PageText:
    """A page as read: its segments and its ruled lines."""

    number: int
    width: float
    height: float
    segments: list[Segment]
    across: list[Rule]
    down: list[Rule]


def bounds(boxes: Sequence[Box]) -> tuple[float, float, float, float]:
    """Return the rectangle around all boxes."""
    return (
        min(box.x0 for box in boxes),
        min(box.y0 for box in boxes),
        max(box.x1 for box in boxes),
        max(box.y1 for box in boxes),
    )


def has_rtl(text: str) -> bool:
    """Tell whether any letter runs from right to left."""
    return bool(_RTL.search(text))


def is_rtl(text: str) -> bool:
    """Tell whether most letters run from right to left."""
    return 2 * len(_RTL.findall(text)) > len(_LETTER.findall(text))


def rows_of(segments: Iterable[Segment]) -> list[list[Segment]]:
    """Group segments that stand on one line, top to bottom, each line in its reading direction."""
    rows: list[list[Segment]] = []
    for segment in sorted(segments, key=lambda s: s.middle):
        if rows and _beside(rows[-1], segment):
            rows[-1].append(segment)
        else:
            rows.append([segment])
    for row in rows:
        row.sort(key=lambda s: s.x0, reverse=is_rtl("".join(s.text for s in row)))
    return rows


def _beside(row: Sequence[Segment], segment: Segment) -> bool:
    tallest = max(row, key=lambda s: s.height)
    overlap = min(tallest.y1, segment.y1) - max(tallest.y0, segment.y0)
    return overlap > 0.5 * min(tallest.height, segment.height)


def line_of(row: Sequence[Segment]) -> Line:
    """Join the segments of a row."""
    text = row[0].text
    for before, segment in pairwise(row):
        near = max(segment.x0 - before.x1, before.x0 - segment.x1) < 0.1 * segment.height
        text += segment.text if near else " " + segment.text
    weight = sum(len(s.text) for s in row)
    bold = sum(len(s.text) for s in row if s.bold)
    size = max(row, key=lambda s: len(s.text)).size
    return Line(*bounds(row), segments=list(row), text=text, size=size, bold=bold > 0.8 * weight)


def between(before: str, after: str) -> str:
    """Return what a line break between two texts stands for."""
    return "" if _UNSPACED.match(before[-1:]) and _UNSPACED.match(after[:1]) else " "
