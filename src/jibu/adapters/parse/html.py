"""HTML: the main content without scripts, navigation and other furniture."""

from __future__ import annotations

from lxml import etree

from jibu.adapters.parse.builder import DocumentBuilder, Run, text_of
from jibu.adapters.parse.html_tables import add_table, is_data_table
from jibu.adapters.parse.html_tags import (
    BLOCKS,
    HEADINGS,
    is_furniture,
    is_hidden,
    is_skipped,
    tag_of,
    text_within,
)
from jibu.domain.errors import ParseFailed

_MAIN_SHARE = 0.2
"""A main element with less of the page's text than this is not its content."""


def read(text: str, out: DocumentBuilder) -> None:
    """Read a page. Raises: ParseFailed (empty, limits)."""
    root = _tree(text)
    if root is None:
        raise ParseFailed("The page holds no text.", "empty")
    out.language = root.get("lang") or root.get("{http://www.w3.org/XML/1998/namespace}lang")
    title = root.find(".//head/title")
    heading = next(root.iter("h1"), None)
    body = root.find("body")
    _Walk(out).walk(_main(root if body is None else body))
    out.title = _title("" if title is None else title.text or "", heading, out)


def read_fragment(text: str, out: DocumentBuilder) -> None:
    """Read a piece of HTML that stands in another format. Raises: ParseFailed (limits)."""
    root = _tree(f"<html><body>{text}</body></html>")
    if root is not None:
        _Walk(out).walk(root)


def _tree(text: str) -> etree._Element | None:
    # The parser is told the encoding, so no declaration inside the page can mislead it.
    parser = etree.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True)
    data = text.replace("\0", "").encode("utf-8", "replace")
    root: etree._Element | None = etree.fromstring(data, parser)
    if any(entry.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT for entry in parser.error_log):
        raise ParseFailed("The page is nested too deeply.", "unreadable")
    return root


def _title(declared: str, heading: etree._Element | None, out: DocumentBuilder) -> str | None:
    """Prefer the top heading where the title only adds the site's name to it."""
    top = out.first_heading or (text_of(text_within(heading)) if heading is not None else "")
    declared = text_of(declared)
    if top and (not declared or top.casefold() in declared.casefold()):
        return top
    return declared or None


def _main(body: etree._Element) -> etree._Element:
    """Return the element that holds the page's own content."""
    whole = _text_length(body)
    marked = (
        list(body.iter("main")),
        [node for node in body.iter() if node.get("role") == "main"],
        list(body.iter("article")),
    )
    for found in marked:
        if len(found) == 1 and _text_length(found[0]) >= _MAIN_SHARE * whole:
            return found[0]
    return body


def _text_length(element: etree._Element) -> int:
    skipped = {"script", "style", "noscript", "template", "nav", "svg"}
    return sum(
        len((node.text or "").strip()) + len((node.tail or "").strip())
        for node in element.iter()
        if tag_of(node) not in skipped
    )


class _Walk:
    """Walks a tree without recursion, so that depth costs nothing."""

    def __init__(self, out: DocumentBuilder) -> None:
        self._out = out
        self._runs: list[Run] = []
        self._links: list[str] = []
        self._kinds: list[tuple[etree._Element, str]] = []
        self._skipped: etree._Element | None = None

    def walk(self, top: etree._Element) -> None:
        """Add everything under ``top``."""
        walker = etree.iterwalk(top, events=("start", "end"))
        for event, node in walker:
            if event == "start":
                if not self._starts(node, top):
                    walker.skip_subtree()
                    self._skipped = node
                continue
            if node is not self._skipped:
                self._end(node)
            self._text(node.tail if node is not top else None)
        self._flush()

    def _starts(self, node: etree._Element, top: etree._Element) -> bool:
        """Handle a start tag; return whether to go inside."""
        tag = tag_of(node)
        if is_skipped(tag) or is_hidden(node) or (node is not top and is_furniture(node, top)):
            return False
        if tag == "pre":
            self._flush()
            self._out.code(text_within(node))
            return False
        if tag == "table" and is_data_table(node):
            self._flush()
            add_table(node, self._out)
            return False
        self._open(node, tag)
        return True

    def _open(self, node: etree._Element, tag: str) -> None:
        if tag in BLOCKS:
            self._flush()
        if tag in HEADINGS or tag in ("li", "dd"):
            self._kinds.append((node, tag))
        if tag == "a" and node.get("href"):
            self._links.append(node.get("href") or "")
        if tag == "br":
            self._runs.append(("\n", None))
        self._text(node.text)

    def _end(self, node: etree._Element) -> None:
        tag = tag_of(node)
        if tag in BLOCKS:
            self._flush()
        if self._kinds and self._kinds[-1][0] is node:
            self._kinds.pop()
        if tag == "a" and node.get("href") and self._links:
            self._links.pop()

    def _text(self, text: str | None) -> None:
        if text:
            self._runs.append((text.replace("\n", " ").replace("\r", " "), self._target()))

    def _target(self) -> str | None:
        return self._links[-1].strip() if self._links else None

    def _flush(self) -> None:
        """Add the running text as the block that it stands in."""
        runs, self._runs = self._runs, []
        kind = self._kinds[-1][1] if self._kinds else ""
        if not runs or not any(text.strip() for text, _ in runs):
            return
        if kind in HEADINGS:
            # Headings often carry a mark that links to themselves.
            named = [(text, target) for text, target in runs if not (target and text.strip() in "¶#§🔗")]
            self._out.heading(named, HEADINGS[kind])
        elif kind:
            self._out.list_item(runs)
        else:
            self._out.paragraph(runs)
