"""Reading order: columns from left to right between whatever reaches across them."""

from __future__ import annotations

from collections.abc import Sequence

from jibu.adapters.parse.pdf.model import Box, Line, Segment, Table, bounds, is_rtl, line_of, rows_of

GUTTER = 7.0
"""Least width of the blank strip between two columns, in points."""

LEAST_LINES = 4
LEAST_CHARACTERS = 14
MOST_CROSSING = 0.7
MAX_DEPTH = 4

Column = list[Line | Table]
"""Lines and tables that are read from top to bottom."""


def columns(boxes: Sequence[Segment | Table]) -> list[Column]:
    """Return the page's columns in reading order."""
    return _ordered(boxes, 0) if boxes else []


def _ordered(boxes: Sequence[Segment | Table], depth: int) -> list[Column]:
    gutter = _gutter(boxes) if depth < MAX_DEPTH else None
    if gutter is None:
        return [_column(boxes)]
    found: list[Column] = []
    rtl = is_rtl("".join(box.text for box in boxes if isinstance(box, Segment)))
    for band in _bands(boxes, gutter):
        if _crosses(band[0], gutter):
            found += _ordered(band, depth + 1) if len(band) < len(boxes) else [_column(band)]
            continue
        left = [box for box in band if box.x1 <= gutter]
        right = [box for box in band if box.x1 > gutter]
        for side in (right, left) if rtl else (left, right):
            if side:
                found += _ordered(side, depth + 1)
    return _merged(found)


def _merged(found: list[Column]) -> list[Column]:
    """Join neighbouring columns that are single lines, so that a wrapped heading stays one."""
    merged: list[Column] = []
    for column in found:
        if merged and len(column) == 1 and len(merged[-1]) == 1 and column[0].y0 >= merged[-1][-1].middle:
            merged[-1] = merged[-1] + column
        else:
            merged.append(column)
    return merged


def _column(boxes: Sequence[Segment | Table]) -> Column:
    lines = [line_of(row) for row in rows_of(box for box in boxes if isinstance(box, Segment))]
    tables = [box for box in boxes if isinstance(box, Table)]
    together: Column = [*lines, *tables]
    return sorted(together, key=lambda box: box.y0)


def _crosses(box: Box, x: float) -> bool:
    return box.x0 < x < box.x1


def _bands(boxes: Sequence[Segment | Table], gutter: float) -> list[list[Segment | Table]]:
    """Cut the page where something reaches across the gutter."""
    crossing = [box for box in boxes if _crosses(box, gutter)]
    bands: list[list[Segment | Table]] = []
    across: bool | None = None
    for box in sorted(boxes, key=lambda b: b.middle):
        # What stands beside a crossing box belongs to its line.
        here = any(_shares_line(box, other) for other in crossing)
        if here != across:
            bands.append([])
            across = here
        bands[-1].append(box)
    # A band of crossing boxes starts with one.
    return [sorted(band, key=lambda b: not _crosses(b, gutter)) for band in bands]


def _shares_line(box: Box, other: Box) -> bool:
    overlap = min(box.y1, other.y1) - max(box.y0, other.y0)
    return box is other or overlap > 0.5 * min(box.height, other.height)


def _gutter(boxes: Sequence[Segment | Table]) -> float | None:
    """Return the middle of the best blank strip between two columns of running text."""
    segments = [box for box in boxes if isinstance(box, Segment)]
    if len(segments) < 2 * LEAST_LINES:
        return None
    x0, _, x1, _ = bounds(segments)
    starts = sorted({round(s.x0) for s in segments if x0 + 0.15 * (x1 - x0) < s.x0 < x0 + 0.85 * (x1 - x0)})
    best: tuple[int, float] | None = None
    for start in starts:
        place = start - 2.0
        crossing = sum(_crosses(s, place) for s in segments)
        better = best is None or crossing < best[0]
        if better and crossing <= MOST_CROSSING * len(segments) and _divides(segments, place):
            best = (crossing, place)
    return best[1] if best else None


def _divides(segments: Sequence[Segment], x: float) -> bool:
    """Tell whether running text stands on both sides of ``x``, line beside line."""
    left = [s for s in segments if s.x1 <= x]
    right = [s for s in segments if s.x0 >= x]
    if min(len(left), len(right)) < LEAST_LINES:
        return False
    if any(sum(len(s.text) for s in side) < LEAST_CHARACTERS * len(side) for side in (left, right)):
        return False
    right_edge = sorted(s.x1 for s in left)[int(0.95 * (len(left) - 1))]
    if min(s.x0 for s in right) - right_edge < GUTTER:
        return False
    fewer, more = sorted((left, right), key=len)
    beside = sum(any(_shares_line(s, other) for other in more) for s in fewer)
    return 2 * beside >= len(fewer)
