"""Policies, data agreements and revisions in SQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, exists, insert, select, update

from jibu.adapters.store import consent_rows as rows
from jibu.adapters.store import consent_tables as t
from jibu.adapters.store.paging import page_of, put
from jibu.adapters.store.turns import AGREEMENT, POLICY, take
from jibu.domain.consent.values import Agreement, Policy, Revision, Schema
from jibu.domain.errors import Conflict, NotFound
from jibu.ports import Page

A, P, V = t.agreements.c, t.policies.c, t.revisions.c


class SqlAgreements:
    """See ``jibu.ports.AgreementRecords``."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def policy(self, policy_id: str) -> Policy:
        """Return one. Raises: NotFound."""
        take(self._db, POLICY, policy_id)
        row = self._db.execute(select(t.policies).where(P.policy_id == policy_id)).one_or_none()
        if row is None:
            raise NotFound("no such policy")
        return rows.policy(row)

    def put_policy(self, policy: Policy, *, at: datetime) -> None:
        """Create or replace."""
        take(self._db, POLICY, policy.policy_id)
        put(
            self._db,
            t.policies,
            (P.policy_id, policy.policy_id),
            {"body": rows.body(policy)},
            {"created_at": at},
        )

    def delete_policy(self, policy_id: str) -> None:
        """Remove one. Raises: NotFound."""
        take(self._db, POLICY, policy_id)
        if not self._db.execute(delete(t.policies).where(P.policy_id == policy_id)).rowcount:
            raise NotFound("no such policy")

    def policies(self, *, offset: int, limit: int) -> Page[Policy]:
        """List in order of creation."""
        query = select(t.policies).order_by(P.created_at, P.policy_id)
        return page_of(self._db, query, rows.policy, offset=offset, limit=limit)

    def using(self, policy_id: str) -> list[str]:
        """Return ids of agreements that are not terminated and refer to it."""
        where = (A.policy_id == policy_id, A.terminated.is_(False))
        return list(self._db.execute(select(A.agreement_id).where(*where).order_by(A.agreement_id)).scalars())

    def agreement(self, agreement_id: str) -> Agreement:
        """Return one. Raises: NotFound."""
        take(self._db, AGREEMENT, agreement_id)
        row = self._db.execute(select(t.agreements).where(A.agreement_id == agreement_id)).one_or_none()
        if row is None:
            raise NotFound("no such data agreement")
        return rows.agreement(row)

    def put_agreement(self, agreement: Agreement, *, accepts: Sequence[str], at: datetime) -> None:
        """Create or replace."""
        mine = agreement.agreement_id
        take(self._db, AGREEMENT, mine)
        put(
            self._db,
            t.agreements,
            (A.agreement_id, mine),
            rows.agreement_columns(agreement),
            {"created_at": at},
        )
        self._db.execute(delete(t.accepts).where(t.accepts.c.agreement_id == mine))
        for revision_id in dict.fromkeys(accepts):
            self._db.execute(insert(t.accepts).values(agreement_id=mine, revision_id=revision_id))

    def accepts(self, agreement_id: str) -> tuple[str, ...]:
        """Return the ids of the revisions whose records hold under it."""
        query = select(t.accepts.c.revision_id).where(t.accepts.c.agreement_id == agreement_id)
        return tuple(self._db.execute(query.order_by(t.accepts.c.revision_id)).scalars())

    def delete_agreement(self, agreement_id: str) -> None:
        """Remove one. Raises: NotFound; Conflict where there are records for it."""
        take(self._db, AGREEMENT, agreement_id)
        if self.has_records(agreement_id):
            raise Conflict("there are consent records for this agreement")
        self._db.execute(delete(t.accepts).where(t.accepts.c.agreement_id == agreement_id))
        if not self._db.execute(delete(t.agreements).where(A.agreement_id == agreement_id)).rowcount:
            raise NotFound("no such data agreement")

    def has_records(self, agreement_id: str) -> bool:
        """Tell whether there is any record for it."""
        there = exists().where(t.records.c.agreement_id == agreement_id)
        return bool(self._db.execute(select(there)).scalar())

    def agreements(
        self, *, offset: int, limit: int, active: bool | None = None, terminated: bool | None = None
    ) -> Page[Agreement]:
        """List in order of creation."""
        query = select(t.agreements).order_by(A.created_at, A.agreement_id)
        if active is not None:
            query = query.where(A.active.is_(active))
        if terminated is not None:
            query = query.where(A.terminated.is_(terminated))
        return page_of(self._db, query, rows.agreement, offset=offset, limit=limit)


class SqlRevisions:
    """See ``jibu.ports.RevisionRecords``."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def append(self, revision: Revision) -> None:
        """Add to its object's chain. Raises: Conflict where another came first."""
        latest = self.latest(revision.schema, revision.object_id)
        expected = (1, None) if latest is None else (latest.number + 1, latest.hash)
        if (revision.number, revision.predecessor_hash) != expected:
            raise Conflict("another change came first; look again and repeat this one")
        self._db.execute(insert(t.revisions).values(**rows.revision_columns(revision)))
        if latest is not None:
            named = update(t.revisions).where(V.revision_id == latest.revision_id)
            self._db.execute(named.values(successor_id=revision.revision_id))

    def get(self, revision_id: str) -> Revision:
        """Return one. Raises: NotFound."""
        row = self._db.execute(select(t.revisions).where(V.revision_id == revision_id)).one_or_none()
        if row is None:
            raise NotFound("no such revision")
        return rows.revision(row)

    def latest(self, schema: Schema, object_id: str) -> Revision | None:
        """Return the newest of an object."""
        query = _chain(schema, object_id).order_by(None).order_by(V.number.desc()).limit(1)
        row = self._db.execute(query).one_or_none()
        return None if row is None else rows.revision(row)

    def of(
        self, schema: Schema, object_id: str, *, offset: int = 0, limit: int | None = None
    ) -> Page[Revision]:
        """List an object's, oldest first."""
        return page_of(self._db, _chain(schema, object_id), rows.revision, offset=offset, limit=limit)

    def forget(self, schema: Schema, object_id: str) -> int:
        """Remove an object's; return how many."""
        where = (V.schema_name == schema.value, V.object_id == object_id)
        return int(self._db.execute(delete(t.revisions).where(*where)).rowcount)

    def all(self) -> Iterator[Revision]:
        """Yield every one."""
        query = select(t.revisions).order_by(V.schema_name, V.object_id, V.number)
        for row in self._db.execute(query.execution_options(yield_per=500)):
            yield rows.revision(row)


def _chain(schema: Schema, object_id: str) -> Any:
    where = (V.schema_name == schema.value, V.object_id == object_id)
    return select(t.revisions).where(*where).order_by(V.number)
