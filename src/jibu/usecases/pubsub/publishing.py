"""Publishing in a room, and what became of an event."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from uuid import uuid4

from jibu.domain.access import Caller
from jibu.domain.errors import Forbidden, NotFound
from jibu.domain.pubsub import PUBLISHED, Delivery, Published
from jibu.ports import Clock, Records, UnitOfWork
from jibu.usecases.pubsub.content import checked_event
from jibu.usecases.pubsub.rights import manages, published_in, room_for
from jibu.usecases.telling import tell

FAN_OUT_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class EventStatus:
    """An event and how far it is for each subscriber."""

    event: Published
    deliveries: tuple[Delivery, ...]


class Publishing:
    """Publish, look, stop."""

    def __init__(self, *, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    def publish(self, caller: Caller, room_id: str, event_type: str, body: str) -> Published:
        """Accept an event (``body``: JSON text); it is durable on return.

        Raises: NotFound (room, type), Forbidden, InvalidInput (schema), Unavailable.
        """
        with self._records.read() as uow:
            published_in(uow, caller, room_id)
            known = uow.pubsub.type(room_id, event_type)
        body = checked_event(body, known.schema)
        sha256 = hashlib.sha256(body.encode()).hexdigest()
        at = self._clock()
        new = Published(str(uuid4()), room_id, event_type, 0, caller.client, body, sha256, at)
        with self._records.write() as uow:
            published_in(uow, caller, room_id)
            uow.pubsub.type(room_id, event_type)
            event = uow.pubsub.publish(new)
            _tell(uow, event)
            uow.commit()
        return event

    def status(self, caller: Caller, room_id: str, event_type: str, event_id: str) -> EventStatus:
        """Return an event of the caller's, or of a room that it manages. Raises: NotFound, Forbidden, Unavailable."""
        with self._records.read() as uow:
            event = _own(uow, caller, room_id, event_type, event_id)
            return EventStatus(event, tuple(uow.pubsub.deliveries(event_id)))

    def stop(self, caller: Caller, room_id: str, event_type: str, event_id: str) -> None:
        """End an event: who has it keeps it, nobody else gets it. Raises: NotFound, Forbidden, Unavailable."""
        with self._records.write() as uow:
            _own(uow, caller, room_id, event_type, event_id)
            uow.pubsub.stop(event_id, at=self._clock())
            uow.commit()


class FanOut:
    """Makes the deliveries of published events, in order per room. Doing it twice does no harm."""

    def __init__(self, *, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    def run(self, room_id: str) -> None:
        """Fan a room out. Raises: Unavailable."""
        more = True
        while more:
            with self._records.write() as uow:
                more = self._some(uow, room_id)
                uow.commit()

    def run_all(self) -> int:
        """Fan out the rooms that are behind; return how many there were. Raises: Unavailable."""
        with self._records.read() as uow:
            rooms = uow.pubsub.behind(limit=FAN_OUT_AT_ONCE)
        for room_id in rooms:
            self.run(room_id)
        return len(rooms)

    def _some(self, uow: UnitOfWork, room_id: str) -> bool:
        try:
            return uow.pubsub.fan_out(room_id, at=self._clock(), limit=FAN_OUT_AT_ONCE) == FAN_OUT_AT_ONCE
        except NotFound:
            return False  # removed meanwhile


def _tell(uow: UnitOfWork, event: Published) -> None:
    tell(
        uow,
        PUBLISHED,
        event.room_id,
        event.published_at,
        eventId=event.event_id,
        eventType=event.event_type,
        sequence=event.sequence,
        sha256=event.sha256,
    )


def _own(uow: UnitOfWork, caller: Caller, room_id: str, event_type: str, event_id: str) -> Published:
    room = room_for(uow, caller, room_id)
    event = uow.pubsub.event(event_id)
    if (event.room_id, event.event_type) != (room_id, event_type):
        raise NotFound("no such event")
    if not manages(caller, room) and event.publisher != caller.client:
        raise Forbidden("only the event's publisher and the room's manager may do this")
    return event
