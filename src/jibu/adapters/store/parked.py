"""What waits for an operator, in SQL: one shape for four tables."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, delete, func, literal, null, or_, select, update

from jibu.adapters.store import consent_tables as c
from jibu.adapters.store import pubsub_tables as p
from jibu.adapters.store import tables as t
from jibu.adapters.store.outbox import SqlOutbox
from jibu.adapters.store.paging import page_of
from jibu.adapters.store.turns import ROOM, take
from jibu.domain.errors import Conflict, NotFound
from jibu.domain.parked import Kind, Parked, Place
from jibu.domain.pubsub import DeliveryStatus
from jibu.ports.documents import Page

DROPPED = "dropped by an operator"
GONE = "nothing of this kind and id is parked"
SEPARATOR = "~"
PARKED = p.deliveries.c.status == DeliveryStatus.PARKED.value


class SqlParked:
    """See ``jibu.ports.ParkedRecords``."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def page(
        self, kind: Kind, *, key: str | None = None, after: Place | None = None, offset: int, limit: int
    ) -> Page[Parked]:
        """List those of a kind, oldest first."""
        found = QUERIES[kind]().subquery()
        query = select(found).order_by(found.c.at, found.c.item)
        if key is not None:
            query = query.where(found.c.key == key)
        if after is not None:
            at, item = after
            query = query.where(or_(found.c.at > at, and_(found.c.at == at, found.c.item > item)))
        return page_of(self._db, query, lambda row: _parked(kind, row), offset=offset, limit=limit)

    def get(self, kind: Kind, item_id: str) -> Parked:
        """Return one. Raises: NotFound."""
        found = QUERIES[kind]().subquery()
        row = self._db.execute(select(found).where(found.c.item == item_id)).one_or_none()
        if row is None:
            raise NotFound(GONE)
        return _parked(kind, row)

    def retry(self, kind: Kind, item_id: str, *, at: datetime) -> None:
        """Make it due at once. Raises: NotFound, Conflict."""
        if kind is Kind.EVENT:
            SqlOutbox(self._db).release(item_id)
        elif kind is Kind.PUSH:
            self._push_again(item_id, at)
        elif kind is Kind.WEBHOOK:
            w = c.deliveries.c
            again = update(c.deliveries).where(w.delivery_id == item_id, w.dead.is_(True))
            self._one(again.values(dead=False, attempts=0, next_at=None, error=None))
        else:
            self.get(kind, item_id)
            raise Conflict("what it said is not kept here: whoever sent it has to send it again")

    def drop(self, kind: Kind, item_id: str) -> None:
        """Give it up for good. Raises: NotFound."""
        if kind is Kind.EVENT:
            SqlOutbox(self._db).discard(item_id)
        elif kind is Kind.PUSH:
            ended = update(p.deliveries).where(_push(item_id))
            self._one(ended.values(status=DeliveryStatus.STOPPED.value, error=DROPPED))
        elif kind is Kind.WEBHOOK:
            w = c.deliveries.c
            self._one(delete(c.deliveries).where(w.delivery_id == item_id, w.dead.is_(True)))
        else:
            place = t.dead_letters.c.place
            self._one(delete(t.dead_letters).where(place == item_id.replace(SEPARATOR, "/")))

    def _push_again(self, item_id: str, at: datetime) -> None:
        d, s, e = p.deliveries.c, p.subscriptions.c, p.events.c
        room = select(e.room_id).where(_push(item_id), e.event_id == d.event_id)
        # Whoever stops the event is done, or will see that it waits.
        take(self._db, ROOM, self._db.execute(room).scalar())
        query = select(s.subscription_id, s.ttl_s, e.stopped_at).where(
            _push(item_id), s.subscription_id == d.subscription_id, e.event_id == d.event_id
        )
        row = self._db.execute(query).one_or_none()
        if row is None:
            raise NotFound(GONE)
        if row.stopped_at is not None:
            raise Conflict("its publisher has stopped this event")
        until = at + timedelta(seconds=row.ttl_s)
        again = {"attempts": 0, "error": None, "due_at": at, "expires_at": until}
        pending = DeliveryStatus.PENDING.value
        self._one(update(p.deliveries).where(_push(item_id)).values(**again, status=pending))
        awake = update(p.subscriptions).where(s.subscription_id == row.subscription_id)
        self._db.execute(awake.values(rests_until=None))

    def _one(self, change: Any) -> None:
        if not self._db.execute(change).rowcount:
            raise NotFound(GONE)


