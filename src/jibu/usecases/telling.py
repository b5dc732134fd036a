"""Events of the use cases: ids and hashes only."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from jibu.domain.documents import Document
from jibu.domain.events import Event
from jibu.ports import UnitOfWork


def tell(
    uow: UnitOfWork, event_type: str, subject: str, at: datetime, **data: str | int | bool | None
) -> None:
    """Leave an event in the transaction of the change that it tells of."""
    uow.outbox.emit(Event(uuid4().hex, event_type, subject, subject, at, tuple(data.items())))


def tell_document(
    uow: UnitOfWork, change: str, document: Document, at: datetime, **data: str | int | bool | None
) -> None:
    """Leave ``jibu.document.<change>.v1`` about the document's newest version, or ``version`` of ``data``."""
    known: dict[str, str | int | bool | None] = {
        "documentId": document.document_id,
        "collectionId": document.collection_id,
        "version": document.version,
        "sha256": document.sha256,
    }
    tell(uow, f"jibu.document.{change}.v1", document.document_id, at, **(known | data))
