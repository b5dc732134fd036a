"""Ruled lines: the paths on a page that may frame tables."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable

import pypdfium2.raw as pdfium  # type: ignore[import-untyped]

from jibu.adapters.parse.pdf.glyphs import Handle, Place
from jibu.adapters.parse.pdf.model import Rule

MAX_OBJECTS = 20_000
MAX_PARTS = 400
THIN = 3.0
"""A path narrower than this many points is a line."""

SHORTEST = 6.0
JOIN = 3.0
"""Pieces of a line that are this near to each other are one line."""

_Corners = tuple[float, float, float, float]


def rules(page: Handle, place: Place) -> tuple[list[Rule], list[Rule]]:
    """Return the lines across and down, pieces joined."""
    across: list[Rule] = []
    down: list[Rule] = []
    for index in range(min(pdfium.FPDFPage_CountObjects(page), MAX_OBJECTS)):
        thing = pdfium.FPDFPage_GetObject(page, index)
        if pdfium.FPDFPageObj_GetType(thing) == pdfium.FPDF_PAGEOBJ_PATH:
            for corners in _strokes(thing):
                _add(corners, place, across, down)
    return _joined(across), _joined(down)


def _strokes(path: Handle) -> Iterable[_Corners]:
    """Return rectangles: the path's own, or those of its pieces where it draws several."""
    parts = pdfium.FPDFPath_CountSegments(path)
    if 5 < parts <= MAX_PARTS:
        return _pieces(path, parts)
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    if not pdfium.FPDFPageObj_GetBounds(path, left, bottom, right, top):
        return ()
    return ((left.value, bottom.value, right.value, top.value),)


def _pieces(path: Handle, parts: int) -> list[_Corners]:
    matrix = pdfium.FS_MATRIX()
    if not pdfium.FPDFPageObj_GetMatrix(path, matrix):
        return []
    x, y = ctypes.c_float(), ctypes.c_float()
    found: list[_Corners] = []
    before: tuple[float, float] | None = None
    for index in range(parts):
        part = pdfium.FPDFPath_GetPathSegment(path, index)
        pdfium.FPDFPathSegment_GetPoint(part, x, y)
        here = (
            matrix.a * x.value + matrix.c * y.value + matrix.e,
            matrix.b * x.value + matrix.d * y.value + matrix.f,
        )
        if before and pdfium.FPDFPathSegment_GetType(part) == pdfium.FPDF_SEGMENT_LINETO:
            found.append((*before, *here))
        before = here
    return found


def _add(corners: _Corners, place: Place, across: list[Rule], down: list[Rule]) -> None:
    ax, ay = place(corners[0], corners[1])
    bx, by = place(corners[2], corners[3])
    x0, x1, y0, y1 = min(ax, bx), max(ax, bx), min(ay, by), max(ay, by)
    wide, high = x1 - x0, y1 - y0
    if high < THIN and wide >= SHORTEST:
        across.append(Rule((y0 + y1) / 2, x0, x1))
    elif wide < THIN and high >= SHORTEST:
        down.append(Rule((x0 + x1) / 2, y0, y1))
    elif wide >= SHORTEST and high >= SHORTEST:
        across += (Rule(y0, x0, x1), Rule(y1, x0, x1))
        down += (Rule(x0, y0, y1), Rule(x1, y0, y1))


def _joined(rules: list[Rule]) -> list[Rule]:
    """Join pieces of the same line."""
    found: list[Rule] = []
    for rule in sorted(rules, key=lambda r: (round(r.at / THIN), r.start)):
        last = found[-1] if found else None
        if last and abs(last.at - rule.at) < THIN and rule.start <= last.end + JOIN:
            found[-1] = Rule(last.at, last.start, max(last.end, rule.end))
        else:
            found.append(rule)
    return found
