"""Events and deliveries of Pub/Sub in SQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Row, Select, and_, delete, exists, func, insert, or_, select, tuple_, update

from jibu.adapters.store import pubsub_tables as t
from jibu.adapters.store.pubsub_rooms import PENDING, SUBSCRIBES, SqlRooms, subscription_of
from jibu.adapters.store.turns import ROOM, take
from jibu.domain.errors import NotFound
from jibu.domain.pubsub import Delivery, DeliveryStatus, Due, Mode, Published, Subscription

R = t.rooms.c
S = t.subscriptions.c
E = t.events.c
D = t.deliveries.c
M = t.members.c


class SqlPubSub(SqlRooms):
    """See ``jibu.ports.PubSubRecords``."""

    def publish(self, event: Published) -> Published:
        """Store an event under the next sequence of its room. Raises: NotFound (room)."""
        take(self._db, ROOM, event.room_id)
        counted = update(t.rooms).where(R.room_id == event.room_id).values(sequence=R.sequence + 1)
        if not self._db.execute(counted).rowcount:
            raise NotFound(f"no room {event.room_id!r}")
        sequence = self._db.execute(select(R.sequence).where(R.room_id == event.room_id)).scalar_one()
        event = replace(event, sequence=int(sequence))
        self._db.execute(
            insert(t.events).values(
                event_id=event.event_id,
                room_id=event.room_id,
                event_type=event.event_type,
                sequence=event.sequence,
                publisher=event.publisher,
                body=event.body,
                sha256=event.sha256,
                published_at=event.published_at,
            )
        )
        return event

    def event(self, event_id: str) -> Published:
        """Return one. Raises: NotFound."""
        row = self._db.execute(select(t.events).where(E.event_id == event_id)).one_or_none()
        if row is None:
            raise NotFound("no such event")
        return _event(row)

    def stop(self, event_id: str, *, at: datetime) -> None:
        """End an event: what is not delivered yet never will be. Raises: NotFound."""
        take(self._db, ROOM, self.event(event_id).room_id)
        once = (E.event_id == event_id, E.stopped_at.is_(None))
        self._db.execute(update(t.events).where(*once).values(stopped_at=at))
        waiting = update(t.deliveries).where(D.event_id == event_id, PENDING)
        self._db.execute(waiting.values(status=DeliveryStatus.STOPPED.value))

    def behind(self, *, limit: int) -> list[str]:
        """Return rooms with events whose deliveries are not made yet."""
        query = select(R.room_id).where(R.sequence > R.fanned_out).order_by(R.room_id).limit(limit)
        return [row.room_id for row in self._db.execute(query)]

    def fan_out(self, room_id: str, *, at: datetime, limit: int) -> int:
        """Make the deliveries of the room's next events, in order. Raises: NotFound (room)."""
        take(self._db, ROOM, room_id)
        done = self._db.execute(select(R.fanned_out).where(R.room_id == room_id)).scalar()
        if done is None:
            raise NotFound(f"no room {room_id!r}")
        query = select(t.events).where(E.room_id == room_id, E.sequence > done).order_by(E.sequence)
        events = [_event(row) for row in self._db.execute(query.limit(limit))]
        if not events:
            return 0
        if new := self._new(room_id, [event for event in events if event.stopped_at is None], at):
            self._db.execute(insert(t.deliveries), new)
        moved = update(t.rooms).where(R.room_id == room_id)
        self._db.execute(moved.values(fanned_out=events[-1].sequence))
        return len(events)

    def _new(self, room_id: str, events: list[Published], at: datetime) -> list[dict[str, Any]]:
        types = {event.event_type for event in events}
        query = select(t.subscriptions).where(S.room_id == room_id, S.event_type.in_(types), SUBSCRIBES)
        found = [subscription_of(row) for row in self._db.execute(query)]
        return [
            _new(event, one, at)
            for event in events
            for one in found
            if one.event_type == event.event_type and one.after < event.sequence
        ]

    def deliveries(self, event_id: str) -> list[Delivery]:
        """Return how far an event is for each subscription, by subscriber."""
        query = _joined().where(D.event_id == event_id).order_by(S.subscriber, D.subscription_id)
        return [_delivery(row) for row in self._db.execute(query)]

    def next(self, subscription: Subscription, *, at: datetime) -> Published | None:
        """Return the oldest event that is neither confirmed nor out of time."""
        query = (
            select(t.events)
            .join(t.deliveries, D.event_id == E.event_id)
            .where(_open(subscription), _unsorted(D.expires_at) > at)
            .order_by(D.sequence)
            .limit(1)
        )
        row = self._db.execute(query).one_or_none()
        return None if row is None else _event(row)

    def waiting(self, subscription: Subscription, *, at: datetime, limit: int) -> list[Delivery]:
        """Return what may be attempted now, oldest first."""
        query = _joined().where(_open(subscription), _unsorted(D.expires_at) > at).order_by(D.sequence)
        if subscription.fifo:
            found = [_delivery(row) for row in self._db.execute(query.limit(limit))]
            return found if found and found[0].due_at <= at else []
        return [
            _delivery(row) for row in self._db.execute(query.where(_unsorted(D.due_at) <= at).limit(limit))
        ]

    def to_push(self, holder: str, *, at: datetime, after: str, limit: int) -> list[Due]:
        """Return PUSH subscriptions for which something may be attempted now, by id."""
        mine = select(D.due_at).where(D.subscription_id == S.subscription_id, PENDING, D.expires_at > at)
        head = mine.order_by(D.sequence).limit(1).scalar_subquery()
        some = mine.where(D.due_at <= at).exists()
        query = select(S.subscription_id, S.rests_until).where(
            S.mode == Mode.PUSH.value,
            S.subscription_id > after,
            or_(S.rests_until.is_(None), S.rests_until <= at),
            _free(holder, at),
            or_(and_(S.fifo.is_(True), head <= at), and_(S.fifo.is_(False), some)),
        )
        rows = self._db.execute(query.order_by(S.subscription_id).limit(limit))
        return [Due(row.subscription_id, row.rests_until is not None) for row in rows]

    def lease(self, subscription_id: str, holder: str, *, at: datetime, lease_s: float) -> bool:
        """Take, prolong or give up the right to push."""
        which = update(t.subscriptions).where(S.subscription_id == subscription_id, _free(holder, at))
        leased = which.values(holder=holder, held_until=at + timedelta(seconds=lease_s))
        return bool(self._db.execute(leased).rowcount)

    def push_url(self, subscription: Subscription) -> str | None:
        """Return where to push to."""
        query = select(M.push_url).where(
            M.room_id == subscription.room_id, M.client == subscription.subscriber, M.subscribes.is_(True)
        )
        return self._db.execute(query).scalar()

    def confirm(self, subscription: Subscription, event_id: str) -> None:
        """Mark as delivered. Raises: NotFound."""
        place = select(E.sequence).where(E.event_id == event_id).scalar_subquery()
        done = update(t.deliveries).where(*_at(subscription.subscription_id, place), D.event_id == event_id)
        values = {"status": DeliveryStatus.DELIVERED.value, "error": None, "attempts": D.attempts + 1}
        if not self._db.execute(done.values(**values)).rowcount:
            raise NotFound("this event does not wait for this subscription")

    def failed(self, delivery: Delivery, *, error: str, due_at: datetime) -> None:
        """Record an attempt that failed and when the next one may be."""
        which = _at(delivery.subscription_id, delivery.sequence)
        values = {"attempts": D.attempts + 1, "error": error, "due_at": due_at}
        self._db.execute(update(t.deliveries).where(*which).values(**values))

    def rest(self, subscription: Subscription, *, until: datetime | None) -> None:
        """Push nothing for this subscription before then."""
        which = update(t.subscriptions).where(S.subscription_id == subscription.subscription_id)
        if until is None:
            which = which.where(S.rests_until.is_not(None))  # mostly there is nothing to write
        self._db.execute(which.values(rests_until=until))

    def expire(self, *, at: datetime, limit: int) -> int:
        """Park what is out of time."""
        late = select(D.subscription_id, D.sequence).where(PENDING, D.expires_at <= at).limit(limit)
        which = tuple_(D.subscription_id, D.sequence).in_(late.with_for_update(skip_locked=True))
        parked = update(t.deliveries).where(which).values(status=DeliveryStatus.PARKED.value)
        return self._db.execute(parked).rowcount

    def forget(self, *, before: datetime) -> int:
        """Remove old events that were fanned out and for which nothing is pending; return how many."""
        waits = exists().where(D.event_id == E.event_id, PENDING)
        made = exists().where(R.room_id == E.room_id, R.fanned_out >= E.sequence)
        old = select(E.event_id).where(E.published_at < before, made, ~waits)
        ids = [row.event_id for row in self._db.execute(old.limit(1000))]
        self._db.execute(delete(t.deliveries).where(D.event_id.in_(ids)))
        return self._db.execute(delete(t.events).where(E.event_id.in_(ids))).rowcount


