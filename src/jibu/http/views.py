"""Domain values as the JSON of the contract."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, TypeVar

from jibu.domain.access import PUBLIC
from jibu.domain.answers import Answer, Citation, Claim, Conversation, LiveCitation, LiveConsulted, Turn
from jibu.domain.documents import Collection, Document
from jibu.domain.passages import FoundPassage, Passage
from jibu.domain.personal import ConsentDecision
from jibu.domain.receipts import ErasureReceipt, facts
from jibu.ports import Page
from jibu.usecases.pieces import Sources
from jibu.usecases.search import SearchResult

T = TypeVar("T")
Json = dict[str, Any]
BASE = "/rag/v1"


def moment(at: datetime | None) -> str | None:
    """Return RFC 3339 in UTC, ending in Z."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def page(found: Page[T], view: Callable[[T], Json], *, offset: int, limit: int) -> Json:
    """Return one page of a listing."""
    return {
        "items": [view(item) for item in found.items],
        "total": found.total,
        "offset": offset,
        "limit": limit,
    }


def answer(value: Answer) -> Json:
    """Return a whole answer."""
    return {
        "answerId": value.answer_id,
        "status": value.status.value,
        "answer": value.text,
        "language": value.language,
        "claims": [claim(one) for one in value.claims],
        "citations": all_citations(value.citations, value.live_citations),
        "liveSources": [consulted(one) for one in value.live_sources],
        "confidence": value.confidence,
        "reason": value.reason,
        "conversationId": value.conversation_id,
        "notice": value.notice,
        "model": plain(value.model),
        "usage": plain(value.usage),
        "timings": plain(value.timings),
        "createdAt": moment(value.created_at),
    }


def claim(value: Claim) -> Json:
    """Return one statement of an answer."""
    return {
        "text": value.text,
        "start": value.start,
        "end": value.end,
        "citations": list(value.citations),
        "support": value.support,
    }


def citation(value: Citation) -> Json:
    """Return one citation of a document."""
    return {
        "number": value.number,
        "kind": "document",
        "documentId": value.document_id,
        "documentVersion": value.version,
        "title": value.title,
        "collectionId": value.collection_id,
        "sectionPath": list(value.section_path),
        "quote": value.quote,
        "start": value.start,
        "end": value.end,
        "page": value.page,
        "url": value.url,
        "language": value.language,
        "score": value.score,
    }


def live_citation(value: LiveCitation) -> Json:
    """Return one citation of a service. Of a stored answer path and quote are null; the path "" is the whole body."""
    return {
        "number": value.number,
        "kind": "service",
        "serviceId": value.service_id,
        "title": value.title,
        "retrievedAt": moment(value.retrieved_at),
        "fieldPath": value.field_path if value.quote else None,
        "quote": value.quote or None,
        "messageId": value.message_id,
        "responseSha256": value.response_sha256,
        "language": value.language,
        "score": value.score,
    }


def all_citations(documents: Sequence[Citation], live: Sequence[LiveCitation]) -> list[Json]:
    """Return citations of both kinds, by number."""
    told = [*map(citation, documents), *map(live_citation, live)]
    return sorted(told, key=lambda one: int(one["number"]))


def consulted(value: LiveConsulted) -> Json:
    """Return what became of asking one service."""
    return {
        "serviceId": value.service_id,
        "outcome": value.outcome.value,
        "reason": value.reason,
        "retrievedAt": moment(value.retrieved_at),
        "messageId": value.message_id,
    }


def sources(value: Sources) -> Json:
    """Return what was found, before the answer."""
    return {
        "citations": all_citations(value.citations, value.live_citations),
        "liveSources": [consulted(one) for one in value.live_sources],
    }


def search_result(value: SearchResult) -> Json:
    """Return what a search found."""
    return {"language": value.language, "passages": [found_passage(one) for one in value.passages]}


def found_passage(value: FoundPassage) -> Json:
    """Return one passage that was found."""
    base = passage(value.passage)
    del base["ordinal"]
    return base | {
        "title": value.title,
        "collectionId": value.collection_id,
        "url": value.url,
        "score": value.score,
        "scores": {"dense": value.dense, "lexical": value.lexical},
    }


def passage(value: Passage) -> Json:
    """Return one passage of a document."""
    return {
        "passageId": value.passage_id,
        "documentId": value.document_id,
        "documentVersion": value.version,
        "ordinal": value.ordinal,
        "sectionPath": list(value.section_path),
        "text": value.text,
        "start": value.start,
        "end": value.end,
        "page": value.page,
        "language": value.language,
    }


def collection(value: Collection) -> Json:
    """Return a collection."""
    return {
        "collectionId": value.collection_id,
        "title": value.title,
        "languages": list(value.languages),
        "read": PUBLIC if PUBLIC in value.read else list(value.read),
        "createdAt": moment(value.created_at),
        "updatedAt": moment(value.updated_at),
    }


def document(value: Document) -> Json:
    """Return a document's state. Whom it belongs to is never told, only that it belongs to somebody."""
    return {
        "documentId": value.document_id,
        "collectionId": value.collection_id,
        "title": value.title,
        "status": value.status.value,
        "version": value.version,
        "liveVersion": value.live_version,
        "failure": None if value.failure is None else plain(value.failure),
        "mediaType": value.media_type,
        "size": value.size,
        "sha256": value.sha256,
        "pages": value.pages,
        "passages": value.passages,
        "languages": list(value.languages),
        "language": value.language,
        "licence": value.licence,
        "url": value.url,
        "externalId": value.external_id,
        "filename": value.filename,
        "personal": value.individual_id is not None,
        "receivedAt": moment(value.received_at),
        "indexedAt": moment(value.indexed_at),
        "staleSince": moment(value.stale_since),
        "links": links(value.document_id),
    }


def links(document_id: str) -> Json:
    """Return where the parts of a document are."""
    here = f"{BASE}/documents/{document_id}"
    return {"self": here, "text": f"{here}/text", "passages": f"{here}/passages"}


def receipt(value: ErasureReceipt) -> Json:
    """Return the proof of an erasure."""
    return facts(value) | {"signature": value.signature}


def decision(value: ConsentDecision) -> Json:
    """Return a consent decision."""
    return {
        "decisionId": value.decision_id,
        "decidedAt": moment(value.decided_at),
        "granted": value.granted,
        "reason": value.reason,
        "individualId": value.individual_id,
        "dataAgreementId": value.agreement_id,
        "client": value.client,
        "subject": value.subject,
        "purpose": value.purpose,
    }


def conversation(value: Conversation) -> Json:
    """Return a conversation with its turns."""
    return conversation_line(value) | {"turns": [turn(one) for one in value.turns]}


def conversation_line(value: Conversation) -> Json:
    """Return a conversation as it stands in a listing."""
    return {"conversationId": value.conversation_id, "createdAt": moment(value.created_at)}


def turn(value: Turn) -> Json:
    """Return one message."""
    return {
        "role": value.role,
        "text": value.text,
        "createdAt": moment(value.created_at),
        "answerId": value.answer_id,
    }


def plain(value: Any) -> Any:
    """Return a dataclass and what it holds as JSON with camelCase names."""
    if is_dataclass(value) and not isinstance(value, type):
        return {_camel(f.name): plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value


def _camel(name: str) -> str:
    return re.sub(r"_([a-z0-9])", lambda match: match.group(1).upper(), name)
