"""Documents: receive them safely, show them, erase them."""

from __future__ import annotations

import hashlib
import json
import mimetypes
from dataclasses import replace
from uuid import uuid4

from jibu.domain.access import Caller, owner_key
from jibu.domain.documents import Document, DocumentStatus, NewDocument
from jibu.domain.errors import InvalidInput, NotFound, TooLarge
from jibu.domain.passages import Passage
from jibu.domain.personal import PersonalContext
from jibu.domain.receipts import ErasureReceipt
from jibu.ports import Clock, Page, Records, UnitOfWork
from jibu.usecases.checks import check_language, check_line
from jibu.usecases.consent_gate import CLOSED, Gate
from jibu.usecases.erasing import Erasing
from jibu.usecases.telling import tell_document
from jibu.usecases.work import INDEX, first_title

LIMITS = {
    "title": 300,
    "filename": 255,
    "media_type": 255,
    "url": 2048,
    "external_id": 255,
    "licence": 255,
    "individual_id": 255,
    "agreement_id": 255,
}
LOADER = "rag.ingest"
FIELDS = {
    "media_type": "/mediaType",
    "external_id": "/externalId",
    "individual_id": "/individualId",
    "agreement_id": "/dataAgreementId",
}


class Documents:
    """What callers do with documents. What a caller may not read is NotFound."""

    def __init__(
        self,
        *,
        records: Records,
        erasing: Erasing,
        clock: Clock,
        max_upload_bytes: int,
        consent: Gate = CLOSED,
    ) -> None:
        self._records = records
        self._consent = consent
        self._clock = clock
        self._max_bytes = max_upload_bytes
        self._erasing = erasing

    def receive(self, caller: Caller, new: NewDocument) -> tuple[Document, bool]:
        """Store a document and leave the job that indexes it, both or neither.

        The same external id (else, without one, the same content) makes the next version of the document
        that has it. Returns the document and False when all is as it was: then nothing is done.

        Raises: NotFound (collection); TooLarge; InvalidInput; Unavailable.
        """
        self._check(new)
        fingerprint, sha256 = _fingerprint(new), hashlib.sha256(new.content).hexdigest()
        at = self._clock()
        with self._records.write() as uow:
            _readable_collection(uow, caller, new.collection_id)
            owner = owner_key(new.individual_id, new.agreement_id)
            old = uow.documents.find(
                new.collection_id, owner=owner, external_id=new.external_id, sha256=sha256
            )
            if old is not None and uow.documents.fingerprint(old.document_id) == fingerprint:
                if old.status is not DocumentStatus.FAILED:
                    return old, False
                uow.documents.requeue(old.document_id, old.version)
                document = uow.documents.get(old.document_id)
            else:
                document = uow.documents.receive(
                    uuid4().hex if old is None else old.document_id,
                    new,
                    title=new.title or first_title(new.filename),
                    media_type=_media_type(new),
                    fingerprint=fingerprint,
                    at=at,
                )
            tell_document(uow, "received", document, at)
            uow.outbox.enqueue(INDEX, document.document_id, document.version, at=at)
            uow.commit()
        return document, True

    def _check(self, new: NewDocument) -> None:
        if len(new.content) > self._max_bytes:
            raise TooLarge(f"a document may have at most {self._max_bytes} bytes")
        if not new.content:
            raise InvalidInput("the document is empty")
        for name, limit in LIMITS.items():
            check_line(getattr(new, name), FIELDS.get(name, f"/{name}"), limit=limit)
        if new.language is not None:
            check_language(new.language, "/language")
        if new.url is not None and not new.url.startswith(("https://", "http://")):
            raise InvalidInput("must be an http or https address", "/url")
        if (new.individual_id is None) != (new.agreement_id is None):
            missing = "/individualId" if new.individual_id is None else "/dataAgreementId"
            raise InvalidInput("individualId and dataAgreementId belong together", missing)

    def get(self, caller: Caller, document_id: str, *, context: PersonalContext | None = None) -> Document:
        """Return one. Of an individual's those who load documents see its state, but nothing that names it.

        Raises: NotFound; ConsentRequired; Unavailable.
        """
        self._admit(caller, context)
        with self._records.read() as uow:
            document = uow.documents.get(document_id)
            _may_read(uow, caller, document)
        if _open_to(document, context):
            return document
        if LOADER in caller.scopes:
            return replace(document, title="", url=None, filename=None, external_id=None)
        raise NotFound(f"no document {document_id!r}")

    def _admit(self, caller: Caller, context: PersonalContext | None) -> None:
        if context is not None:
            self._consent.admit(caller, context, "read document")

    def page(
        self,
        caller: Caller,
        *,
        collection_id: str | None,
        status: str | None,
        offset: int,
        limit: int,
        context: PersonalContext | None = None,
    ) -> Page[Document]:
        """List readable documents, newest first; an individual's only where ``context`` names them.

        Raises: NotFound (collection); InvalidInput; ConsentRequired; Unavailable.
        """
        if status is not None and status not in set(DocumentStatus):
            raise InvalidInput("status is received, indexed or failed", "status")
        self._admit(caller, context)
        owners = frozenset() if context is None else frozenset((context.owner,))
        with self._records.read() as uow:
            if collection_id is None:
                found = frozenset(c.collection_id for c in uow.collections.all() if caller.may_read(c.read))
            else:
                _readable_collection(uow, caller, collection_id)
                found = frozenset({collection_id})
            return uow.documents.page(found, owners, offset=offset, limit=limit, status=status)

    def text(
        self,
        caller: Caller,
        document_id: str,
        version: int | None = None,
        *,
        context: PersonalContext | None = None,
    ) -> str:
        """Return a version's canonical text, the live one's by default.

        Raises: NotFound; ConsentRequired; Unavailable.
        """
        self._admit(caller, context)
        with self._records.read() as uow:
            _readable(uow, caller, document_id, context)
            return uow.documents.text(document_id, version)

    def passages(
        self,
        caller: Caller,
        document_id: str,
        *,
        offset: int,
        limit: int,
        context: PersonalContext | None = None,
    ) -> Page[Passage]:
        """List the live version's passages in order (none before it is indexed).

        Raises: NotFound; ConsentRequired; Unavailable.
        """
        self._admit(caller, context)
        with self._records.read() as uow:
            document = _readable(uow, caller, document_id, context)
            live = document.live_version
            if live is None:
                return Page((), 0)
            found = uow.documents.passages(document_id, live, offset=offset, limit=limit)
            return Page(tuple(found), uow.documents.count_passages(document_id, live))

    def erase(self, caller: Caller, document_id: str) -> ErasureReceipt:
        """Remove a document from records and index at once, look again, and say so.

        Documents of individuals may be erased by whoever may write to their collection.
        Raises: NotFound; Unavailable.
        """
        with self._records.read() as uow:
            _may_read(uow, caller, uow.documents.get(document_id))
        return self._erasing.document(caller.client, document_id)


