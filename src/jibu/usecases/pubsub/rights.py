"""Who may do what in a room. A room is not found by clients that have no part in it."""

from __future__ import annotations

import re

from jibu.domain.access import Caller
from jibu.domain.errors import Forbidden, InvalidInput, NotFound
from jibu.domain.pubsub import Room
from jibu.ports import UnitOfWork

CLIENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,61}(/[A-Za-z0-9][A-Za-z0-9._-]{0,61}){3}")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,99}")
ADMIN = "mediator.admin"


def check_client(client: str, field: str) -> None:
    """Raises: InvalidInput when this is not INSTANCE/CLASS/MEMBER/APPLICATION."""
    if not CLIENT.fullmatch(client):
        raise InvalidInput("a client is INSTANCE/CLASS/MEMBER/APPLICATION", field)


def check_name(name: str) -> None:
    """Raises: InvalidInput when this cannot name an event type."""
    if not NAME.fullmatch(name):
        raise InvalidInput(
            "an event type has 1 to 100 letters, digits, '.', '_' and '-', and starts with a letter",
            "eventType",
        )


def room_for(uow: UnitOfWork, caller: Caller, room_id: str) -> Room:
    """Return a room that the caller has a part in. Raises: NotFound."""
    room = uow.pubsub.room(room_id)
    if not manages(caller, room) and not room.known_to(caller.client):
        raise NotFound(f"no room {room_id!r}")
    return room


def manages(caller: Caller, room: Room) -> bool:
    """Tell whether the caller manages the room."""
    return ADMIN in caller.scopes or caller.client == room.manager


def managed(uow: UnitOfWork, caller: Caller, room_id: str) -> Room:
    """Return a room that the caller manages. Raises: NotFound, Forbidden."""
    room = room_for(uow, caller, room_id)
    if not manages(caller, room):
        raise Forbidden("only the room's manager may do this")
    return room


def published_in(uow: UnitOfWork, caller: Caller, room_id: str) -> Room:
    """Return a room that the caller may publish in. Raises: NotFound, Forbidden."""
    room = room_for(uow, caller, room_id)
    if caller.client not in room.publishers:
        raise Forbidden("this client may not publish in the room")
    return room


def subscribed_in(uow: UnitOfWork, caller: Caller, room_id: str) -> Room:
    """Return a room that the caller may subscribe in. Raises: NotFound, Forbidden."""
    room = room_for(uow, caller, room_id)
    if room.subscriber(caller.client) is None:
        raise Forbidden("this client may not subscribe in the room")
    return room
