"""Reads a PDF's text layer with pdfium."""

from __future__ import annotations

import contextlib
import ctypes
import re
from collections import Counter
from collections.abc import Sequence

import pypdfium2  # type: ignore[import-untyped]
import pypdfium2.raw as pdfium  # type: ignore[import-untyped]

from jibu.adapters.parse.builder import DocumentBuilder
from jibu.adapters.parse.pdf.aligned import aligned_tables
from jibu.adapters.parse.pdf.blocks import Kind, Piece, in_capitals, pieces, rejoined, style_of
from jibu.adapters.parse.pdf.furniture import without_furniture
from jibu.adapters.parse.pdf.glyphs import GlyphReader, Place, turn
from jibu.adapters.parse.pdf.grids import ruled_tables
from jibu.adapters.parse.pdf.layout import Column, columns
from jibu.adapters.parse.pdf.model import PageText, Segment, Table
from jibu.adapters.parse.pdf.rules import rules
from jibu.domain.errors import ParseFailed

MAX_LEVEL = 6
_LANGUAGE_BYTES = 128
_TRAILER = b"%%EOF"
# Titles that programs fill in by themselves.
_NO_TITLE = re.compile(
    r"\s*(?:microsoft (?:word|powerpoint)|untitled|document\d*|powerpoint presentation|slide \d+"
    r"|.*\.(?:docx?|pptx?|xlsx?|pdf|indd|qxd|rtf))\b.*|\W*",
    re.IGNORECASE,
)
_PERMITTED = (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY)


def read(content: bytes, out: DocumentBuilder) -> None:
    """Read a PDF. Raises: ParseFailed (encrypted, too-many-pages, truncated, unreadable, empty, limits)."""
    document = _open(content)
    count = len(document)
    out.check_pages(count)
    pages = [page for number in range(count) if (page := _page(document, number, out))]
    if not any(page.segments for page in pages):
        raise ParseFailed(
            "The PDF holds no text, only pictures of pages. It needs text recognition first.", "empty"
        )
    blank = count - sum(bool(page.segments) for page in pages)
    if blank:
        out.warn(f"{blank} of {count} pages hold no text; they may be pictures.")
    _describe(document, out)
    out.start_page(count)
    _add(_pieces(pages), out)


def _open(content: bytes) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) in _PERMITTED:
            raise ParseFailed("The PDF is protected by a password.", "encrypted") from error
        if _TRAILER not in content[-2048:]:
            raise ParseFailed("The PDF was cut off.", "truncated") from error
        raise ParseFailed("The PDF is damaged.", "unreadable") from error


def _page(document: pypdfium2.PdfDocument, index: int, out: DocumentBuilder) -> PageText | None:
    try:
        page = document[index]
    except pypdfium2.PdfiumError:
        out.warn(f"Page {index + 1} is damaged and was left out.")
        return None
    text_page = pdfium.FPDFText_LoadPage(page.raw)
    if not text_page:
        return None
    try:
        quarter = turn(text_page)
        place, width, height = _frame(page, quarter)
        across, down = rules(page.raw, place)
        segments = GlyphReader(text_page, place, down).read()
        return PageText(index + 1, width, height, _visible(segments, width, height), across, down)
    finally:
        pdfium.FPDFText_ClosePage(text_page)
        page.close()


def _frame(page: pypdfium2.PdfPage, quarter: int) -> tuple[Place, float, float]:
    """Return how to place a point so that text stands upright, and the page's size then."""
    left, bottom, right, top = page.get_bbox()
    wide, high = right - left, top - bottom
    places: dict[int, Place] = {
        0: lambda x, y: (x - left, top - y),
        1: lambda x, y: (y - bottom, x - left),
        2: lambda x, y: (right - x, y - bottom),
        3: lambda x, y: (top - y, right - x),
    }
    return (places[quarter], high, wide) if quarter % 2 else (places[quarter], wide, high)


def _visible(segments: list[Segment], width: float, height: float) -> list[Segment]:
    return [s for s in segments if s.x0 > -5 and s.x1 < width + 5 and s.y0 > -5 and s.y1 < height + 5]


def _describe(document: pypdfium2.PdfDocument, out: DocumentBuilder) -> None:
    with contextlib.suppress(pypdfium2.PdfiumError, UnicodeDecodeError):
        title = document.get_metadata_value("Title")
        if title and not _NO_TITLE.fullmatch(title):
            out.title = title
    out.language = _language(document)


def _language(document: pypdfium2.PdfDocument) -> str | None:
    buffer = ctypes.create_string_buffer(_LANGUAGE_BYTES)
    text = ctypes.cast(buffer, ctypes.POINTER(pdfium.FPDF_WCHAR))
    length = pdfium.FPDFCatalog_GetLanguage(document.raw, text, _LANGUAGE_BYTES)
    if not 2 < length <= _LANGUAGE_BYTES:
        return None
    return buffer.raw.decode("utf-16-le", "ignore").partition("\0")[0]


def _pieces(pages: Sequence[PageText]) -> list[Piece]:
    ordered: list[tuple[int, list[Column]]] = []
    tables = []
    for page in pages:
        # A table's header may stand in the margin of every page that the table goes on to.
        ruled, page.segments = ruled_tables(page)
        tables.append(ruled)
    for page, ruled, kept in zip(pages, tables, without_furniture(pages), strict=True):
        aligned, rest = aligned_tables(kept)
        boxes: list[Segment | Table] = [*ruled, *aligned, *rest]
        ordered.append((page.number, columns(boxes)))
    style = style_of(found for _, found in ordered)
    found = [piece for number, page_columns in ordered for piece in pieces(page_columns, number, style)]
    return rejoined(found, style.words)


def _add(found: Sequence[Piece], out: DocumentBuilder) -> None:
    levels = _levels(found)
    before: Table | None = None
    for piece in found:
        out.page = piece.page
        if piece.table:
            _add_table(piece.table, before, out)
        elif piece.kind is Kind.HEADING:
            out.heading(piece.text, levels[_look(piece)])
        elif piece.kind is Kind.ITEM:
            out.list_item(piece.text)
        else:
            out.paragraph(piece.text)
        before = piece.table


_Look = tuple[int, bool, bool]
"""Size, whether in capitals, whether bold: headings of one depth look the same."""


def _look(piece: Piece) -> _Look:
    return round(piece.size), in_capitals(piece.text), piece.bold


def _levels(found: Sequence[Piece]) -> dict[_Look, int]:
    """Number the looks of headings, largest first; rare looks beyond six share the level above them."""
    counts = Counter(_look(piece) for piece in found if piece.kind is Kind.HEADING)
    common = {look for look, _ in counts.most_common(MAX_LEVEL)}
    levels: dict[_Look, int] = {}
    level = 0
    for look in sorted(counts, reverse=True):
        level += look in common
        levels[look] = max(level, 1)
    return levels


def _add_table(table: Table, before: Table | None, out: DocumentBuilder) -> None:
    """Add a table; one that carries on from the page before stays the same table."""
    rows = table.rows
    carries_on = before is not None and len(before.rows[0]) == len(rows[0])
    if carries_on and before is not None and rows[0] == before.rows[0]:
        rows = rows[1:]
    elif not carries_on or table.header:
        out.start_table()
        carries_on = False
    for number, row in enumerate(rows):
        out.row(row, header=number == 0 and table.header and not carries_on)