def _free(holder: str, at: datetime) -> Any:
    return or_(S.held_until.is_(None), S.held_until <= at, S.holder == holder)


def _unsorted(column: Column[Any]) -> Any:
    """Hide a column's indexes from the planner, which else may go through all that waits for a subscription."""
    return func.coalesce(column, column)


def _at(subscription_id: str, sequence: Any) -> tuple[Any, ...]:
    """Find one delivery by its place, if it is pending."""
    pending = _unsorted(D.status) == DeliveryStatus.PENDING.value
    return (D.subscription_id == subscription_id, D.sequence == sequence, pending)


def _open(subscription: Subscription) -> Any:
    return and_(D.subscription_id == subscription.subscription_id, PENDING)


def _joined() -> Select[Any]:
    return select(t.deliveries, S.subscriber).join(t.subscriptions, S.subscription_id == D.subscription_id)


def _new(event: Published, subscription: Subscription, at: datetime) -> dict[str, Any]:
    return {
        "subscription_id": subscription.subscription_id,
        "sequence": event.sequence,
        "event_id": event.event_id,
        "status": DeliveryStatus.PENDING.value,
        "attempts": 0,
        "due_at": at,
        "expires_at": event.published_at + timedelta(seconds=subscription.ttl_s),
    }


def _event(row: Row[Any]) -> Published:
    return Published(
        event_id=row.event_id,
        room_id=row.room_id,
        event_type=row.event_type,
        sequence=row.sequence,
        publisher=row.publisher,
        body=row.body,
        sha256=row.sha256,
        published_at=row.published_at,
        stopped_at=row.stopped_at,
    )


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        event_id=row.event_id,
        subscription_id=row.subscription_id,
        subscriber=row.subscriber,
        sequence=row.sequence,
        status=DeliveryStatus(row.status),
        attempts=row.attempts,
        due_at=row.due_at,
        expires_at=row.expires_at,
        error=row.error,
    )
