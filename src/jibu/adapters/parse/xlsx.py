"""Spreadsheets (XLSX): a sheet is a page with its name as heading; blank rows separate tables."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from jibu.adapters.parse.builder import DocumentBuilder
from jibu.adapters.parse.ooxml import Package
from jibu.adapters.parse.tabular import add_table, pieces, trim
from jibu.domain.errors import ParseFailed

if TYPE_CHECKING:
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

MAX_CELLS = 5_000_000
"""Most cells that are looked at, empty ones too: a few bytes of file can claim many."""

_ERRORS = (
    BadZipFile,
    InvalidFileException,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    IndexError,
    SyntaxError,
)


def read(content: bytes, out: DocumentBuilder) -> None:
    """Read a spreadsheet. Raises: ParseFailed."""
    Package(content, out).properties(out)
    try:
        _workbook(content, out)
    except _ERRORS as error:
        raise ParseFailed("The spreadsheet is damaged.", "unreadable") from error


def _workbook(content: bytes, out: DocumentBuilder) -> None:
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
    out.check_pages(len(book.worksheets))
    budget = _Budget()
    for number, sheet in enumerate(book.worksheets, 1):
        if sheet.sheet_state != "visible":
            out.warn("Hidden sheets were left out.")
            continue
        out.start_page(number)
        out.heading(sheet.title, 1)
        for piece in pieces(_rows(sheet, budget)):
            add_table(piece, out)


class _Budget:
    """Counts cells over all sheets."""

    def __init__(self) -> None:
        self._seen = 0

    def spend(self, cells: int) -> None:
        """Raises: ParseFailed (too-large)."""
        self._seen += cells + 1
        if self._seen > MAX_CELLS:
            raise ParseFailed(f"The spreadsheet has more than {MAX_CELLS} cells.", "too-large")


def _rows(sheet: ReadOnlyWorksheet, budget: _Budget) -> Iterator[list[str]]:
    # What a file claims as its size decides nothing: rows are as long as they are.
    sheet.reset_dimensions()
    for row in sheet.iter_rows():  # type: ignore[misc] # the stubs know the other kind of sheet
        budget.spend(len(row))
        yield trim([_text(cell.value, getattr(cell, "number_format", None)) for cell in row])


def _text(value: object, number_format: str | None) -> str:
    """Return a cell as a person reads it."""
    if value is None:
        return ""
    if isinstance(value, dt.date | dt.time):
        return _moment(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number(value, number_format or "")
    return str(value)


def _moment(value: dt.date | dt.time) -> str:
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ", "minutes")
    return value.isoformat() if isinstance(value, dt.date) else value.isoformat("minutes")


def _number(value: float, number_format: str) -> str:
    if "%" in number_format:
        return f"{value * 100:.10g}%"
    return f"{value:.15g}"
