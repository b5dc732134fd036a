"""Rooms, event types and subscriptions of Pub/Sub in SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, delete, exists, func, insert, or_, select, update

from jibu.adapters.store import pubsub_tables as t
from jibu.adapters.store.turns import ROOM, take
from jibu.domain.errors import Conflict, NotFound
from jibu.domain.pubsub import Backoff, DeliveryStatus, EventType, Mode, Room, Subscriber, Subscription
from jibu.ports.documents import Page

R = t.rooms.c
M = t.members.c
T = t.types.c
S = t.subscriptions.c
E = t.events.c
D = t.deliveries.c
PENDING = D.status == DeliveryStatus.PENDING.value
SUBSCRIBES = exists().where(M.room_id == S.room_id, M.client == S.subscriber, M.subscribes.is_(True))
"""The client of a subscription is (still) a subscriber of the room."""
GONE = "no subscriber of the room any more"


class SqlRooms:
    """The half of ``jibu.ports.PubSubRecords`` that is about who and what; ``SqlPubSub`` adds events."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def put_room(self, room: Room) -> bool:
        """Create or replace; return True when it is new."""
        take(self._db, ROOM, room.room_id)
        values = {"title": room.title, "manager": room.manager}
        old = self._db.execute(update(t.rooms).where(R.room_id == room.room_id).values(**values)).rowcount
        if not old:
            new = values | {
                "room_id": room.room_id,
                "sequence": 0,
                "fanned_out": 0,
                "created_at": room.created_at,
            }
            self._db.execute(insert(t.rooms).values(**new))
        self._db.execute(delete(t.members).where(M.room_id == room.room_id))
        if members := _members(room):
            self._db.execute(insert(t.members), members)
        self._settle_members(room.room_id)
        return not old

    def _settle_members(self, room_id: str) -> None:
        """Stop what waits for clients that are no subscribers any more; try those again that rested."""
        self._db.execute(update(t.subscriptions).where(S.room_id == room_id).values(rests_until=None))
        gone = select(S.subscription_id).where(S.room_id == room_id, ~SUBSCRIBES)
        waiting = update(t.deliveries).where(PENDING, D.subscription_id.in_(gone))
        self._db.execute(waiting.values(status=DeliveryStatus.STOPPED.value, error=GONE))

    def room(self, room_id: str) -> Room:
        """Return one. Raises: NotFound."""
        row = self._db.execute(select(t.rooms).where(R.room_id == room_id)).one_or_none()
        if row is None:
            raise NotFound(f"no room {room_id!r}")
        return self._room(row)

    def rooms(self, *, client: str | None, offset: int, limit: int) -> Page[Room]:
        """List rooms by id."""
        part = exists().where(M.room_id == R.room_id, M.client == client)
        which = [] if client is None else [or_(R.manager == client, part)]
        total = self._db.execute(select(func.count()).select_from(t.rooms).where(*which)).scalar_one()
        rows = self._db.execute(
            select(t.rooms).where(*which).order_by(R.room_id).offset(offset).limit(limit)
        ).all()
        return Page(tuple(self._room(row) for row in rows), int(total))

    def _room(self, row: Row[Any]) -> Room:
        query = select(t.members).where(M.room_id == row.room_id).order_by(M.client)
        members = self._db.execute(query).all()
        return Room(
            room_id=row.room_id,
            title=row.title,
            manager=row.manager,
            publishers=tuple(m.client for m in members if m.publishes),
            subscribers=tuple(Subscriber(m.client, m.push_url) for m in members if m.subscribes),
            created_at=row.created_at,
        )

    def delete_room(self, room_id: str) -> None:
        """Remove one. Raises: NotFound; Conflict while it has event types."""
        take(self._db, ROOM, room_id)
        self.room(room_id)
        if self._db.execute(select(exists().where(T.room_id == room_id))).scalar():
            raise Conflict("the room still has event types")
        self._db.execute(delete(t.members).where(M.room_id == room_id))
        self._db.execute(delete(t.rooms).where(R.room_id == room_id))

    def add_type(self, event_type: EventType) -> None:
        """Raises: NotFound (room), Conflict when the room has one of this name."""
        take(self._db, ROOM, event_type.room_id)
        self.room(event_type.room_id)
        where = (T.room_id == event_type.room_id, T.name == event_type.name)
        if self._db.execute(select(exists().where(*where))).scalar():
            raise Conflict(f"the room has an event type {event_type.name!r} already")
        self._db.execute(
            insert(t.types).values(
                room_id=event_type.room_id,
                name=event_type.name,
                schema=event_type.schema,
                created_at=event_type.created_at,
            )
        )

    def type(self, room_id: str, name: str) -> EventType:
        """Return one. Raises: NotFound."""
        row = self._db.execute(select(t.types).where(T.room_id == room_id, T.name == name)).one_or_none()
        if row is None:
            raise NotFound(f"no event type {name!r} in this room")
        return EventType(row.room_id, row.name, row.schema, row.created_at)

    def types(self, room_id: str) -> list[EventType]:
        """Return a room's event types, by name."""
        rows = self._db.execute(select(t.types).where(T.room_id == room_id).order_by(T.name))
        return [EventType(row.room_id, row.name, row.schema, row.created_at) for row in rows]

    def delete_type(self, room_id: str, name: str) -> None:
        """Remove an event type with all that hangs on it. Raises: NotFound."""
        take(self._db, ROOM, room_id)
        self.type(room_id, name)
        events = (E.room_id == room_id, E.event_type == name)
        self._db.execute(delete(t.deliveries).where(D.event_id.in_(select(E.event_id).where(*events))))
        self._db.execute(delete(t.events).where(*events))
        self._db.execute(delete(t.subscriptions).where(S.room_id == room_id, S.event_type == name))
        self._db.execute(delete(t.types).where(T.room_id == room_id, T.name == name))

    def add_subscription(self, subscription: Subscription) -> Subscription:
        """Store it; events published from now on are for it. Raises: NotFound (type), Conflict."""
        take(self._db, ROOM, subscription.room_id)
        self.type(subscription.room_id, subscription.event_type)
        if self._db.execute(
            _same(subscription.room_id, subscription.event_type, subscription.subscriber)
        ).first():
            raise Conflict("this client has a subscription to this event type already")
        room = select(R.sequence).where(R.room_id == subscription.room_id)
        values = _options(subscription) | {
            "subscription_id": subscription.subscription_id,
            "room_id": subscription.room_id,
            "event_type": subscription.event_type,
            "subscriber": subscription.subscriber,
            "after": int(self._db.execute(room).scalar_one()),
            "created_at": subscription.created_at,
        }
        self._db.execute(insert(t.subscriptions).values(**values))
        return self.subscription_by_id(subscription.subscription_id)

    def subscription(self, room_id: str, event_type: str, subscriber: str) -> Subscription:
        """Return one. Raises: NotFound."""
        row = self._db.execute(_same(room_id, event_type, subscriber)).one_or_none()
        if row is None:
            raise NotFound(f"no subscription to {event_type!r} in this room")
        return subscription_of(row)

    def subscription_by_id(self, subscription_id: str) -> Subscription:
        """Return one. Raises: NotFound."""
        query = select(t.subscriptions).where(S.subscription_id == subscription_id)
        row = self._db.execute(query).one_or_none()
        if row is None:
            raise NotFound("no such subscription")
        return subscription_of(row)

    def subscriptions(self, room_id: str, *, subscriber: str) -> list[Subscription]:
        """Return a client's subscriptions in a room, by event type."""
        query = select(t.subscriptions).where(S.room_id == room_id, S.subscriber == subscriber)
        return [subscription_of(row) for row in self._db.execute(query.order_by(S.event_type))]

    def update_subscription(self, subscription: Subscription) -> None:
        """Replace delivery mode and options. Raises: NotFound."""
        where = S.subscription_id == subscription.subscription_id
        if not self._db.execute(
            update(t.subscriptions).where(where).values(**_options(subscription), rests_until=None)
        ).rowcount:
            raise NotFound("no such subscription")

    def delete_subscription(self, subscription_id: str) -> None:
        """Remove it with what still waits for it. Raises: NotFound."""
        take(self._db, ROOM, self.subscription_by_id(subscription_id).room_id)
        self._db.execute(delete(t.deliveries).where(D.subscription_id == subscription_id))
        self._db.execute(delete(t.subscriptions).where(S.subscription_id == subscription_id))


