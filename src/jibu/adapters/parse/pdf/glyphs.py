"""Glyphs of a page, put together to segments. Calls pdfium directly: a page has thousands of glyphs."""

from __future__ import annotations

import ctypes
import math
import re
from collections import Counter
from collections.abc import Callable

import pypdfium2.raw as pdfium  # type: ignore[import-untyped]

from jibu.adapters.parse.pdf.bidi import logical, rejoined
from jibu.adapters.parse.pdf.model import SOFT_HYPHEN, Rule, Segment

GAP = 0.6
"""A gap wider than this share of the line's height separates segments."""

MAX_GLYPHS = 200_000
_BOLD_WEIGHT = 600
_BOLD_NAME = re.compile(rb"bold|black|heavy|demi|[.,_-]b(?:d|i)?$", re.IGNORECASE)
_HYPHEN_MARKS = (0x2, 0xAD, 0xFFFE)
_BREAKS = (0xA, 0xD)
_SAMPLES = 24

Handle = ctypes.c_void_p
"""What pdfium hands out for a page, its text or an object on it."""

Place = Callable[[float, float], tuple[float, float]]
"""From a page's own coordinates to those of the shown page."""


class GlyphReader:
    """Reads one text page."""

    def __init__(self, text_page: Handle, place: Place, down: list[Rule]) -> None:
        self._page = text_page
        self._place = place
        self._down = down
        self._segments: list[Segment] = []
        self._current: _Open | None = None

    def read(self) -> list[Segment]:
        """Return all upright segments in the order of the file."""
        count = min(pdfium.FPDFText_CountChars(self._page), MAX_GLYPHS)
        get_unicode, get_box = pdfium.FPDFText_GetUnicode, pdfium.FPDFText_GetLooseCharBox
        rect = pdfium.FS_RECTF()
        space = False
        for index in range(count):
            code = get_unicode(self._page, index)
            if code in _HYPHEN_MARKS:
                self._hyphen()
                continue
            char = _char(code)
            if not char or char.isspace():
                space = True
                continue
            if get_box(self._page, index, rect):
                x0, y0 = self._place(rect.left, rect.top)
                x1, y1 = self._place(rect.right, rect.bottom)
                self._add(index, char, (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)), space=space)
            space = False
        self._close()
        return rejoined(self._segments, self._near)

    def _near(self, one: Segment, other: Segment) -> bool:
        """Tell whether two segments of a line have only a word's space between them."""
        gap = max(one.x0 - other.x1, other.x0 - one.x1)
        parted = any(
            min(one.x1, other.x1) < rule.at < max(one.x0, other.x0) and rule.start <= one.middle <= rule.end
            for rule in self._down
        )
        return gap < GAP * max(one.height, other.height) and not parted

    def _hyphen(self) -> None:
        if self._current:
            self._current.parts.append(SOFT_HYPHEN)
            self._current.middles.append(self._current.middles[-1])

    def _add(self, index: int, char: str, box: tuple[float, float, float, float], *, space: bool) -> None:
        current = self._current
        if current is None or not current.continues(box) or (space and self._ruled_off(current, box)):
            self._close()
            self._current = _Open(index, char, box)
        else:
            current.add(index, (" " if space else "") + char, box)

    def _ruled_off(self, current: _Open, box: tuple[float, float, float, float]) -> bool:
        """Tell whether a vertical line stands between the last glyph and this one."""
        left, right = min(current.last[0], box[0]), max(current.last[2], box[2])
        middle = (box[1] + box[3]) / 2
        return any(left < rule.at < right and rule.start <= middle <= rule.end for rule in self._down)

    def _close(self) -> None:
        current, self._current = self._current, None
        if current is None:
            return
        scale, upright = self._scale(current.widest)
        if upright:
            size = round(pdfium.FPDFText_GetFontSize(self._page, current.widest) * scale, 1)
            text = logical(current.parts, current.middles)
            # A bold word that opens a line of running text does not make the line bold.
            bold = all(self._is_bold(glyph) for glyph in {current.first, current.index})
            self._segments.append(Segment(*current.box, text=text, size=size or current.height, bold=bold))

    def _scale(self, index: int) -> tuple[float, bool]:
        """Return how much a glyph's font is scaled, and whether it stands upright on the shown page."""
        matrix = pdfium.FS_MATRIX()
        if not pdfium.FPDFText_GetMatrix(self._page, index, matrix):
            return 1.0, True
        origin, along = self._place(0, 0), self._place(matrix.a, matrix.b)
        across, down = along[0] - origin[0], along[1] - origin[1]
        return math.hypot(matrix.c, matrix.d), across > 0 and abs(down) < 0.3 * across

    def _is_bold(self, index: int) -> bool:
        name = ctypes.create_string_buffer(128)
        pdfium.FPDFText_GetFontInfo(self._page, index, name, 128, ctypes.c_int())
        if _BOLD_NAME.search(name.value):
            return True
        return bool(pdfium.FPDFText_GetFontWeight(self._page, index) >= _BOLD_WEIGHT)


class _Open:
    """A segment that still grows."""

    def __init__(self, index: int, char: str, box: tuple[float, float, float, float]) -> None:
        self.parts = [char]
        self.middles = [(box[0] + box[2]) / 2]
        self.first = self.index = index
        self.box = box
        self.last = box
        self.widest = index
        self.height = box[3] - box[1]

    def continues(self, box: tuple[float, float, float, float]) -> bool:
        """Tell whether a glyph stands next on the same line."""
        height = max(self.height, box[3] - box[1], 1.0)
        apart = abs((box[1] + box[3]) - (self.last[1] + self.last[3])) / 2
        gap = max(box[0] - self.last[2], self.last[0] - box[2])
        return apart < 0.5 * height and gap < GAP * height

    def add(self, index: int, text: str, box: tuple[float, float, float, float]) -> None:
        """Append a glyph."""
        self.parts.append(text)
        self.middles.append((box[0] + box[2]) / 2)
        self.index = index
        mine = self.box
        self.box = (min(mine[0], box[0]), min(mine[1], box[1]), max(mine[2], box[2]), max(mine[3], box[3]))
        self.last = box
        if box[3] - box[1] > self.height:
            self.height, self.widest = box[3] - box[1], index


def _char(code: int) -> str:
    """Return a glyph's character; surrogate halves and noncharacters have none."""
    if code < 0x20 or 0xD800 <= code <= 0xDFFF or code > 0x10FFFF:
        return ""
    return chr(code)


def turn(text_page: Handle) -> int:
    """Return by how many quarter turns (counter-clockwise) most glyphs stand on the unrotated page."""
    count = pdfium.FPDFText_CountChars(text_page)
    matrix = pdfium.FS_MATRIX()
    found: Counter[int] = Counter()
    for index in range(0, count, max(1, count // _SAMPLES)):
        if pdfium.FPDFText_GetMatrix(text_page, index, matrix) and (matrix.a or matrix.b):
            found[round(math.atan2(matrix.b, matrix.a) / (math.pi / 2)) % 4] += 1
    return found.most_common(1)[0][0] if found else 0
