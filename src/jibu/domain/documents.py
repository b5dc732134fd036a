"""Collections, documents and the structure that parsing finds in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from jibu.domain.access import PUBLIC


@dataclass(frozen=True, slots=True)
class Collection:
    """A set of documents with its own languages and readers. ``read``: ("public",) or scopes."""

    collection_id: str
    title: str
    languages: tuple[str, ...] = ()
    read: tuple[str, ...] = (PUBLIC,)
    created_at: datetime | None = None
    updated_at: datetime | None = None


class DocumentStatus(StrEnum):
    """Where a document is on its way into the index."""

    RECEIVED = "received"
    INDEXED = "indexed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document as a caller hands it in. ``content`` is the file's bytes."""

    collection_id: str
    content: bytes
    filename: str | None = None
    title: str | None = None
    media_type: str | None = None
    url: str | None = None
    language: str | None = None
    external_id: str | None = None
    licence: str | None = None
    individual_id: str | None = None
    agreement_id: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a document version could not be indexed. ``reason`` is a stable code."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Document:
    """A document and its newest version. ``version`` counts from 1; ``live_version`` is what readers see."""

    document_id: str
    collection_id: str
    version: int
    status: DocumentStatus
    title: str
    sha256: str
    media_type: str
    size: int
    received_at: datetime
    live_version: int | None = None
    indexed_at: datetime | None = None
    failure: Failure | None = None
    pages: int | None = None
    passages: int = 0
    languages: tuple[str, ...] = ()
    language: str | None = None
    url: str | None = None
    external_id: str | None = None
    licence: str | None = None
    filename: str | None = None
    individual_id: str | None = None
    agreement_id: str | None = None
    stale_since: datetime | None = None
    """Since when its source is known to have changed."""


class BlockKind(StrEnum):
    """What a stretch of canonical text is."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST_ITEM = "list_item"
    TABLE_HEADER = "table_header"
    TABLE_ROW = "table_row"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Block:
    """One stretch of the canonical text: ``text[start:end]``, code points, no surrounding blank space.

    ``level`` is the heading's depth (1 = top) and 0 elsewhere. ``table`` numbers the table that a header
    or row belongs to, from 1. Blocks are in reading order and never overlap.
    """

    kind: BlockKind
    start: int
    end: int
    level: int = 0
    page: int | None = None
    table: int | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A link found in the document: its anchor is ``text[start:end]``, ``target`` the raw reference."""

    start: int
    end: int
    target: str


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """Canonical text and its structure. ``text`` is NFC, has no control characters but newline and tab.

    Table cells are joined by " | " and each row stands on its own line. ``pages`` is the number of pages,
    slides or sheets where the format has them. ``language`` is what the file itself declares.
    """

    text: str
    blocks: tuple[Block, ...]
    title: str | None = None
    language: str | None = None
    pages: int | None = None
    links: tuple[Link, ...] = ()
    media_type: str = "text/plain"
    warnings: tuple[str, ...] = ()
