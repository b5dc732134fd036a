"""Presentations (PPTX): a slide is a page, its title a heading; notes follow the slide."""

from __future__ import annotations

from lxml import etree

from jibu.adapters.parse.builder import DocumentBuilder, Run
from jibu.adapters.parse.ooxml import Package, child, descendants, name_of, relation
from jibu.adapters.parse.tabular import is_header

_TITLES = ("title", "ctrTitle")
_FURNITURE = ("sldNum", "ftr", "dt", "hdr", "sldImg")
_BULLETED = ("body", "obj", None)
_CHOICES = ("Fallback",)


def read(content: bytes, out: DocumentBuilder) -> None:
    """Read a presentation. Raises: ParseFailed."""
    package = Package(content, out)
    package.properties(out)
    main = package.main()
    parts = package.relations(main, "/slide")
    ids = child(package.xml(main), "sldIdLst")
    names = [parts.get(relation(node) or "") for node in (ids if ids is not None else ())]
    slides = [name for name in names if name and package.has(name)]
    out.check_pages(len(slides))
    for number, name in enumerate(slides, 1):
        _slide(package, name, number, out)


def _slide(package: Package, name: str, number: int, out: DocumentBuilder) -> None:
    tree = package.xml(name)
    if tree.get("show") in ("0", "false"):
        out.warn("Hidden slides were left out.")
        return
    out.start_page(number)
    links = package.links(name)
    shapes = list(_shapes(tree))
    # The title is what the slide is about, wherever it stands in the file.
    for shape in sorted(shapes, key=lambda shape: _placeholder(shape)[1] not in _TITLES):
        if name_of(shape) == "sp":
            _shape(shape, links, out)
        else:
            _table(shape, links, out)
    for part in package.relations(name, "/notesSlide").values():
        _notes(package, part, out)


def _shapes(tree: etree._Element) -> list[etree._Element]:
    found = descendants(tree, "sp", "graphicFrame")
    return [node for node in found if all(name_of(above) not in _CHOICES for above in node.iterancestors())]


def _placeholder(shape: etree._Element) -> tuple[bool, str | None]:
    """Return whether a shape is a placeholder, and of which type."""
    node = child(shape, "nvSpPr", "nvPr", "ph")
    return (True, node.get("type")) if node is not None else (False, None)


def _shape(shape: etree._Element, links: dict[str, str], out: DocumentBuilder) -> None:
    is_placeholder, kind = _placeholder(shape)
    body = child(shape, "txBody")
    if kind in _FURNITURE or body is None:
        return
    if kind in _TITLES:
        paragraphs = [_runs(node, links) for node in descendants(body, "p")]
        out.heading([run for runs in paragraphs for run in (*runs, (" ", None))], 1)
        return
    several = sum(any(text.strip() for text, _ in _runs(node, links)) for node in descendants(body, "p")) > 1
    for node in descendants(body, "p"):
        bulleted = _has_bullet(node, by_default=is_placeholder and kind in _BULLETED and several)
        (out.list_item if bulleted else out.paragraph)(_runs(node, links))


def _has_bullet(paragraph: etree._Element, *, by_default: bool) -> bool:
    properties = child(paragraph, "pPr")
    if child(properties, "buNone") is not None:
        return False
    if child(properties, "buChar") is not None or child(properties, "buAutoNum") is not None:
        return True
    return by_default


def _runs(paragraph: etree._Element, links: dict[str, str]) -> list[Run]:
    runs: list[Run] = []
    for node in paragraph:
        if name_of(node) == "br":
            runs.append(("\n", None))
        elif name_of(node) in ("r", "fld"):
            link = child(node, "rPr", "hlinkClick")
            target = links.get(relation(link) or "") if link is not None else None
            text = child(node, "t")
            runs.append((text.text or "" if text is not None else "", target))
    return runs


def _table(frame: etree._Element, links: dict[str, str], out: DocumentBuilder) -> None:
    for table in descendants(frame, "tbl"):
        rows = [_row(row, links) for row in table if name_of(row) == "tr"]
        properties = child(table, "tblPr")
        first = properties is not None and properties.get("firstRow") in ("1", "true")
        header = bool(rows) and len(rows) > 1 and (first or is_header(rows[0], rows[1:2]))
        out.table(rows, int(header))


def _row(row: etree._Element, links: dict[str, str]) -> list[list[Run]]:
    return [
        [run for node in descendants(cell, "p") for run in (*_runs(node, links), (" ", None))]
        for cell in row
        if name_of(cell) == "tc"
    ]


def _notes(package: Package, part: str, out: DocumentBuilder) -> None:
    """Add the speaker's notes."""
    if not package.has(part):
        return
    links = package.links(part)
    for shape in descendants(package.xml(part), "sp"):
        body = child(shape, "txBody")
        if _placeholder(shape)[1] == "body" and body is not None:
            for node in descendants(body, "p"):
                out.paragraph(_runs(node, links))
