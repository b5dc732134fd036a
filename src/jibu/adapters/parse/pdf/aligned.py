"""Tables without lines: rows whose cells stand in columns."""

from __future__ import annotations

import re
from collections.abc import Sequence

from jibu.adapters.parse.pdf.grids import cell_text
from jibu.adapters.parse.pdf.model import Segment, Table, bounds, read_order, rows_of
from jibu.adapters.parse.tabular import is_header, is_number

LEAST_ROWS = 3
LONGEST_CELL = 60
"""Mean characters of a cell beyond which columns hold running text, not cells."""

_MARKER = re.compile(r"\(?[\dA-Za-z]{1,4}(?:\.\d{1,3})*[A-Za-z]?[.)]?|[^\w\s]{1,2}|o")

_Span = tuple[float, float]


def aligned_tables(segments: Sequence[Segment]) -> tuple[list[Table], list[Segment]]:
    """Return the tables that alignment alone shows, and the other segments."""
    tables: list[Table] = []
    taken: set[int] = set()
    run: list[list[Segment]] = []
    for row in [*rows_of(segments), []]:
        if row and (not run or _near(run[-1], row)) and len(_columns([*run, row])) >= 2:
            run.append(row)
            continue
        table = _table(run)
        if table:
            tables.append(table)
            taken.update(id(segment) for line in run for segment in line)
        run = [row] if len(row) > 1 else []
    return tables, [segment for segment in segments if id(segment) not in taken]


def _near(above: Sequence[Segment], below: Sequence[Segment]) -> bool:
    gap = min(s.y0 for s in below) - max(s.y1 for s in above)
    return gap < 1.6 * max(s.height for s in above)


def _columns(rows: Sequence[Sequence[Segment]]) -> list[_Span]:
    """Return the stretches of x that text covers, seen over all rows."""
    spans: list[_Span] = []
    for segment in sorted((s for row in rows for s in row), key=lambda s: s.x0):
        if spans and segment.x0 < spans[-1][1] + 0.3 * segment.height:
            spans[-1] = (spans[-1][0], max(spans[-1][1], segment.x1))
        else:
            spans.append((segment.x0, segment.x1))
    return spans


def _table(run: Sequence[Sequence[Segment]]) -> Table | None:
    full = [row for row in run if len(row) > 1]
    if len(full) < LEAST_ROWS or 2 * len(full) < len(run):
        return None
    columns = _columns(run)
    rows = [[cell_text([s for s in row if a <= s.x0 <= b]) for a, b in columns] for row in run]
    rows = _with_wraps(read_order(rows))
    if len(columns) < 2 or len(rows) < LEAST_ROWS or not _holds_cells(rows):
        return None
    bold = all(s.bold for s in run[0]) and not all(s.bold for row in run for s in row)
    box = bounds([segment for row in run for segment in row])
    return Table(*box, rows=rows, header=bold or is_header(rows[0], rows[1:2]))


def _with_wraps(rows: list[list[str]]) -> list[list[str]]:
    """Join rows that only carry on a cell of the row above."""
    found: list[list[str]] = []
    for row in rows:
        if found and not row[0] and sum(map(bool, row)) == 1:
            found[-1] = [f"{above} {cell}".strip() for above, cell in zip(found[-1], row, strict=True)]
        else:
            found.append(row)
    return found


def _holds_cells(rows: Sequence[Sequence[str]]) -> bool:
    """Tell a table from numbered paragraphs and from columns of running text."""
    columns = list(zip(*rows, strict=True))
    if all(_MARKER.fullmatch(cell) for cell in columns[0] if cell):
        return len(columns) > 2 and _mostly_numbers(columns[1:])
    if len(columns) == 2 and not _mostly_numbers(columns[1:]):
        return False
    cells = [cell for column in columns for cell in column if cell]
    return sum(map(len, cells)) < LONGEST_CELL * len(cells) / (2 if len(columns) == 2 else 1.5)


def _mostly_numbers(columns: Sequence[Sequence[str]]) -> bool:
    cells = [cell for column in columns for cell in column if cell]
    return 2 * sum(map(is_number, cells)) >= len(cells)