def _push(item_id: str) -> Any:
    """Return the condition for one parked delivery, named by its subscription and event."""
    subscription, _, event = item_id.partition(SEPARATOR)
    d = p.deliveries.c
    return and_(d.subscription_id == subscription, d.event_id == event, PARKED)


def _events() -> Select[Any]:
    e, h = t.events.c, t.event_holds.c
    later = t.events.alias("later")
    behind = select(func.count()).where(later.c.key == e.key, later.c.position > e.position)
    return select(
        e.event_id.label("item"),
        e.type.label("type"),
        e.key.label("key"),
        null().label("to"),
        h.attempts.label("attempts"),
        h.reason.label("reason"),
        e.time.label("at"),
        h.parked.label("parked"),
        behind.scalar_subquery().label("behind"),
        null().label("sha256"),
        null().label("body"),
    ).join_from(t.event_holds, t.events, e.event_id == h.event_id)


def _pushes() -> Select[Any]:
    d, s, e = p.deliveries.c, p.subscriptions.c, p.events.c
    return select(
        (d.subscription_id + SEPARATOR + d.event_id).label("item"),
        e.event_type.label("type"),
        e.room_id.label("key"),
        s.subscriber.label("to"),
        d.attempts.label("attempts"),
        func.coalesce(d.error, "nobody fetched it in time").label("reason"),
        e.published_at.label("at"),
        literal(value=True).label("parked"),
        literal(0).label("behind"),
        e.sha256.label("sha256"),
        null().label("body"),
    ).where(PARKED, s.subscription_id == d.subscription_id, e.event_id == d.event_id)


def _webhooks() -> Select[Any]:
    w = c.deliveries.c
    return select(
        w.delivery_id.label("item"),
        null().label("type"),
        w.webhook_id.label("key"),
        null().label("to"),
        w.attempts.label("attempts"),
        func.coalesce(w.error, "").label("reason"),
        w.created_at.label("at"),
        literal(value=True).label("parked"),
        literal(0).label("behind"),
        null().label("sha256"),
        w.body.label("body"),
    ).where(w.dead.is_(True))


def _messages() -> Select[Any]:
    m = t.dead_letters.c
    return select(
        func.replace(m.place, "/", SEPARATOR).label("item"),
        null().label("type"),
        m.place.label("key"),
        null().label("to"),
        literal(0).label("attempts"),
        m.reason.label("reason"),
        m.buried_at.label("at"),
        literal(value=True).label("parked"),
        literal(0).label("behind"),
        m.sha256.label("sha256"),
        null().label("body"),
    )


QUERIES: dict[Kind, Callable[[], Select[Any]]] = {
    Kind.EVENT: _events,
    Kind.PUSH: _pushes,
    Kind.WEBHOOK: _webhooks,
    Kind.MESSAGE: _messages,
}


def _parked(kind: Kind, row: Row[Any]) -> Parked:
    digest = row.sha256 if row.body is None else hashlib.sha256(row.body.encode()).hexdigest()
    return Parked(
        kind=kind,
        item_id=row.item,
        type=row.type,
        key=row.key,
        to=row.to,
        attempts=row.attempts,
        reason=row.reason,
        at=row.at,
        waits=not row.parked,
        behind=row.behind,
        sha256=digest,
    )
