"""The audit log in SQL."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select, update

from jibu.adapters.store import consent_rows as rows
from jibu.adapters.store import consent_tables as t
from jibu.adapters.store.paging import page_of, put
from jibu.adapters.store.turns import AUDIT, take
from jibu.domain.consent.values import AuditBatch, AuditEntry, Schema
from jibu.domain.errors import Conflict
from jibu.ports import Page

E, B, H = t.audit_entries.c, t.audit_batches.c, t.audit_heads.c
HEAD = "audit"
GENESIS = "0" * 64


class SqlAudit:
    """See ``jibu.ports.AuditRecords``."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def head(self) -> tuple[int, str]:
        """Return position and hash of the newest entry, and hold others off."""
        take(self._db, AUDIT, HEAD)
        row = self._db.execute(select(t.audit_heads).where(H.name == HEAD)).one_or_none()
        return (0, GENESIS) if row is None else (int(row.position), row.hash)

    def append(self, entry: AuditEntry) -> None:
        """Add an entry. Raises: Conflict when it does not follow the head."""
        if self.head() != (entry.position - 1, entry.previous_hash):
            raise Conflict("another change came first; look again and repeat this one")
        self._db.execute(insert(t.audit_entries).values(**rows.entry_columns(entry)))
        put(self._db, t.audit_heads, (H.name, HEAD), {"position": entry.position, "hash": entry.hash}, {})

    def entries(self, *, after: int = 0, limit: int | None = None) -> list[AuditEntry]:
        """Return entries behind a position."""
        query = select(t.audit_entries).where(E.position > after).order_by(E.position).limit(limit)
        return [rows.entry(row) for row in self._db.execute(query)]

    def of_objects(
        self, *, offset: int, limit: int, object_id: str | None = None, schemas: Sequence[Schema] = ()
    ) -> Page[AuditEntry]:
        """List newest first."""
        query = select(t.audit_entries).order_by(E.position.desc())
        if schemas:
            query = query.where(E.schema_name.in_([one.value for one in schemas]))
        if object_id is not None:
            query = query.where(E.object_id == object_id)
        return page_of(self._db, query, rows.entry, offset=offset, limit=limit)

    def hide_subject(self, subject: str) -> int:
        """Take a name out; return of how many entries."""
        hidden = update(t.audit_entries).where(E.subject == subject).values(subject=None, salt=None)
        return int(self._db.execute(hidden).rowcount)

    def last_batch(self) -> AuditBatch | None:
        """Return the newest."""
        row = self._db.execute(select(t.audit_batches).order_by(B.number.desc()).limit(1)).one_or_none()
        return None if row is None else rows.batch(row)

    def add_batch(self, batch: AuditBatch) -> None:
        """Add one. Raises: Conflict when there is one of this number."""
        take(self._db, AUDIT, HEAD)
        if self._db.execute(select(B.number).where(B.number == batch.number)).scalar() is not None:
            raise Conflict("another batch was signed meanwhile")
        self._db.execute(
            insert(t.audit_batches).values(
                number=batch.number,
                first=batch.first,
                last=batch.last,
                head=batch.head,
                signed_at=batch.signed_at,
                jws=batch.jws,
            )
        )

    def batches(self) -> list[AuditBatch]:
        """Return all, oldest first."""
        return [rows.batch(row) for row in self._db.execute(select(t.audit_batches).order_by(B.number))]
