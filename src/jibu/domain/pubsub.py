"""Rooms, event types, subscriptions and deliveries of Pub/Sub."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from jibu.domain.errors import InvalidInput

PUBLISHED = "jibu.pubsub.event.published.v1"
"""Type of the event that tells of a publication in a room; its readers make the deliveries."""
DEFAULT_TTL_S = 3600
LONGEST_TTL_S = 30 * 24 * 3600


class Mode(StrEnum):
    """How a subscriber gets its events."""

    PUSH = "PUSH"
    PULL = "PULL"


class DeliveryStatus(StrEnum):
    """``pending`` waits; ``parked`` was given up when its time to live ended.

    ``stopped``: ended by the publisher or the room's manager, or because the subscriber is none in the room any more.
    """

    PENDING = "pending"
    DELIVERED = "delivered"
    PARKED = "parked"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A client that may subscribe in a room. ``push_url`` is where its events are pushed, None: it may only pull."""

    client: str
    push_url: str | None = None


@dataclass(frozen=True, slots=True)
class Room:
    """A room. ``room_id``, ``manager`` and clients are INSTANCE/CLASS/MEMBER/APPLICATION."""

    room_id: str
    title: str
    manager: str
    publishers: tuple[str, ...] = ()
    subscribers: tuple[Subscriber, ...] = ()
    created_at: datetime | None = None

    def subscriber(self, client: str) -> Subscriber | None:
        """Return this client's right to subscribe, if it has one."""
        return next((s for s in self.subscribers if s.client == client), None)

    def known_to(self, client: str) -> bool:
        """Tell whether a client has any part in the room."""
        return client == self.manager or client in self.publishers or self.subscriber(client) is not None


@dataclass(frozen=True, slots=True)
class EventType:
    """A kind of event in a room. ``schema`` is JSON Schema as JSON text."""

    room_id: str
    name: str
    schema: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Backoff:
    """How the pauses between attempts grow. Seconds."""

    first_s: float = 2.0
    factor: float = 2.0
    longest_s: float = 300.0

    def pause(self, attempts: int) -> timedelta:
        """Return the pause after so many failed attempts."""
        steps = min(max(attempts - 1, 0), 64)
        return timedelta(seconds=min(self.first_s * self.factor**steps, self.longest_s))

    def check(self) -> None:
        """Raises: InvalidInput."""
        if not 0.1 <= self.first_s <= self.longest_s <= 86_400:
            raise InvalidInput(
                "the first pause is at least 0.1 s, the longest not shorter and at most a day",
                "/options/backoff",
            )
        if not 1.0 <= self.factor <= 10.0:
            raise InvalidInput("the factor is from 1 to 10", "/options/backoff/factor")


@dataclass(frozen=True, slots=True)
class Subscription:
    """A client's subscription to an event type. ``after``: events up to this sequence are not for it."""

    subscription_id: str
    room_id: str
    event_type: str
    subscriber: str
    mode: Mode = Mode.PUSH
    ttl_s: int = DEFAULT_TTL_S
    fifo: bool = False
    backoff: Backoff = Backoff()
    after: int = 0
    created_at: datetime | None = None

    def check(self) -> None:
        """Raises: InvalidInput."""
        if not 1 <= self.ttl_s <= LONGEST_TTL_S:
            raise InvalidInput(f"TTL is from 1 to {LONGEST_TTL_S} seconds", "/options/TTL")
        self.backoff.check()


@dataclass(frozen=True, slots=True)
class Due:
    """A subscription for which something may be pushed. ``silent``: it did not answer the last time."""

    subscription_id: str
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Published:
    """An event in a room. ``body`` is its content as JSON text; ``sequence`` counts up in the room."""

    event_id: str
    room_id: str
    event_type: str
    sequence: int
    publisher: str
    body: str
    sha256: str
    published_at: datetime
    stopped_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far one event is for one subscription."""

    event_id: str
    subscription_id: str
    subscriber: str
    sequence: int
    status: DeliveryStatus
    attempts: int
    due_at: datetime
    expires_at: datetime
    error: str | None = None
