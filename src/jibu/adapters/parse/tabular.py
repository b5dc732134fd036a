"""What spreadsheets, delimited text and lists of records share: finding header and notes around a table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from jibu.adapters.parse.builder import DocumentBuilder, Inline, text_of

MAX_HEADER_CELL = 200
_NUMBER = re.compile(r"[-+(]?\s*[\d.,:/\s'%$€£¥()-]*\d[\d.,:/\s'%$€£¥()-]*(?:[A-Za-z]{3})?")
_YEAR = re.compile(r"(?:19|20)\d\d(?:\s*[/-]\s*\d{2,4})?")


def is_number(text: str) -> bool:
    """Tell whether a cell holds a number, an amount, a date or a time."""
    return bool(_NUMBER.fullmatch(text.strip()))


def is_header(first: Sequence[Inline], rest: Sequence[Sequence[Inline]]) -> bool:
    """Tell whether a table's first row names its columns: short distinct texts above other rows."""
    cells = [text_of(cell) for cell in first]
    named = [cell for cell in cells if cell]
    if not rest or not named or len(named) < max(1, (len(cells) + 1) // 2):
        return False
    if len(set(named)) < len(named) or not all(map(_is_name, named)):
        return False
    return not any(is_number(cell) and not _YEAR.fullmatch(cell) for cell in named)


def _is_name(cell: str) -> bool:
    return len(cell) <= MAX_HEADER_CELL and any(map(str.isalnum, cell)) and not cell.endswith((":", "."))


def trim(row: Sequence[str]) -> list[str]:
    """Drop empty cells from a row's end."""
    end = len(row)
    while end and not row[end - 1].strip():
        end -= 1
    return list(row[:end])


def pieces(rows: Iterator[list[str]]) -> Iterator[list[list[str]]]:
    """Cut rows into the tables that blank rows separate."""
    piece: list[list[str]] = []
    for row in rows:
        if row:
            piece.append(row)
        elif piece:
            yield piece
            piece = []
    if piece:
        yield piece


def add_table(rows: Sequence[list[str]], out: DocumentBuilder) -> None:
    """Add rows: single cells above a wider table are its notes, the first full row its header."""
    width = max(len(row) for row in rows)
    start = 0
    while width > 1 and start < len(rows) and sum(bool(cell.strip()) for cell in rows[start]) == 1:
        out.paragraph(next(cell for cell in rows[start] if cell.strip()))
        start += 1
    body = rows[start:]
    if not body:
        return
    header = is_header(body[0], body[1:2]) and (width > 1 or len(body) > 2)
    out.start_table()
    for number, row in enumerate(body):
        out.row(row + [""] * (width - len(row)) if width < 64 else row, header=header and number == 0)
