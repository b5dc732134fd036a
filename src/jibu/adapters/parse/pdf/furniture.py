"""Running headers, footers and page numbers: what the margins of several pages repeat."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from jibu.adapters.parse.pdf.model import Box, PageText, Segment, rows_of

ZONE = 0.09
"""Share of the page's height that counts as margin, at the top and at the bottom."""

ROWS = 4
LEAST_SHARE = 0.05
STAMP_SHARE = 0.25
_DIGITS = re.compile(r"\d+")
_PAGE_NUMBER = re.compile(
    r"[\s\[(|\-\u2013\u2014]*(?:page|p\.|seite|página|pagina|ukurasa|стр\.|صفحة|หน้า|ទំព័រ|第)?\s*"
    r"(?:\d{1,4}|[ivxlc]{1,7})"
    r"(?:\s*(?:of|/|de|von|sur|ya|из|من)\s*\d{1,4})?\s*页?[\s\])|\-\u2013\u2014]*",
    re.IGNORECASE,
)

_Key = tuple[bool, int, str]
_Stamp = tuple[int, int, str]


def in_margin(box: Box, height: float) -> bool:
    """Tell whether a box stands in the margin at the top or the bottom of a page."""
    return box.y1 < ZONE * height or box.y0 > (1 - ZONE) * height


def without_furniture(pages: Sequence[PageText]) -> list[list[Segment]]:
    """Return each page's segments but those that margins repeat, and lone page numbers."""
    seen: Counter[_Key] = Counter()
    for page in pages:
        seen.update({_key(page, segment) for segment in _margin(page)})
    most = max(3 if len(pages) > 5 else 2, round(LEAST_SHARE * len(pages)))
    stamps = _stamps(pages)
    for page in pages:
        page.segments = [segment for segment in page.segments if _stamp(segment) not in stamps]
    return [_kept(page, seen, most) for page in pages]


def _stamps(pages: Sequence[PageText]) -> set[_Stamp]:
    """Return what many pages repeat word for word at one place, in the margin or not: water marks, stamps."""
    seen: Counter[_Stamp] = Counter()
    for page in pages:
        seen.update({_stamp(segment) for segment in page.segments})
    return {stamp for stamp, count in seen.items() if count >= max(4, STAMP_SHARE * len(pages))}


def _stamp(segment: Segment) -> _Stamp:
    return round(segment.x0 / 4), round(segment.y0 / 4), segment.text


def _kept(page: PageText, seen: Counter[_Key], most: int) -> list[Segment]:
    dropped: set[int] = set()
    for row in _margin_rows(page):
        rest = [segment for segment in row if seen[_key(page, segment)] < most]
        if not rest or (len(rest) == 1 and _PAGE_NUMBER.fullmatch(rest[0].text)):
            rest = []
        dropped.update(id(segment) for segment in row if not any(segment is other for other in rest))
    return [segment for segment in page.segments if id(segment) not in dropped]


def _margin(page: PageText) -> Iterable[Segment]:
    return (segment for row in _margin_rows(page) for segment in row)


def _margin_rows(page: PageText) -> list[list[Segment]]:
    """Return the outermost rows in the margins."""
    outer = [s for s in page.segments if in_margin(s, page.height)]
    rows = rows_of(outer)
    top = [row for row in rows if row[0].middle < page.height / 2]
    return top[:ROWS] + rows[len(top) :][-ROWS:]


def _key(page: PageText, segment: Segment) -> _Key:
    """Return what makes a repetition: the margin, the height on the page, the text without its numbers."""
    return segment.middle < page.height / 2, round(segment.middle / 6), _DIGITS.sub("#", segment.text)
