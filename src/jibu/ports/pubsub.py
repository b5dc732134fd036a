"""The records of Pub/Sub, and how an event is pushed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from jibu.domain.pubsub import Delivery, Due, EventType, Published, Room, Subscription
from jibu.ports.documents import Page


class PubSubRecords(Protocol):
    """Rooms, event types, subscriptions, events and deliveries."""

    def put_room(self, room: Room) -> bool:
        """Create or replace; return True when it is new. ``created_at`` of an existing one stays.

        What waits for clients that are no subscribers any more is stopped. Whoever rested may be tried again.
        """

    def room(self, room_id: str) -> Room:
        """Raises: NotFound."""

    def rooms(self, *, client: str | None, offset: int, limit: int) -> Page[Room]:
        """List rooms by id: all, or those that ``client`` has a part in."""

    def delete_room(self, room_id: str) -> None:
        """Raises: NotFound; Conflict while it has event types."""

    def add_type(self, event_type: EventType) -> None:
        """Raises: Conflict when the room has one of this name."""

    def type(self, room_id: str, name: str) -> EventType:
        """Raises: NotFound."""

    def types(self, room_id: str) -> list[EventType]:
        """Return a room's event types, by name."""

    def delete_type(self, room_id: str, name: str) -> None:
        """Remove an event type with its subscriptions, events and deliveries. Raises: NotFound."""

    def add_subscription(self, subscription: Subscription) -> Subscription:
        """Store it; events published from now on are for it. Raises: Conflict when the client has one already."""

    def subscription(self, room_id: str, event_type: str, subscriber: str) -> Subscription:
        """Raises: NotFound."""

    def subscription_by_id(self, subscription_id: str) -> Subscription:
        """Raises: NotFound."""

    def subscriptions(self, room_id: str, *, subscriber: str) -> list[Subscription]:
        """Return a client's subscriptions in a room, by event type."""

    def update_subscription(self, subscription: Subscription) -> None:
        """Replace delivery mode and options, and let it be tried again if it rested. Raises: NotFound."""

    def delete_subscription(self, subscription_id: str) -> None:
        """Remove it with what still waits for it. Raises: NotFound."""

    def publish(self, event: Published) -> Published:
        """Store an event and return it with its sequence, the next one of its room."""

    def event(self, event_id: str) -> Published:
        """Raises: NotFound."""

    def stop(self, event_id: str, *, at: datetime) -> None:
        """End an event: what is not delivered yet never will be. Raises: NotFound."""

    def behind(self, *, limit: int) -> list[str]:
        """Return rooms with events whose deliveries are not made yet, by id."""

    def fan_out(self, room_id: str, *, at: datetime, limit: int) -> int:
        """Make the deliveries of the room's next events, in order; return how many events were looked at.

        A stopped event is for nobody, and nothing is for who is no subscriber of the room any more. Fewer than
        ``limit`` means that the room is done. Raises: NotFound (room).
        """

    def deliveries(self, event_id: str) -> list[Delivery]:
        """Return how far an event is for each subscription, by subscriber."""

    def next(self, subscription: Subscription, *, at: datetime) -> Published | None:
        """Return the oldest event that is neither confirmed nor out of time."""

    def waiting(self, subscription: Subscription, *, at: datetime, limit: int) -> list[Delivery]:
        """Return what is due, oldest first. In a FIFO one the oldest holds back the others."""

    def to_push(self, holder: str, *, at: datetime, after: str, limit: int) -> list[Due]:
        """Return PUSH subscriptions for which something may be attempted now, by id, those behind ``after``.

        Resting ones and those that somebody else than ``holder`` has leased are left out.
        """

    def lease(self, subscription_id: str, holder: str, *, at: datetime, lease_s: float) -> bool:
        """Take, prolong or (0 s) give up the right to push; False while another holder has it, or it is gone."""

    def push_url(self, subscription: Subscription) -> str | None:
        """Return where to push to, None when the client lost its right or has no address."""

    def confirm(self, subscription: Subscription, event_id: str) -> None:
        """Mark as delivered, with one attempt more. Raises: NotFound when it is not pending for this subscription."""

    def failed(self, delivery: Delivery, *, error: str, due_at: datetime) -> None:
        """Record an attempt that failed and when the next one may be."""

    def rest(self, subscription: Subscription, *, until: datetime | None) -> None:
        """Push nothing for this subscription before then, also what comes meanwhile; None: it answers again."""

    def expire(self, *, at: datetime, limit: int) -> int:
        """Park what is out of time, at most so many; return how many."""

    def forget(self, *, before: datetime) -> int:
        """Remove events published before this that were fanned out and wait for nobody; return how many."""


class Pusher(Protocol):
    """Posts to subscribers' registered addresses."""

    def push(self, url: str, body: bytes, headers: Sequence[tuple[str, str]]) -> int:
        """Return the HTTP status. Raises: Unavailable (no answer in time), Forbidden (address not allowed)."""