def _members(room: Room) -> list[dict[str, Any]]:
    urls = {s.client: s.push_url for s in room.subscribers}
    return [
        {
            "room_id": room.room_id,
            "client": client,
            "publishes": client in room.publishers,
            "subscribes": client in urls,
            "push_url": urls.get(client),
        }
        for client in sorted({*room.publishers, *urls})
    ]


def _same(room_id: str, event_type: str, subscriber: str) -> Any:
    return select(t.subscriptions).where(
        S.room_id == room_id, S.event_type == event_type, S.subscriber == subscriber
    )


def _options(subscription: Subscription) -> dict[str, Any]:
    return {
        "mode": subscription.mode.value,
        "ttl_s": subscription.ttl_s,
        "fifo": subscription.fifo,
        "first_s": subscription.backoff.first_s,
        "factor": subscription.backoff.factor,
        "longest_s": subscription.backoff.longest_s,
    }


def subscription_of(row: Row[Any]) -> Subscription:
    """Return a row as a subscription."""
    return Subscription(
        subscription_id=row.subscription_id,
        room_id=row.room_id,
        event_type=row.event_type,
        subscriber=row.subscriber,
        mode=Mode(row.mode),
        ttl_s=row.ttl_s,
        fifo=row.fifo,
        backoff=Backoff(row.first_s, row.factor, row.longest_s),
        after=row.after,
        created_at=row.created_at,
    )
