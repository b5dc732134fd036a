"""Comma, semicolon, tab and pipe separated values."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator

from jibu.adapters.parse.builder import DocumentBuilder
from jibu.adapters.parse.limits import MAX_COLUMNS
from jibu.adapters.parse.tabular import add_table, pieces, trim
from jibu.domain.errors import ParseFailed

_DELIMITERS = ",;\t|"
_SAMPLE_ROWS = 50
_SAMPLE_CHARACTERS = 65_536


def read(text: str, out: DocumentBuilder) -> None:
    """Read delimited text. Raises: ParseFailed (limits, unreadable)."""
    csv.field_size_limit(out.limits.max_characters)
    try:
        for piece in pieces(_rows(text.replace("\0", ""), _delimiter(text))):
            add_table(piece, out)
    except csv.Error as error:
        raise ParseFailed("The rows and cells cannot be told apart.", "unreadable") from error


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
        if len(row) > MAX_COLUMNS:
            raise ParseFailed(f"A table has more than {MAX_COLUMNS} columns.", "too-large")
        yield trim(row)


def _delimiter(text: str) -> str:
    """Return the delimiter that cuts most rows into the same number of cells, at least two."""
    sample = text[:_SAMPLE_CHARACTERS].replace("\0", "")
    return max(_DELIMITERS, key=lambda delimiter: _evenness(sample, delimiter))


def _evenness(sample: str, delimiter: str) -> tuple[float, int]:
    try:
        reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
        sizes = Counter(len(row) for row, _ in zip(reader, range(_SAMPLE_ROWS), strict=False) if row)
    except csv.Error:
        return (0.0, 0)
    size, count = max(sizes.items(), key=lambda item: (item[0] > 1, item[1]), default=(1, 0))
    return (count / sizes.total() if size > 1 else 0.0, size)
