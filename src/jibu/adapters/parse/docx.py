"""Word documents (DOCX): text in order, with headings, lists, tables and links."""

from __future__ import annotations

import re

from lxml import etree

from jibu.adapters.parse.builder import DocumentBuilder, Run, text_of
from jibu.adapters.parse.limits import MAX_COLUMNS
from jibu.adapters.parse.ooxml import Package, attribute, child, name_of, relation
from jibu.adapters.parse.tabular import is_header

_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
# Deleted text, the fallback copy of a drawing's text, and a table of contents are no text of the document.
_LEFT_OUT = frozenset(("del", "moveFrom", "Fallback", "instrText", "rPr", "pPr", "tblPr", "trPr", "sectPr"))
_WRAPPERS = frozenset(
    ("sdt", "sdtContent", "customXml", "ins", "moveTo", "smartTag", "AlternateContent", "Choice")
)
_BREAKS = {"br": "\n", "cr": "\n", "tab": "\t", "noBreakHyphen": "-", "softHyphen": ""}


def read(content: bytes, out: DocumentBuilder) -> None:
    """Read a Word document. Raises: ParseFailed."""
    package = Package(content, out)
    package.properties(out)
    main = package.main()
    body = child(package.xml(main), "body")
    if body is not None:
        reader = _Reader(out, _Styles(package, main), package.links(main))
        reader.blocks(body)
        _notes(package, main, reader)


def _notes(package: Package, main: str, reader: _Reader) -> None:
    """Add footnotes and endnotes after the text."""
    for kind in ("/footnotes", "/endnotes"):
        for part in package.relations(main, kind).values():
            for note in package.xml(part) if package.has(part) else ():
                if attribute(note, "type") is None:
                    reader.blocks(note)


class _Styles:
    """Which paragraph styles are headings and lists. Built-in names are English in every Word."""

    def __init__(self, package: Package, main: str) -> None:
        self.headings: dict[str, int] = {}
        self.titles: set[str] = set()
        self.lists: set[str] = set()
        parents: dict[str, str] = {}
        for part in package.relations(main, "/styles").values():
            for style in package.xml(part) if package.has(part) else ():
                if name_of(style) == "style":
                    self._add(style, parents)
        for key in parents:
            self._inherit(key, parents)

    def _add(self, style: etree._Element, parents: dict[str, str]) -> None:
        key = attribute(style, "styleId") or ""
        named = child(style, "name")
        name = (attribute(named, "val") or "" if named is not None else "").lower()
        based = child(style, "basedOn")
        if based is not None:
            parents[key] = attribute(based, "val") or ""
        level = _outline(child(style, "pPr"))
        found = _HEADING.fullmatch(name)
        if found or level is not None:
            self.headings[key] = int(found.group(1)) if found else (level or 0) + 1
        if name == "title":
            self.titles.add(key)
        if name.startswith("list ") and name != "list paragraph":
            self.lists.add(key)

    def _inherit(self, style: str, parents: dict[str, str]) -> None:
        seen: set[str] = set()
        above: str | None = style
        while above and above not in seen:
            seen.add(above)
            if above in self.headings:
                self.headings.setdefault(style, self.headings[above])
            above = parents.get(above)


def _outline(properties: etree._Element | None) -> int | None:
    node = child(properties, "outlineLvl")
    value = attribute(node, "val") if node is not None else None
    return int(value) if value and value.isdigit() and int(value) < 9 else None


class _Reader:
    """Walks the body."""

    def __init__(self, out: DocumentBuilder, styles: _Styles, links: dict[str, str]) -> None:
        self._out = out
        self._styles = styles
        self._links = links

    def blocks(self, parent: etree._Element) -> None:
        """Add paragraphs and tables under ``parent``."""
        for node in parent:
            name = name_of(node)
            if name == "p":
                self._paragraph(node)
            elif name == "tbl":
                self._table(node)
            elif name in _WRAPPERS:
                self.blocks(node)

    def _paragraph(self, node: etree._Element) -> None:
        properties = child(node, "pPr")
        style_node = child(properties, "pStyle")
        style = attribute(style_node, "val") or "" if style_node is not None else ""
        if style.upper().startswith("TOC") and style[3:].isdigit():
            return
        runs = self._runs(node)
        level = self._level(style, properties)
        if style in self._styles.titles:
            self._out.title = self._out.title or text_of(runs)
            self._out.heading(runs, 1)
        elif level:
            self._out.heading(runs, level)
        elif child(properties, "numPr") is not None or style in self._styles.lists:
            self._out.list_item(runs)
        else:
            self._out.paragraph(runs)
        self._text_boxes(node)

    def _level(self, style: str, properties: etree._Element | None) -> int | None:
        own = _outline(properties)
        return own + 1 if own is not None else self._styles.headings.get(style)

    def _runs(self, node: etree._Element, target: str | None = None) -> list[Run]:
        runs: list[Run] = []
        for part in node:
            name = name_of(part)
            if name == "t":
                runs.append((part.text or "", target))
            elif name in _BREAKS:
                runs.append((_BREAKS[name], target))
            elif name == "hyperlink":
                anchor = attribute(part, "anchor")
                outside = self._links.get(relation(part) or "")
                runs += self._runs(part, outside or (f"#{anchor}" if anchor else None))
            elif name not in _LEFT_OUT and name not in ("drawing", "pict", "object", "p", "tbl"):
                runs += self._runs(part, target)
        return runs

    def _text_boxes(self, paragraph: etree._Element) -> None:
        """Add the text boxes anchored in a paragraph; each is stored twice, the copy is skipped."""
        for box in paragraph.iter("{*}txbxContent"):
            copies = any(name_of(above) in ("Fallback", "txbxContent") for above in box.iterancestors())
            if not copies:
                self.blocks(box)

    def _table(self, table: etree._Element) -> None:
        rows: list[list[list[Run]]] = []
        headers = 0
        for row in table.iter("{*}tr"):
            if next(row.iterancestors("{*}tbl"), None) is not table:
                continue
            marked = child(row, "trPr", "tblHeader") is not None
            headers += marked and headers == len(rows)
            rows.append(self._cells(row, rows[-1] if rows else []))
        if len(rows) == 1 and len(rows[0]) == 1:
            self.blocks_of_single_cell(table)
            return
        if not headers and rows and is_header(rows[0], rows[1:2]):
            headers = 1
        self._out.table(rows, headers if headers < len(rows) else 0)

    def blocks_of_single_cell(self, table: etree._Element) -> None:
        """Add a one-cell table as what it is: a box around text."""
        cell = next(table.iter("{*}tc"), None)
        if cell is not None:
            self.blocks(cell)

    def _cells(self, row: etree._Element, above: list[list[Run]]) -> list[list[Run]]:
        cells: list[list[Run]] = []
        for cell in row.iter("{*}tc"):
            if next(cell.iterancestors("{*}tr"), None) is not row:
                continue
            merged = child(cell, "tcPr", "vMerge")
            continues = merged is not None and attribute(merged, "val") in (None, "continue")
            column = len(cells)
            cells.append(above[column] if continues and column < len(above) else self._cell(cell))
            span = child(cell, "tcPr", "gridSpan")
            width = attribute(span, "val") if span is not None else None
            extra = min(int(width), MAX_COLUMNS) - 1 if width and width.isdigit() else 0
            cells.extend([[]] * extra)
        return cells

    def _cell(self, cell: etree._Element) -> list[Run]:
        runs: list[Run] = []
        for paragraph in cell.iter("{*}p"):
            runs += [*self._runs(paragraph), (" ", None)]
        return runs
