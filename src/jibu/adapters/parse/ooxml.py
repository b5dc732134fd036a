"""Office Open XML packages: parts, relationships and properties, read without the program's baggage."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from lxml import etree

from jibu.adapters.parse.archive import open_archive, read_member, refuse_entities
from jibu.adapters.parse.builder import DocumentBuilder
from jibu.domain.errors import ParseFailed

_HYPERLINK = "/hyperlink"


def name_of(node: etree._Element) -> str:
    """Return an element's local name: strict and transitional files differ in namespaces only."""
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""


def attribute(node: etree._Element, name: str) -> str | None:
    """Return an attribute by its local name."""
    for key, value in node.attrib.items():
        if str(key).rpartition("}")[2] == name:
            return str(value)
    return None


def relation(node: etree._Element) -> str | None:
    """Return the relationship id (``r:id``) of an element; a plain ``id`` attribute is something else."""
    for key, value in node.attrib.items():
        if str(key).endswith("relationships}id"):
            return str(value)
    return None


def child(node: etree._Element | None, *path: str) -> etree._Element | None:
    """Return the first descendant along a path of local names."""
    for name in path:
        node = None if node is None else next((n for n in node if name_of(n) == name), None)
    return node


def descendants(node: etree._Element, *names: str) -> Iterator[etree._Element]:
    """Yield descendants with one of the local names."""
    return (found for found in node.iter() if name_of(found) in names)


class Package:
    """An opened package. Raises: ParseFailed (bomb, truncated, encrypted, unreadable)."""

    def __init__(self, content: bytes, out: DocumentBuilder) -> None:
        self._archive = open_archive(content)
        self._names = set(self._archive.namelist())
        refuse_entities(self._archive)
        if any(name.endswith("vbaProject.bin") for name in self._names):
            out.warn("The macros in the file were left out.")

    def has(self, name: str) -> bool:
        """Tell whether there is such a part."""
        return name in self._names

    def xml(self, name: str) -> etree._Element:
        """Return a part's tree. Raises: ParseFailed (truncated, unreadable)."""
        if name not in self._names:
            raise ParseFailed("A part of the file is missing.", "truncated")
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
        )
        try:
            return etree.fromstring(read_member(self._archive, name), parser)
        except etree.XMLSyntaxError as error:
            raise ParseFailed("The XML in the file is broken.", "unreadable") from error

    def relations(self, part: str, kind: str | None = None) -> dict[str, str]:
        """Return relationship ids and targets of a part, parts as names in the archive, links as written."""
        folder, name = posixpath.split(part)
        rels = f"{folder}/_rels/{name}.rels" if folder else f"_rels/{name}.rels"
        if rels not in self._names:
            return {}
        found = {}
        for node in self.xml(rels):
            type_, target = node.get("Type") or "", node.get("Target") or ""
            if kind is None or type_.endswith(kind):
                outside = node.get("TargetMode") == "External"
                found[node.get("Id") or ""] = target if outside else _resolve(folder, target)
        return found

    def links(self, part: str) -> dict[str, str]:
        """Return relationship ids and targets of a part's hyperlinks."""
        return self.relations(part, _HYPERLINK)

    def main(self) -> str:
        """Return the main part's name. Raises: ParseFailed (truncated)."""
        for target in self.relations("", "/officeDocument").values():
            return target
        raise ParseFailed("The file's main part is missing.", "truncated")

    def properties(self, out: DocumentBuilder) -> None:
        """Set title and language from the core properties."""
        for target in self.relations("", "/core-properties").values():
            if target in self._names:
                for node in self.xml(target):
                    if name_of(node) == "title" and node.text:
                        out.title = node.text
                    if name_of(node) == "language" and node.text:
                        out.language = node.text


def _resolve(folder: str, target: str) -> str:
    path = target if target.startswith("/") else posixpath.join("/", folder, target)
    return posixpath.normpath(path).lstrip("/")
