"""Rooms and their event types."""

from __future__ import annotations

from dataclasses import replace

from jibu.domain.access import Caller
from jibu.domain.consent.canonical import canonical, digest
from jibu.domain.consent.values import Schema
from jibu.domain.errors import Forbidden, InvalidInput
from jibu.domain.pubsub import EventType, Room
from jibu.ports import Clock, Page, Records
from jibu.usecases.checks import check_line, check_web_address
from jibu.usecases.consent.noting import Actor, Noting
from jibu.usecases.pubsub.content import checked_schema
from jibu.usecases.pubsub.rights import ADMIN, check_client, check_name, managed, room_for
from jibu.usecases.telling import tell

MAX_MEMBERS = 1000
MAX_TYPES = 200
MAX_URL = 2000


class Rooms:
    """Administer rooms (scope mediator.admin) and their event types (the room's manager)."""

    def __init__(self, *, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    def put(self, caller: Caller, room: Room) -> tuple[Room, bool]:
        """Create or replace a room; return it and whether it is new. Raises: Forbidden, InvalidInput, Unavailable."""
        _administrator(caller)
        _check(room)
        at = self._clock()
        with self._records.write() as uow:
            new = uow.pubsub.put_room(replace(room, created_at=at))
            tell(uow, "jibu.pubsub.room.changed.v1", room.room_id, at, change="put")
            room = uow.pubsub.room(room.room_id)
            Noting(uow, Actor.of(caller), at).note(
                "room.created" if new else "room.updated",
                Schema.ROOM,
                room.room_id,
                content_hash=_content(room),
            )
            uow.commit()
        return room, new

    def get(self, caller: Caller, room_id: str) -> Room:
        """Return a room that the caller has a part in. Raises: NotFound, Unavailable."""
        with self._records.read() as uow:
            return room_for(uow, caller, room_id)

    def page(self, caller: Caller, *, offset: int, limit: int) -> Page[Room]:
        """List rooms: all to administrators, to others those they have a part in. Raises: Unavailable."""
        client = None if ADMIN in caller.scopes else caller.client
        with self._records.read() as uow:
            return uow.pubsub.rooms(client=client, offset=offset, limit=limit)

    def delete(self, caller: Caller, room_id: str) -> None:
        """Remove a room. Raises: Forbidden, NotFound, Conflict while it has event types, Unavailable."""
        _administrator(caller)
        with self._records.write() as uow:
            uow.pubsub.delete_room(room_id)
            at = self._clock()
            tell(uow, "jibu.pubsub.room.changed.v1", room_id, at, change="deleted")
            Noting(uow, Actor.of(caller), at).note("room.deleted", Schema.ROOM, room_id)
            uow.commit()

    def add_type(self, caller: Caller, room_id: str, name: str, schema: str) -> EventType:
        """Create an event type; ``schema`` is JSON Schema as text.

        Raises: NotFound, Forbidden, InvalidInput, Conflict (it exists), Unavailable.
        """
        with self._records.read() as uow:
            managed(uow, caller, room_id)
        check_name(name)
        event_type = EventType(room_id, name, checked_schema(schema), self._clock())
        with self._records.write() as uow:
            managed(uow, caller, room_id)
            if len(uow.pubsub.types(room_id)) >= MAX_TYPES:
                raise InvalidInput(f"a room has at most {MAX_TYPES} event types")
            uow.pubsub.add_type(event_type)
            uow.commit()
        return event_type

    def type(self, caller: Caller, room_id: str, name: str) -> EventType:
        """Return one. Raises: NotFound, Unavailable."""
        with self._records.read() as uow:
            room_for(uow, caller, room_id)
            return uow.pubsub.type(room_id, name)

    def types(self, caller: Caller, room_id: str) -> list[EventType]:
        """Return all of a room, by name. Raises: NotFound, Unavailable."""
        with self._records.read() as uow:
            room_for(uow, caller, room_id)
            return uow.pubsub.types(room_id)

    def delete_type(self, caller: Caller, room_id: str, name: str) -> None:
        """Remove one with its subscriptions and events. Raises: NotFound, Forbidden, Unavailable."""
        with self._records.write() as uow:
            managed(uow, caller, room_id)
            uow.pubsub.delete_type(room_id, name)
            uow.commit()


def _administrator(caller: Caller) -> None:
    if ADMIN not in caller.scopes:
        raise Forbidden("only an administrator may do this")


def _check(room: Room) -> None:
    check_client(room.room_id, "roomId")
    check_line(room.title, "/title", limit=200)
    check_client(room.manager, "/manager")
    if len(room.publishers) > MAX_MEMBERS or len(room.subscribers) > MAX_MEMBERS:
        raise InvalidInput(f"a room has at most {MAX_MEMBERS} publishers and as many subscribers")
    clients = [subscriber.client for subscriber in room.subscribers]
    if len(set(clients)) < len(clients):
        raise InvalidInput("a subscriber is listed twice", "/subscribers")
    for client in room.publishers:
        check_client(client, "/publishers")
    for subscriber in room.subscribers:
        check_client(subscriber.client, "/subscribers")
        check_url(subscriber.push_url)


def _content(room: Room) -> str:
    """Return the hash of what a room is now, for the audit log."""
    return digest(
        canonical(
            {
                "title": room.title,
                "manager": room.manager,
                "publishers": list(room.publishers),
                "subscribers": [[one.client, one.push_url] for one in room.subscribers],
            }
        )
    )


def check_url(url: str | None) -> None:
    """Raises: InvalidInput when this cannot be an address to push to. Whether it is allowed is asked at each push."""
    if url is not None:
        check_line(url, "/subscribers", limit=MAX_URL)
        check_web_address(url, "/subscribers")
