"""Ruled tables: lines that cross make a grid, the grid's cells hold the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jibu.adapters.parse.pdf.furniture import in_margin
from jibu.adapters.parse.pdf.model import Box, PageText, Rule, Segment, Table, between, read_order, rows_of
from jibu.adapters.parse.tabular import is_header

NEAR = 3.5
NARROWEST = 8.0
"""Column borders nearer than this are one: cell fills often leave slits beside them."""

LEAST_BORDER = 0.7
"""Share of a table's height that one border between its columns runs along at least."""

MAX_LINES = 600
MAX_CELL = 2500
"""A cell with more characters than this is a frame around running text."""

LEAST_FILLED = 0.3


@dataclass(slots=True)
class Grid:
    """Lines that touch each other: borders of columns and rows, and the lines that lie on each border."""

    xs: list[float]
    ys: list[float]
    across: list[list[Rule]]
    down: list[list[Rule]]


def ruled_tables(page: PageText) -> tuple[list[Table], list[Segment]]:
    """Return the ruled tables of a page and the segments outside them."""
    left = page.segments
    tables = []
    for grid in _grids(page.across, page.down):
        inside = [segment for segment in left if _holds(grid, segment)]
        table = _table(grid, inside)
        if table and not in_margin(table, page.height):
            tables.append(table)
            taken = set(map(id, inside))
            left = [segment for segment in left if id(segment) not in taken]
    return tables, left


def _grids(across: Sequence[Rule], down: Sequence[Rule]) -> list[Grid]:
    """Group crossing lines; keep groups with at least two columns and two rows, inner ones first."""
    if len(across) + len(down) > MAX_LINES:
        return []
    found = []
    for group in _groups(across, down):
        h = [across[i] for i in group if i < len(across)]
        v = [down[i - len(across)] for i in group if i >= len(across)]
        if not h or not v:
            continue
        xs = _borders([r.at for r in v] + [min(r.start for r in h), max(r.end for r in h)], NARROWEST)
        ys = _borders([r.at for r in h] + [min(r.start for r in v), max(r.end for r in v)], NEAR)
        grid = Grid(xs, ys, _on(ys, h, NEAR), _on(xs, v, NARROWEST))
        if len(xs) > 2 and len(ys) > 2 and _has_column_border(grid):
            found.append(grid)
    return sorted(found, key=lambda g: (g.xs[-1] - g.xs[0]) * (g.ys[-1] - g.ys[0]))


def _groups(across: Sequence[Rule], down: Sequence[Rule]) -> list[list[int]]:
    """Return groups of numbers (lines across first, then down) that touch each other."""
    parents = list(range(len(across) + len(down)))

    def root(i: int) -> int:
        while parents[i] != i:
            parents[i] = parents[parents[i]]
            i = parents[i]
        return i

    for i, h in enumerate(across):
        for j, v in enumerate(down, len(across)):
            crosses = h.start - NEAR <= v.at <= h.end + NEAR and v.start - NEAR <= h.at <= v.end + NEAR
            if crosses:
                parents[root(i)] = root(j)
    groups: dict[int, list[int]] = {}
    for i in range(len(parents)):
        groups.setdefault(root(i), []).append(i)
    return list(groups.values())


def _has_column_border(grid: Grid) -> bool:
    height = grid.ys[-1] - grid.ys[0]
    return any(sum(r.end - r.start for r in rules) >= LEAST_BORDER * height for rules in grid.down[1:-1])


def _borders(values: Sequence[float], apart: float) -> list[float]:
    found: list[float] = []
    for value in sorted(values):
        if not found or value - found[-1] > apart:
            found.append(value)
    return found


def _on(borders: Sequence[float], rules: Sequence[Rule], apart: float) -> list[list[Rule]]:
    return [[rule for rule in rules if abs(rule.at - border) <= apart] for border in borders]


def _holds(grid: Grid, box: Box) -> bool:
    centre = (box.x0 + box.x1) / 2
    inside = grid.xs[0] - NEAR <= centre <= grid.xs[-1] + NEAR
    return inside and grid.ys[0] - 1 <= box.middle <= grid.ys[-1] + 1


def _table(grid: Grid, segments: Sequence[Segment]) -> Table | None:
    if not segments:
        return None
    cells: dict[tuple[int, int], list[Segment]] = {}
    for segment in segments:
        cells.setdefault(_anchor(grid, *_cell(grid, segment)), []).append(segment)
    texts = {at: cell_text(found) for at, found in cells.items()}
    if max(map(len, texts.values())) > MAX_CELL:
        return None
    rows, bold_first = _filled(grid, texts, cells)
    rows = read_order(_without_empty_columns(rows))
    if len(rows) < 2 or len(rows[0]) < 2 or not _is_full(rows):
        return None
    header = bold_first or is_header(rows[0], rows[1:2])
    return Table(grid.xs[0], grid.ys[0], grid.xs[-1], grid.ys[-1], rows=rows, header=header)


def _cell(grid: Grid, box: Box) -> tuple[int, int]:
    """Return row and column of a segment, by its left end and its middle."""
    x = min(box.x0 + 2, (box.x0 + box.x1) / 2)
    column = max((i for i, border in enumerate(grid.xs[:-1]) if border <= x), default=0)
    row = max((i for i, border in enumerate(grid.ys[:-1]) if border <= box.middle), default=0)
    return row, column


def _anchor(grid: Grid, row: int, column: int) -> tuple[int, int]:
    """Return the first cell of the merged cell that this one belongs to."""
    while column and not _parted(grid.down[column], (grid.ys[row] + grid.ys[row + 1]) / 2):
        column -= 1
    while row and not _parted(grid.across[row], (grid.xs[column] + grid.xs[column + 1]) / 2):
        row -= 1
    return row, column


def _parted(rules: Sequence[Rule], point: float) -> bool:
    return any(r.start - 1 <= point <= r.end + 1 for r in rules)


def cell_text(segments: Sequence[Segment]) -> str:
    """Join a cell's segments in reading order."""
    text = ""
    for row in rows_of(segments):
        for segment in row:
            if text.endswith("\u00ad"):
                text = text[:-1] + segment.text
            else:
                text += (between(text, segment.text) if text else "") + segment.text
    return text


def _filled(
    grid: Grid, texts: dict[tuple[int, int], str], cells: dict[tuple[int, int], list[Segment]]
) -> tuple[list[list[str]], bool]:
    """Return rows with text; a cell over several rows is repeated in each, so that a row stands for itself."""
    rows: list[list[str]] = []
    bold: list[bool] = []
    for r in range(len(grid.ys) - 1):
        own = [at for at in texts if at[0] == r]
        if not own:
            continue
        row = []
        for c in range(len(grid.xs) - 1):
            at = _anchor(grid, r, c)
            row.append(texts.get(at, "") if at[1] == c else "")
        rows.append(row)
        bold.append(all(segment.bold for at in own for segment in cells[at]))
    return rows, bool(bold) and bold[0] and not all(bold)


def _without_empty_columns(rows: list[list[str]]) -> list[list[str]]:
    kept = [c for c in range(len(rows[0])) if any(row[c] for row in rows)] if rows else []
    return [[row[c] for c in kept] for row in rows]


def _is_full(rows: Sequence[Sequence[str]]) -> bool:
    return sum(bool(cell) for row in rows for cell in row) >= LEAST_FILLED * len(rows) * len(rows[0])
