"""The message log in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    bindparam,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from jibu.adapters.store import mediator_tables as t
from jibu.adapters.store.mediator_codec import (
    batch_of,
    batch_values,
    exchange_of,
    exchange_values,
    logged_of,
)
from jibu.adapters.store.turns import take
from jibu.domain.errors import Conflict, NotFound
from jibu.domain.exchanges import Batch, Exchange, ExchangeFilter, LoggedExchange, Traffic
from jibu.ports.documents import Page

X = t.messages.c
B = t.batches.c
CHAIN = "mediator-chain"
FAILED_FROM = 500


class SqlExchanges:
    """See ``jibu.ports.mediation.ExchangeRecords``."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def add(self, exchanges: Sequence[Exchange]) -> None:
        """Append; no turn is taken, so that appends do not wait for each other."""
        if exchanges:
            self._db.execute(insert(t.messages), [exchange_values(one) for one in exchanges])

    def page(self, wanted: ExchangeFilter, *, offset: int, limit: int) -> Page[LoggedExchange]:
        """List exchanges, newest first."""
        where = _where(wanted)
        total = self._db.execute(select(func.count()).select_from(t.messages).where(*where)).scalar_one()
        query = select(t.messages).where(*where).order_by(X.started_at.desc(), X.position.desc())
        rows = self._db.execute(query.offset(offset).limit(limit))
        return Page(tuple(map(logged_of, rows)), int(total))

    def get(self, message_id: str) -> LoggedExchange:
        """Return one. Raises: NotFound."""
        row = self._db.execute(select(t.messages).where(X.message_id == message_id)).one_or_none()
        if row is None:
            raise NotFound(f"no message {message_id!r}")
        return logged_of(row)

    def waiting(self, *, limit: int) -> list[Exchange]:
        """Return exchanges that are in no batch yet."""
        take(self._db, CHAIN)
        query = select(t.messages).where(X.batch.is_(None)).order_by(X.position).limit(limit)
        return [exchange_of(row) for row in self._db.execute(query)]

    def seal(self, batch: Batch, links: Sequence[tuple[str, int, str]]) -> None:
        """Keep a signed batch and the links of its exchanges. Raises: Conflict."""
        take(self._db, CHAIN)
        if self._db.execute(select(B.number).where(B.number == batch.number)).scalar() is not None:
            raise Conflict(f"batch {batch.number} exists already")
        self._db.execute(insert(t.batches).values(**batch_values(batch)))
        row = update(t.messages).where(X.message_id == bindparam("of"), X.batch.is_(None))
        row = row.values(sequence=bindparam("place"), chain_sha256=bindparam("link"), batch=batch.number)
        self._db.execute(row, [{"of": of, "place": place, "link": link} for of, place, link in links])
        found = self._db.execute(select(func.count()).where(X.batch == batch.number)).scalar_one()
        if found != len(links):
            raise Conflict("an exchange is in a batch already")

    def batches(self, *, offset: int, limit: int, newest_first: bool = False) -> Page[Batch]:
        """List batches by number."""
        total = self._db.execute(select(func.count()).select_from(t.batches)).scalar_one()
        query = select(t.batches).order_by(B.number.desc() if newest_first else B.number)
        return Page(tuple(map(batch_of, self._db.execute(query.offset(offset).limit(limit)))), int(total))

    def batch(self, number: int) -> Batch:
        """Return one. Raises: NotFound."""
        row = self._db.execute(select(t.batches).where(B.number == number)).one_or_none()
        if row is None:
            raise NotFound(f"no batch {number}")
        return batch_of(row)

    def of_batch(self, number: int) -> list[LoggedExchange]:
        """Return a batch's exchanges in order."""
        query = select(t.messages).where(X.batch == number).order_by(X.sequence)
        return [logged_of(row) for row in self._db.execute(query)]

    def count(self) -> tuple[int, int]:
        """Return how many exchanges there are, and how many wait."""
        total, sealed = self._db.execute(select(func.count(), func.count(X.batch))).one()
        return int(total), int(total - sealed)

    def old(self, *, before: datetime, limit: int) -> list[Batch]:
        """Return batches whose exchanges are there and were signed before this, oldest first."""
        take(self._db, CHAIN)
        query = select(t.batches).where(B.signed_at < before, B.dropped_at.is_(None))
        return [batch_of(row) for row in self._db.execute(query.order_by(B.number).limit(limit))]

    def drop(self, batch: Batch) -> int:
        """Remove a batch's exchanges."""
        take(self._db, CHAIN)
        dropped = self._db.execute(delete(t.messages).where(X.batch == batch.number)).rowcount
        values = {"dropped_at": batch.dropped_at, "drop_token": batch.drop_token}
        self._db.execute(update(t.batches).where(B.number == batch.number).values(**values))
        return int(dropped)

    def traffic(
        self, by: Literal["service", "client"], wanted: ExchangeFilter, *, offset: int, limit: int
    ) -> Page[Traffic]:
        """Return figures for each service or client."""
        keys = (X.provider, X.service) if by == "service" else (X.consumer,)
        where = _where(wanted)
        groups = select(*keys).where(*where).group_by(*keys)
        total = self._db.execute(select(func.count()).select_from(groups.subquery())).scalar_one()
        query = select(*keys, *_SUMS).where(*where).group_by(*keys).order_by(*keys)
        rows = self._db.execute(query.offset(offset).limit(limit)).all()
        found = []
        for row in rows:
            name, sums = row[: len(keys)], row[len(keys) :]
            these = [*where, *(key == value for key, value in zip(keys, name, strict=True))]
            p50, p95, p99 = (self._percentile(these, sums[0], share) for share in (0.50, 0.95, 0.99))
            count, failed, sent, received, slowest = map(int, sums)
            found.append(Traffic("/".join(name), count, failed, sent, received, p50, p95, p99, slowest))
        return Page(tuple(found), int(total))

    def _percentile(self, where: list[ColumnElement[bool]], count: int, share: float) -> int:
        """Return the least duration that this share of exchanges did not exceed."""
        rank = max(0, -int(-count * share // 1) - 1)
        query: Select[Any] = select(X.duration_ms).where(*where).order_by(X.duration_ms)
        return int(self._db.execute(query.offset(rank).limit(1)).scalar_one())


_SUMS = (
    func.count(),
    func.sum(case((X.status >= FAILED_FROM, 1), (X.status == 0, 1), else_=0)),
    func.sum(X.request_bytes),
    func.sum(X.response_bytes),
    func.max(X.duration_ms),
)


def _where(wanted: ExchangeFilter) -> list[ColumnElement[bool]]:
    found = [
        column == value
        for column, value in (
            (X.consumer, wanted.consumer),
            (X.provider, wanted.provider),
            (X.service, wanted.service),
            (X.request_id, wanted.request_id),
            (X.outcome, wanted.outcome),
        )
        if value is not None
    ]
    if wanted.party is not None:
        found.append(or_(X.consumer == wanted.party, X.provider == wanted.party))
    if wanted.since is not None:
        found.append(X.started_at >= wanted.since)
    if wanted.until is not None:
        found.append(X.started_at < wanted.until)
    return found
