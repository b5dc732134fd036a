"""Documents, their versions and texts in SQL."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update

from jibu.adapters.store import link_rows, passage_rows, removing
from jibu.adapters.store import tables as t
from jibu.adapters.store.codec import dump
from jibu.adapters.store.document_rows import NEWEST, is_version, missing, newest, of_version, to_document
from jibu.adapters.store.turns import KEY, ORIGIN, PERSON, take
from jibu.domain.access import AccessFilter, owner_key
from jibu.domain.documents import Document, DocumentStatus, Failure, NewDocument, ParsedDocument
from jibu.domain.errors import Conflict, NotFound
from jibu.domain.linking import LinkedDocument
from jibu.domain.passages import FoundPassage, Passage
from jibu.ports import Page

D = t.documents.c
V = t.versions.c
EPOCH = "epoch"


class SqlDocuments:
    """See ``jibu.ports.DocumentRecords``."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def receive(
        self,
        document_id: str,
        new: NewDocument,
        *,
        title: str,
        media_type: str,
        fingerprint: str,
        at: datetime,
    ) -> Document:
        """Store a new version with its bytes. Raises: NotFound (collection)."""
        version = self._next_version(document_id, new, at)
        key = {"document_id": document_id, "version": version}
        self._db.execute(
            insert(t.versions).values(
                **key,
                status=DocumentStatus.RECEIVED.value,
                title=title,
                sha256=hashlib.sha256(new.content).hexdigest(),
                fingerprint=fingerprint,
                media_type=media_type,
                size=len(new.content),
                passages=0,
                languages="[]",
                language=new.language,
                url=new.url,
                licence=new.licence,
                filename=new.filename,
            )
        )
        self._db.execute(insert(t.contents).values(**key, content=new.content))
        return self.get(document_id)

    def _next_version(self, document_id: str, new: NewDocument, at: datetime) -> int:
        take(self._db, KEY, document_id)
        known = select(t.collections.c.collection_id).where(
            t.collections.c.collection_id == new.collection_id
        )
        if self._db.execute(known).scalar() is None:
            raise NotFound(f"no collection {new.collection_id!r}")
        raised = update(t.documents).where(D.document_id == document_id)
        if self._db.execute(raised.values(version=D.version + 1, received_at=at, stale_since=None)).rowcount:
            return int(self._db.execute(select(D.version).where(D.document_id == document_id)).scalar_one())
        self._db.execute(
            insert(t.documents).values(
                document_id=document_id,
                collection_id=new.collection_id,
                external_id=new.external_id,
                owner=owner_key(new.individual_id, new.agreement_id),
                individual_id=new.individual_id,
                agreement_id=new.agreement_id,
                version=1,
                received_at=at,
            )
        )
        return 1

    def get(self, document_id: str, version: int | None = None) -> Document:
        """Return one as its newest version, or this one, describes it. Raises: NotFound."""
        take(self._db, KEY, document_id)
        query = newest() if version is None else of_version(version)
        row = self._db.execute(query.where(D.document_id == document_id)).one_or_none()
        if row is None:
            raise missing(document_id)
        return to_document(row)

    def find(
        self, collection_id: str, *, owner: str | None, external_id: str | None, sha256: str
    ) -> Document | None:
        """Return the document with this external id, or without one and with this content."""
        take(self._db, ORIGIN, collection_id, owner, external_id or sha256)
        query = newest().where(D.collection_id == collection_id, D.owner.is_not_distinct_from(owner))
        if external_id is None:
            query = query.where(D.external_id.is_(None), V.sha256 == sha256)
        else:
            query = query.where(D.external_id == external_id)
        query = query.order_by(D.document_id).limit(1)
        row = self._db.execute(query).one_or_none()
        if row is not None:
            take(self._db, KEY, row.document_id)
            row = self._db.execute(query).one_or_none()  # it may have been erased before it was our turn
        return None if row is None else to_document(row)

    def mark_stale(self, document_id: str, *, at: datetime) -> bool:
        """Note that the source changed, once for each version."""
        take(self._db, KEY, document_id)
        fresh = update(t.documents).where(D.document_id == document_id, D.stale_since.is_(None))
        return bool(self._db.execute(fresh.values(stale_since=at)).rowcount)

    def fingerprint(self, document_id: str) -> str:
        """Return the newest version's fingerprint. Raises: NotFound."""
        query = select(V.fingerprint).select_from(NEWEST).where(D.document_id == document_id)
        found = self._db.execute(query).scalar()
        if found is None:
            raise missing(document_id)
        return str(found)

    def requeue(self, document_id: str, version: int) -> None:
        """Set a failed version back to received. Raises: NotFound."""
        self._change(
            document_id,
            version,
            status=DocumentStatus.RECEIVED.value,
            failure_reason=None,
            failure_message=None,
        )

    def page(
        self,
        collections: frozenset[str],
        owners: frozenset[str],
        *,
        offset: int,
        limit: int,
        status: str | None = None,
    ) -> Page[Document]:
        """List documents, newest first."""
        mine = and_(
            D.collection_id.in_(sorted(collections)), or_(D.owner.is_(None), D.owner.in_(sorted(owners)))
        )
        if status is not None:
            mine = and_(mine, V.status == status)
        total = self._db.execute(select(func.count()).select_from(NEWEST).where(mine)).scalar_one()
        query = newest().where(mine).order_by(D.received_at.desc(), D.document_id)
        rows = self._db.execute(query.offset(offset).limit(limit))
        return Page(tuple(to_document(row) for row in rows), int(total))

    def content(self, document_id: str, version: int) -> bytes:
        """Return the bytes as received. Raises: NotFound."""
        query = select(t.contents.c.content).where(*is_version(t.contents, document_id, version))
        found = self._db.execute(query).scalar()
        if found is None:
            raise missing(document_id)
        return bytes(found)

    def save_parsed(
        self,
        document_id: str,
        version: int,
        parsed: ParsedDocument,
        passages: Sequence[Passage],
        *,
        title: str,
    ) -> None:
        """Store a version's text, passages and links in place of older ones. Raises: NotFound."""
        self._change(
            document_id,
            version,
            title=title,
            media_type=parsed.media_type,
            pages=parsed.pages,
            passages=len(passages),
        )
        for table in (t.links, t.names, t.passages, t.texts):
            self._db.execute(delete(table).where(*is_version(table, document_id, version)))
        self._db.execute(insert(t.texts).values(document_id=document_id, version=version, text=parsed.text))
        passage_rows.save(self._db, passages)
        link_rows.save(self._db, document_id, version, parsed.links)

    def text(self, document_id: str, version: int | None = None) -> str:
        """Return a version's canonical text, the live one's by default. Raises: NotFound."""
        if version is None:
            query = select(D.live_version).where(D.document_id == document_id)
            version = self._db.execute(query).scalar()
        query = select(t.texts.c.text).where(*is_version(t.texts, document_id, version or 0))
        found = self._db.execute(query).scalar()
        if found is None:
            raise NotFound(f"document {document_id!r} has no text yet")
        return str(found)

    def passages(
        self, document_id: str, version: int, *, offset: int = 0, limit: int | None = None
    ) -> list[Passage]:
        """Return a version's passages in order."""
        return passage_rows.of_version(self._db, document_id, version, offset=offset, limit=limit)

    def count_passages(self, document_id: str, version: int) -> int:
        """Count a version's passages."""
        return passage_rows.count(self._db, document_id, version)

    def epoch(self) -> int:
        """Return how many activations there were."""
        query = select(t.counters.c.value).where(t.counters.c.name == EPOCH)
        return int(self._db.execute(query).scalar() or 0)

    def hydrate(
        self, passage_ids: Sequence[str], *, epoch: int, owners: frozenset[str] = frozenset()
    ) -> list[FoundPassage]:
        """Return passages of versions that were live at ``epoch``, in the order asked."""
        return passage_rows.hydrate(self._db, passage_ids, epoch, owners)

    def linked(self, document_id: str, access: AccessFilter, limit: int) -> list[LinkedDocument]:
        """Return the documents that this one links to, of those that ``access`` allows."""
        return link_rows.linked(self._db, document_id, access, limit)

    def activate(
        self, document_id: str, version: int, *, at: datetime, languages: tuple[str, ...]
    ) -> int | None:
        """Make a version the live one; return the one it replaces. Raises: NotFound, Conflict."""
        document = self.get(document_id)
        live = document.live_version
        if live is not None and live > version:
            raise Conflict(f"version {live} of {document_id!r} is live already")
        # The counter's row is locked until the commit, so epochs become visible in order.
        counter = t.counters.c.name == EPOCH
        self._db.execute(update(t.counters).where(counter).values(value=t.counters.c.value + 1))
        epoch = self.epoch()
        if live is not None and live != version:
            self._change(document_id, live, live_until=epoch)
        self._change(
            document_id,
            version,
            status=DocumentStatus.INDEXED.value,
            failure_reason=None,
            failure_message=None,
            languages=dump(languages),
            **({} if live == version else {"live_from": epoch}),
        )
        values = {"live_version": version, "indexed_at": at}
        self._db.execute(update(t.documents).where(D.document_id == document_id).values(**values))
        return live if live != version else None

    def fail(self, document_id: str, version: int, failure: Failure) -> None:
        """Record why a version failed. Raises: NotFound."""
        self._change(
            document_id,
            version,
            status=DocumentStatus.FAILED.value,
            failure_reason=failure.reason,
            failure_message=failure.message,
        )

    def _change(self, document_id: str, version: int, **values: object) -> None:
        take(self._db, KEY, document_id)
        changed = update(t.versions).where(*is_version(t.versions, document_id, version)).values(**values)
        if not self._db.execute(changed).rowcount:
            raise missing(document_id)

    def drop_versions(self, document_id: str, *, before: int) -> int:
        """Remove versions older than ``before`` but for the live one; return how many."""
        return removing.drop_versions(self._db, document_id, before)

    def erase(self, document_id: str) -> tuple[tuple[str, int], ...]:
        """Remove every row of a document, its jobs and what was quoted of it too. Raises: NotFound."""
        return removing.erase(self._db, document_id)

    def of_individual(self, individual_id: str) -> list[str]:
        """Return the ids of an individual's documents, in order."""
        take(self._db, PERSON, individual_id)
        query = select(D.document_id).where(D.individual_id == individual_id).order_by(D.document_id)
        return [str(found) for found in self._db.execute(query).scalars()]

    def live(self) -> Iterator[tuple[str, int]]:
        """Yield (document id, live version), by id."""
        query = select(D.document_id, D.live_version).where(D.live_version.is_not(None))
        for row in self._db.execute(query.order_by(D.document_id)):
            yield row.document_id, row.live_version

    def live_passages(self) -> int:
        """Count the passages of all live versions."""
        lives = t.documents.join(
            t.versions, and_(D.document_id == V.document_id, D.live_version == V.version)
        )
        total = self._db.execute(select(func.sum(V.passages)).select_from(lives)).scalar()
        return int(total or 0)
