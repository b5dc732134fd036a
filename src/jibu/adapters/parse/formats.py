"""Every format and its reader; readers are imported only when a file needs them."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol, cast

from jibu.adapters.parse import sniff
from jibu.adapters.parse.builder import DocumentBuilder
from jibu.adapters.parse.limits import Limits
from jibu.adapters.parse.sniff import Format
from jibu.adapters.parse.textcode import decode
from jibu.adapters.parse.wire import Request
from jibu.domain.documents import ParsedDocument
from jibu.domain.errors import ParseFailed

_READERS = {
    Format.TEXT: "plain",
    Format.MARKDOWN: "markdown",
    Format.HTML: "html",
    Format.CSV: "delimited",
    Format.TSV: "delimited",
    Format.JSON: "jsontext",
    Format.PDF: "pdf.reader",
    Format.DOCX: "docx",
    Format.PPTX: "pptx",
    Format.XLSX: "xlsx",
}


class TextReader(Protocol):
    """A module that reads text."""

    def read(self, text: str, out: DocumentBuilder) -> None:
        """Add the text's blocks. Raises: ParseFailed."""


class BinaryReader(Protocol):
    """A module that reads bytes."""

    def read(self, content: bytes, out: DocumentBuilder) -> None:
        """Add the file's blocks. Raises: ParseFailed."""


def parse(request: Request, limits: Limits) -> ParsedDocument:
    """Parse one file in this process. Raises: ParseFailed, and whatever a library lets out."""
    label = sniff.labels(request.filename, request.media_type)
    out = DocumentBuilder(limits)
    kind = sniff.binary_format(request.content, label)
    if kind:
        cast("BinaryReader", _module(kind)).read(request.content, out)
        return out.build(kind)
    text = decode(request.content, media_type=request.media_type, markup=_may_be_markup(label))
    if not text.replace("\0", "").strip():
        raise ParseFailed("The file is blank.", "empty")
    kind = sniff.text_format(text, label)
    cast("TextReader", _module(kind)).read(text, out)
    return out.build(kind)


def _module(kind: Format) -> object:
    return import_module(f"jibu.adapters.parse.{_READERS[kind]}")


def _may_be_markup(label: sniff.Labels) -> bool:
    return label.first in (None, Format.TEXT, Format.HTML)
