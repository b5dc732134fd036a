"""HTML tables: told from page layout, with spans filled in."""

from __future__ import annotations

from lxml import etree

from jibu.adapters.parse.builder import DocumentBuilder, Run
from jibu.adapters.parse.html_tags import is_hidden, is_skipped, tag_of
from jibu.adapters.parse.limits import MAX_COLUMNS
from jibu.adapters.parse.tabular import is_header

Cell = list[Run]
MAX_SPAN = 1000
MAX_FILLED = 50_000
"""Most cells of a table that spans may fill in: a few bytes can claim millions."""


def is_data_table(table: etree._Element) -> bool:
    """Tell a table of data from one that only places things on the page."""
    if (table.get("role") or "") in ("presentation", "none"):
        return False
    if next(table.iterdescendants("table"), None) is not None:
        return False
    rows = list(table.iter("tr"))
    widest = max((sum(tag_of(cell) in ("td", "th") for cell in row) for row in rows), default=0)
    return len(rows) > 1 and widest > 1


def add_table(table: etree._Element, out: DocumentBuilder) -> None:
    """Add a data table, its caption before it."""
    caption = table.find("caption")
    if caption is not None:
        out.paragraph(_runs(caption))
    rows = [row for row in table.iter("tr") if not is_hidden(row)]
    cells = _grid(rows)
    headers = 0
    for row in rows:
        if not _is_header_row(row):
            break
        headers += 1
    if not headers and cells and is_header(cells[0], cells[1:2]) and len(cells) > 2:
        headers = 1
    # A table of nothing but headers is a table whose author meant them as cells.
    out.table(cells, headers if headers < len(cells) else 1)


def _is_header_row(row: etree._Element) -> bool:
    tags = [tag_of(cell) for cell in row if tag_of(cell) in ("td", "th")]
    parent = row.getparent()
    return bool(tags) and ("td" not in tags or (parent is not None and tag_of(parent) == "thead"))


def _grid(rows: list[etree._Element]) -> list[list[Cell]]:
    """Return rows of equal meaning by column: a cell over several rows is repeated, over columns padded."""
    grid: list[list[Cell]] = []
    below: dict[int, tuple[int, Cell]] = {}
    filled = 0
    for row in rows:
        if filled > MAX_FILLED:
            below.clear()
        line: list[Cell] = []
        _carry(line, below)
        for node in row:
            if tag_of(node) in ("td", "th"):
                _place(node, line, below, spans=filled <= MAX_FILLED)
                _carry(line, below)
        filled += len(line) - len(row)
        grid.append(line)
    return grid


def _carry(line: list[Cell], below: dict[int, tuple[int, Cell]]) -> None:
    """Fill in cells that reach down from the rows above."""
    while len(line) in below:
        column = len(line)
        left, content = below.pop(column)
        line.append(content)
        if left > 1:
            below[column] = (left - 1, content)


def _place(
    node: etree._Element, line: list[Cell], below: dict[int, tuple[int, Cell]], *, spans: bool
) -> None:
    content = _runs(node)
    down = _span(node, "rowspan") if spans else 1
    for number in range(_span(node, "colspan") if spans else 1):
        if len(line) >= MAX_COLUMNS:
            return
        if down > 1:
            below[len(line)] = (down - 1, content if number == 0 else [])
        line.append(content if number == 0 else [])


def _span(node: etree._Element, name: str) -> int:
    value = (node.get(name) or "").strip()
    return min(max(int(value), 1), MAX_SPAN) if value.isascii() and value.isdigit() and len(value) < 9 else 1


def _runs(cell: etree._Element) -> Cell:
    """Return a cell's text with its links."""
    runs: Cell = []
    walker = etree.iterwalk(cell, events=("start", "end"))
    target: str | None = None
    for event, node in walker:
        tag = tag_of(node)
        if event == "start" and (is_skipped(tag) or is_hidden(node)):
            walker.skip_subtree()
            continue
        if event == "start":
            target = (node.get("href") or "").strip() or None if tag == "a" else target
            runs.append((" " if tag in ("br", "p", "li", "div") else "", None))
            runs.append((node.text or "", target))
            continue
        target = None if tag == "a" else target
        runs.append((node.tail or "" if node is not cell else "", target))
    return [run for run in runs if run[0]]