def _readable_collection(uow: UnitOfWork, caller: Caller, collection_id: str) -> None:
    if not caller.may_read(uow.collections.get(collection_id).read):
        raise NotFound(f"no collection {collection_id!r}")


def _may_read(uow: UnitOfWork, caller: Caller, document: Document) -> None:
    if not caller.may_read(uow.collections.get(document.collection_id).read):
        raise NotFound(f"no document {document.document_id!r}")


def _readable(uow: UnitOfWork, caller: Caller, document_id: str, context: PersonalContext | None) -> Document:
    document = uow.documents.get(document_id)
    _may_read(uow, caller, document)
    if not _open_to(document, context):
        raise NotFound(f"no document {document_id!r}")
    return document


def _open_to(document: Document, context: PersonalContext | None) -> bool:
    owner = owner_key(document.individual_id, document.agreement_id)
    return owner is None or (context is not None and context.owner == owner)


def _media_type(new: NewDocument) -> str:
    guess = mimetypes.guess_type(new.filename)[0] if new.filename else None
    return new.media_type or guess or "application/octet-stream"


def _fingerprint(new: NewDocument) -> str:
    """Return a hash of the content and of all that was said about it."""
    said = [
        new.collection_id,
        new.filename,
        new.title,
        new.media_type,
        new.url,
        new.language,
        new.external_id,
        new.licence,
        new.individual_id,
        new.agreement_id,
    ]
    return hashlib.sha256(json.dumps(said).encode() + b"\n" + new.content).hexdigest()
