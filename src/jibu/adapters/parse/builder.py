"""Builds canonical text and its blocks, so that every format gets offsets right in one place."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from jibu.adapters.parse import clean
from jibu.adapters.parse.limits import MAX_BLOCKS, MAX_COLUMNS, Limits
from jibu.domain.documents import Block, BlockKind, Link, ParsedDocument
from jibu.domain.errors import ParseFailed

Run = tuple[str, str | None]
"""A stretch of text and the link target it is an anchor of. A newline in it is a line break."""

Inline = str | Sequence[Run]

CELL_SEPARATOR = " | "

TABLE_KINDS = (BlockKind.TABLE_HEADER, BlockKind.TABLE_ROW)


def runs_of(content: Inline) -> Sequence[Run]:
    """Return content as runs."""
    return ((content, None),) if isinstance(content, str) else content


def text_of(content: Inline) -> str:
    """Return content as one trimmed line without links."""
    return clean.one_line("".join(text for text, _ in runs_of(content)))


def flow(content: Inline) -> tuple[str, list[Link]]:
    """Collapse blank space over runs; return trimmed NFC text and link spans in it."""
    text = ""
    parts: list[str] = []
    spans: list[tuple[int, int, str]] = []
    length, tail = 0, "\n"
    for raw, target in runs_of(content):
        piece = clean.inline(raw)
        if tail in " \n":
            piece = piece.lstrip()
        if not piece:
            continue
        if target:
            spans.append((length, length + len(piece), target))
        parts.append(piece)
        length, tail = length + len(piece), piece[-1]
    text = "".join(parts).rstrip()
    normal = unicodedata.normalize("NFC", text)
    return normal, _links(text, normal, spans)


def _links(text: str, normal: str, spans: Sequence[tuple[int, int, str]]) -> list[Link]:
    """Place link spans of ``text`` in its normal form, without blank space at their ends."""

    def place(offset: int) -> int:
        return offset if text == normal else len(unicodedata.normalize("NFC", text[:offset]))

    links = []
    for raw_start, raw_stop, target in spans:
        start, stop = place(raw_start), place(raw_stop)
        anchor = normal[start:stop].strip()
        if anchor:
            start = normal.index(anchor, start)
            links.append(Link(start, start + len(anchor), target))
    return links


class DocumentBuilder:
    """Collects blocks in reading order. Adding raises ParseFailed when a limit is passed."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.title: str | None = None
        self.language: str | None = None
        self.page: int | None = None
        self._pages = 0
        self._parts: list[str] = []
        self._length = 0
        self._blocks: list[Block] = []
        self._links: list[Link] = []
        self._warnings: list[str] = []
        self._tables = 0
        self._first_heading: tuple[int, str] | None = None

    def start_page(self, number: int) -> None:
        """Set the page of the blocks that follow, from 1. Raises: ParseFailed (too-many-pages)."""
        self.check_pages(number)
        self.page, self._pages = number, max(self._pages, number)

    def check_pages(self, count: int) -> None:
        """Raises: ParseFailed (too-many-pages)."""
        if count > self.limits.max_pages:
            raise ParseFailed(f"The document has more than {self.limits.max_pages} pages.", "too-many-pages")

    def warn(self, message: str) -> None:
        """Note something a person should know; each message once."""
        if message not in self._warnings:
            self._warnings.append(message)

    def heading(self, content: Inline, level: int) -> None:
        """Add a heading, level 1 (top) to 6."""
        level = min(max(level, 1), 6)
        text = text_of(content)
        if self._add(BlockKind.HEADING, content, level=level) and self._is_better_title(level):
            self._first_heading = (level, text)

    def _is_better_title(self, level: int) -> bool:
        return self._first_heading is None or (level == 1 and self._first_heading[0] > 1)

    @property
    def first_heading(self) -> str | None:
        """The first top heading, where there is one, else the first heading."""
        return self._first_heading[1] if self._first_heading else None

    def paragraph(self, content: Inline) -> None:
        """Add a paragraph."""
        self._add(BlockKind.PARAGRAPH, content)

    def list_item(self, content: Inline) -> None:
        """Add a list item, without its bullet."""
        self._add(BlockKind.LIST_ITEM, content)

    def code(self, text: str) -> None:
        """Add preformatted text."""
        self._append(BlockKind.CODE, clean.code(text), [])

    def table(self, rows: Sequence[Sequence[Inline]], header_rows: int) -> None:
        """Add a table: rows of cells, of which the first ``header_rows`` are headers."""
        self.start_table()
        for number, row in enumerate(rows):
            self.row(row, header=number < header_rows)

    def start_table(self) -> None:
        """Begin a table; ``row`` adds to it."""
        self._tables += 1

    def row(self, cells: Sequence[Inline], *, header: bool = False) -> None:
        """Add a row to the table begun last. A row of empty cells is left out."""
        if len(cells) > MAX_COLUMNS:
            raise ParseFailed(f"A table has more than {MAX_COLUMNS} columns.", "too-large")
        text, links = _row_text(cells)
        kind = BlockKind.TABLE_HEADER if header else BlockKind.TABLE_ROW
        if text.strip("| "):
            self._append(kind, text, links, table=self._tables)

    def _add(self, kind: BlockKind, content: Inline, *, level: int = 0) -> bool:
        text, links = flow(content)
        return self._append(kind, text, links, level=level)

    def _append(
        self, kind: BlockKind, text: str, links: Sequence[Link], *, level: int = 0, table: int | None = None
    ) -> bool:
        if not text:
            return False
        start = self._separate(kind, table)
        self._parts.append(text)
        self._length = start + len(text)
        self._blocks.append(Block(kind, start, self._length, level, self.page, table))
        self._links.extend(Link(start + link.start, start + link.end, link.target) for link in links)
        self._check_size()
        return True

    def _separate(self, kind: BlockKind, table: int | None) -> int:
        if not self._blocks:
            return 0
        same_table = kind in TABLE_KINDS and self._blocks[-1].table == table
        separator = "\n" if same_table else "\n\n"
        self._parts.append(separator)
        return self._length + len(separator)

    def _check_size(self) -> None:
        if self._length > self.limits.max_characters:
            raise ParseFailed(
                f"The text is longer than {self.limits.max_characters} characters.", "too-large"
            )
        if len(self._blocks) > MAX_BLOCKS:
            raise ParseFailed(f"The document has more than {MAX_BLOCKS} blocks.", "too-large")

    def build(self, media_type: str) -> ParsedDocument:
        """Return the document. Raises: ParseFailed (empty)."""
        if not self._blocks:
            raise ParseFailed("The document holds no text.", "empty")
        return ParsedDocument(
            text="".join(self._parts),
            blocks=tuple(self._blocks),
            title=(clean.one_line(self.title or "") or self.first_heading or "")[:500].strip() or None,
            language=clean.one_line(self.language or "")[:35] or None,
            pages=self._pages or None,
            links=tuple(self._links),
            media_type=media_type,
            warnings=tuple(self._warnings),
        )


def _row_text(cells: Sequence[Inline]) -> tuple[str, list[Link]]:
    """Join cells; return the trimmed row and the links in it."""
    parts: list[str] = []
    links: list[Link] = []
    length = 0
    for content in cells:
        text, found = flow([(clean.cell(text), target) for text, target in runs_of(content)])
        links.extend(Link(length + link.start, length + link.end, link.target) for link in found)
        parts.append(text)
        length += len(text) + len(CELL_SEPARATOR)
    row = CELL_SEPARATOR.join(parts)
    cut = len(row) - len(row.lstrip())
    return row.strip(), [Link(link.start - cut, link.end - cut, link.target) for link in links]
