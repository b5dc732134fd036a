"""Individuals, consent records and signatures in SQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, exists, insert, or_, select

from jibu.adapters.store import consent_rows as rows
from jibu.adapters.store import consent_tables as t
from jibu.adapters.store.paging import page_of, put
from jibu.adapters.store.turns import INDIVIDUAL, PERSON, RECORD, take
from jibu.domain.consent.values import ConsentRecord, Individual, RecordState, Signature
from jibu.domain.errors import Conflict, NotFound
from jibu.ports import Page

A, N, R, S = t.agreements.c, t.individuals.c, t.records.c, t.signatures.c
_SIGNED = or_(R.state == RecordState.SIGNED.value, A.signature_required.is_(False))
GOVERNING = (
    select(A.agreement_id)
    .where(
        A.agreement_id == R.agreement_id,
        A.active.is_(True),
        A.terminated.is_(False),
        R.current.is_(True),
        R.opt_in.is_(True),
        _SIGNED,
        t.accepts.c.agreement_id == R.agreement_id,
        t.accepts.c.revision_id == R.agreement_revision_id,
    )
    .correlate(t.records)
    .exists()
)
"""A record under which data may be used now. The one place that says so."""


class SqlConsent:
    """See ``jibu.ports.ConsentRecords``."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def governs(self, individual_id: str, agreement_id: str, at: datetime) -> bool:
        """Tell whether consent holds."""
        take(self._db, PERSON, individual_id)
        mine = and_(R.individual_id == individual_id, R.agreement_id == agreement_id, R.given_at <= at)
        return bool(self._db.execute(select(exists().where(mine, GOVERNING))).scalar())

    # --- individuals ---

    def individual(self, individual_id: str) -> Individual:
        """Return one. Raises: NotFound."""
        take(self._db, INDIVIDUAL, individual_id)
        row = self._db.execute(select(t.individuals).where(N.individual_id == individual_id)).one_or_none()
        if row is None:
            raise NotFound("no such individual")
        return rows.individual(row)

    def put_individual(self, individual: Individual, *, at: datetime) -> None:
        """Create or replace."""
        take(self._db, INDIVIDUAL, individual.individual_id)
        key = (N.individual_id, individual.individual_id)
        put(self._db, t.individuals, key, rows.individual_columns(individual), {"created_at": at})

    def delete_individual(self, individual_id: str) -> None:
        """Remove one. Raises: NotFound."""
        take(self._db, INDIVIDUAL, individual_id)
        if not self._db.execute(delete(t.individuals).where(N.individual_id == individual_id)).rowcount:
            raise NotFound("no such individual")

    def individuals(self, *, offset: int, limit: int) -> Page[Individual]:
        """List in order of creation."""
        query = select(t.individuals).order_by(N.created_at, N.individual_id)
        return page_of(self._db, query, rows.individual, offset=offset, limit=limit)

    # --- records ---

    def record(self, record_id: str) -> ConsentRecord:
        """Return one. Raises: NotFound."""
        take(self._db, RECORD, record_id)
        row = self._db.execute(select(t.records).where(R.record_id == record_id)).one_or_none()
        if row is None:
            raise NotFound("no such consent record")
        return rows.record(row)

    def put_record(self, record: ConsentRecord, *, at: datetime) -> None:
        """Create or replace. Raises: Conflict where there is another one for the same revision."""
        take(self._db, RECORD, record.record_id)
        same = and_(
            R.individual_id == record.individual_id,
            R.agreement_revision_id == record.agreement_revision_id,
            R.record_id != record.record_id,
        )
        if self._db.execute(select(exists().where(same))).scalar():
            raise Conflict("this individual has a consent record for this revision of the agreement already")
        columns = rows.record_columns(record)
        put(self._db, t.records, (R.record_id, columns.pop("record_id")), columns, {"created_at": at})

    def delete_record(self, record_id: str) -> None:
        """Remove one with its signatures. Raises: NotFound."""
        take(self._db, RECORD, record_id)
        self._db.execute(delete(t.signatures).where(S.record_id == record_id))
        if not self._db.execute(delete(t.records).where(R.record_id == record_id)).rowcount:
            raise NotFound("no such consent record")

    def records(
        self,
        *,
        offset: int,
        limit: int | None,
        individual_id: str | None = None,
        agreement_id: str | None = None,
        current: bool | None = None,
        governing: bool | None = None,
        newest_first: bool = False,
    ) -> Page[ConsentRecord]:
        """List those that match."""
        query = select(t.records)
        given: list[tuple[Any, str | bool | None]] = [
            (R.individual_id, individual_id),
            (R.agreement_id, agreement_id),
            (R.current, current),
        ]
        for column, wanted in given:
            if wanted is not None:
                query = query.where(column == wanted)
        if governing is not None:
            query = query.where(GOVERNING if governing else ~GOVERNING)
        order = (R.created_at, R.record_id)
        query = query.order_by(*(column.desc() for column in order) if newest_first else order)
        return page_of(self._db, query, rows.record, offset=offset, limit=limit)

    # --- signatures ---

    def signature(self, signature_id: str) -> Signature:
        """Return one. Raises: NotFound."""
        row = self._db.execute(select(t.signatures).where(S.signature_id == signature_id)).one_or_none()
        if row is None:
            raise NotFound("no such signature")
        return rows.signature(row)

    def put_signature(self, record_id: str, signature: Signature, *, at: datetime) -> None:
        """Create or replace one of a record."""
        take(self._db, RECORD, record_id)
        values = {"record_id": record_id, "body": rows.body(signature)}
        put(self._db, t.signatures, (S.signature_id, signature.signature_id), values, {"created_at": at})

    def signatures(self, record_id: str) -> list[Signature]:
        """Return all of a record, oldest first."""
        query = select(t.signatures).where(S.record_id == record_id).order_by(S.created_at, S.signature_id)
        return [rows.signature(row) for row in self._db.execute(query)]

    def use_signature(self, digest: str, *, at: datetime) -> bool:
        """Note that it was used; False when it had been before."""
        take(self._db, "signature", digest)
        where = t.used_signatures.c.digest == digest
        if self._db.execute(select(exists().where(where))).scalar():
            return False
        self._db.execute(insert(t.used_signatures).values(digest=digest, used_at=at))
        return True
