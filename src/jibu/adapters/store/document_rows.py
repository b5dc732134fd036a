"""Rows of documents with their newest version, and back."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Row, Select, and_, select

from jibu.adapters.store import tables as t
from jibu.adapters.store.codec import strings
from jibu.domain.documents import Document, DocumentStatus, Failure
from jibu.domain.errors import NotFound

D = t.documents.c
V = t.versions.c
NEWEST = t.documents.join(t.versions, and_(D.document_id == V.document_id, D.version == V.version))
COLUMNS: tuple[Column[Any], ...] = (
    *(column for column in t.documents.c if column.name not in t.versions.c),
    *t.versions.c,
)


def newest() -> Select[Any]:
    """Select documents with their newest version."""
    return select(*COLUMNS).select_from(NEWEST)


def of_version(version: int) -> Select[Any]:
    """Select documents with this version."""
    both = t.documents.join(t.versions, and_(D.document_id == V.document_id, V.version == version))
    return select(*COLUMNS).select_from(both)


def is_version(table: Any, document_id: str, version: int) -> tuple[Any, Any]:
    """Return the conditions that pick one version's rows."""
    return table.c.document_id == document_id, table.c.version == version


def missing(document_id: str) -> NotFound:
    """Return the error for a document that is not there."""
    return NotFound(f"no document {document_id!r}")


def to_document(row: Row[Any]) -> Document:
    """Read a row of ``newest()``."""
    failure = None
    if row.failure_reason is not None:
        failure = Failure(row.failure_reason, row.failure_message or "")
    return Document(
        document_id=row.document_id,
        collection_id=row.collection_id,
        version=row.version,
        status=DocumentStatus(row.status),
        title=row.title,
        sha256=row.sha256,
        media_type=row.media_type,
        size=row.size,
        received_at=row.received_at,
        live_version=row.live_version,
        indexed_at=row.indexed_at,
        failure=failure,
        pages=row.pages,
        passages=row.passages,
        languages=strings(row.languages),
        language=row.language,
        url=row.url,
        external_id=row.external_id,
        licence=row.licence,
        filename=row.filename,
        individual_id=row.individual_id,
        agreement_id=row.agreement_id,
        stale_since=row.stale_since,
    )
