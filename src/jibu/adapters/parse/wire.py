"""What passes between the service and the process that parses: one JSON line, then bytes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from jibu.adapters.parse.limits import Limits
from jibu.domain.documents import Block, BlockKind, Link, ParsedDocument
from jibu.domain.errors import ParseFailed


@dataclass(frozen=True, slots=True)
class Request:
    """One file to parse."""

    content: bytes
    filename: str | None
    media_type: str | None


def encode_request(request: Request) -> bytes:
    """Return a request as one JSON line and the file's bytes."""
    head = {"filename": request.filename, "media_type": request.media_type}
    return json.dumps(head).encode() + b"\n" + request.content


def decode_request(data: bytes) -> Request:
    """Undo ``encode_request``."""
    head, _, content = data.partition(b"\n")
    return Request(content=content, **json.loads(head))


def encode_limits(limits: Limits) -> str:
    """Return limits as a command line argument."""
    return json.dumps(asdict(limits))


def decode_limits(text: str) -> Limits:
    """Undo ``encode_limits``."""
    return Limits(**json.loads(text))


def encode_document(document: ParsedDocument) -> bytes:
    """Return a parsed document as compact JSON."""
    fields = {
        "text": document.text,
        "title": document.title,
        "language": document.language,
        "pages": document.pages,
        "media_type": document.media_type,
        "warnings": document.warnings,
        "blocks": [(b.kind, b.start, b.end, b.level, b.page, b.table) for b in document.blocks],
        "links": [(link.start, link.end, link.target) for link in document.links],
    }
    # A lone surrogate in a link target must not sink the whole document.
    return json.dumps({"document": fields}, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "replace"
    )


def encode_failure(failure: ParseFailed) -> bytes:
    """Return a failure as compact JSON."""
    return json.dumps({"failure": {"message": str(failure), "reason": failure.reason}}).encode()


def decode_result(data: bytes) -> ParsedDocument:
    """Return the document. Raises: ParseFailed that the worker raised; ValueError when cut off."""
    result: dict[str, dict[str, Any]] = json.loads(data)
    if "failure" in result:
        raise ParseFailed(**result["failure"])
    fields = result["document"]
    blocks = tuple(Block(BlockKind(kind), *rest) for kind, *rest in fields.pop("blocks"))
    links = tuple(Link(*link) for link in fields.pop("links"))
    warnings = tuple(fields.pop("warnings"))
    return ParsedDocument(blocks=blocks, links=links, warnings=warnings, **fields)
