"""Markdown (CommonMark with tables), with front matter and the HTML in it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from jibu.adapters.parse.builder import DocumentBuilder, Run, text_of
from jibu.adapters.parse.html import read_fragment
from jibu.adapters.parse.limits import MAX_DEPTH

_FRONT_MATTER = re.compile(r"\s*---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|$)", re.DOTALL)
_FIELD = re.compile(r"^(title|lang|language)\s*:\s*(.+?)\s*$", re.MULTILINE | re.IGNORECASE)
# Block tags of documentation tools ({% hint %}, {{ toc }}, :::note) are commands, not text.
_COMMAND = re.compile(r"\s*(?:\{%.*?%\}|\{\{.*?\}\}|:{3,}\s*[\w{}. -]*)\s*")
_LINE_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


def read(text: str, out: DocumentBuilder) -> None:
    """Read Markdown. Raises: ParseFailed (limits)."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    matter = _FRONT_MATTER.match(text)
    if matter:
        _front_matter(matter.group(1), out)
        text = text[matter.end() :]
    parser = MarkdownIt("commonmark", {"maxNesting": MAX_DEPTH}).enable(["table", "strikethrough"])
    # Link targets stay as they were written.
    parser.normalizeLink = lambda url: url  # type: ignore[method-assign]
    _Walk(out).walk(parser.parse(text))


def _front_matter(text: str, out: DocumentBuilder) -> None:
    for name, value in _FIELD.findall(text):
        plain = value.strip("\"'")
        if name.lower() == "title":
            out.title = plain
        else:
            out.language = plain


class _Walk:
    """Turns tokens into blocks."""

    def __init__(self, out: DocumentBuilder) -> None:
        self._out = out
        self._lists = 0
        self._heading = 0
        self._cells: list[list[Run]] | None = None
        self._header = False

    def walk(self, tokens: Sequence[Token]) -> None:
        """Add all tokens."""
        for token in tokens:
            if token.type == "inline":
                self._inline(_runs(token.children or []))
            elif token.type in ("fence", "code_block"):
                self._out.code(token.content)
            elif token.type == "html_block":
                read_fragment(token.content, self._out)
            else:
                self._structure(token)

    def _structure(self, token: Token) -> None:
        match token.type:
            case "heading_open":
                self._heading = int(token.tag[1])
            case "heading_close":
                self._heading = 0
            case "list_item_open" | "list_item_close":
                self._lists += token.nesting
            case "table_open":
                self._out.start_table()
            case "thead_open" | "thead_close":
                self._header = token.nesting == 1
            case "tr_open":
                self._cells = []
            case "tr_close":
                self._out.row(self._cells or [], header=self._header)
                self._cells = None
            case _:
                pass

    def _inline(self, runs: list[Run]) -> None:
        if self._cells is not None:
            self._cells.append(runs)
        elif self._heading:
            self._out.heading(runs, self._heading)
        elif _COMMAND.fullmatch(text_of(runs)):
            return
        elif self._lists:
            self._out.list_item(runs)
        else:
            self._out.paragraph(runs)


def _runs(children: Sequence[Token]) -> list[Run]:
    """Return inline tokens as runs."""
    runs: list[Run] = []
    targets: list[str | None] = []
    for token in children:
        target = targets[-1] if targets else None
        if token.type == "link_open":
            targets.append(str(token.attrGet("href") or "") or None)
        elif token.type == "link_close":
            targets.pop()
        elif token.type in ("text", "code_inline", "text_special"):
            runs.append((token.content, target))
        elif token.type == "softbreak":
            runs.append((" ", target))
        elif token.type == "hardbreak" or (token.type == "html_inline" and _LINE_BREAK.match(token.content)):
            runs.append(("\n", target))
    return runs
