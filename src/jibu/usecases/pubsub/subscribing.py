"""Subscriptions, and pulling what they hold."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from jibu.domain.access import Caller
from jibu.domain.errors import InvalidInput, NotFound
from jibu.domain.pubsub import Mode, Published, Room, Subscription
from jibu.ports import Clock, Records
from jibu.usecases.pubsub.rights import room_for, subscribed_in


class Subscribing:
    """A client's own subscriptions in the rooms where it may subscribe."""

    def __init__(self, *, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    def add(self, caller: Caller, wanted: Subscription) -> Subscription:
        """Subscribe the caller. Of ``wanted`` room, event type, mode and options count.

        Raises: NotFound, Forbidden, InvalidInput, Conflict (it has one already), Unavailable.
        """
        wanted.check()
        new = replace(
            wanted, subscription_id=str(uuid4()), subscriber=caller.client, created_at=self._clock()
        )
        with self._records.write() as uow:
            _check_mode(subscribed_in(uow, caller, wanted.room_id), new)
            stored = uow.pubsub.add_subscription(new)
            uow.commit()
        return stored

    def all(self, caller: Caller, room_id: str) -> list[Subscription]:
        """Return the caller's own in a room, by event type. Raises: NotFound, Unavailable."""
        with self._records.read() as uow:
            room_for(uow, caller, room_id)
            return uow.pubsub.subscriptions(room_id, subscriber=caller.client)

    def get(self, caller: Caller, room_id: str, event_type: str) -> Subscription:
        """Return one. Raises: NotFound, Unavailable."""
        with self._records.read() as uow:
            room_for(uow, caller, room_id)
            return uow.pubsub.subscription(room_id, event_type, caller.client)

    def update(self, caller: Caller, wanted: Subscription) -> Subscription:
        """Replace mode and options of the caller's own.

        Raises: NotFound, Forbidden, InvalidInput, Unavailable.
        """
        wanted.check()
        with self._records.write() as uow:
            room = subscribed_in(uow, caller, wanted.room_id)
            old = uow.pubsub.subscription(wanted.room_id, wanted.event_type, caller.client)
            new = replace(old, mode=wanted.mode, ttl_s=wanted.ttl_s, fifo=wanted.fifo, backoff=wanted.backoff)
            _check_mode(room, new)
            uow.pubsub.update_subscription(new)
            uow.commit()
        return new

    def cancel(self, caller: Caller, room_id: str, event_type: str) -> None:
        """End the caller's subscription. Raises: NotFound, Unavailable."""
        with self._records.write() as uow:
            room_for(uow, caller, room_id)
            old = uow.pubsub.subscription(room_id, event_type, caller.client)
            uow.pubsub.delete_subscription(old.subscription_id)
            uow.commit()

    def next(self, caller: Caller, room_id: str, event_type: str) -> Published:
        """Return the oldest event that is not confirmed yet: the same one until it is.

        Raises: NotFound (nothing waits, no subscription), Forbidden, InvalidInput (not a PULL one), Unavailable.
        """
        with self._records.read() as uow:
            subscribed_in(uow, caller, room_id)
            subscription = uow.pubsub.subscription(room_id, event_type, caller.client)
            _check_pulls(subscription)
            event = uow.pubsub.next(subscription, at=self._clock())
        if event is None:
            raise NotFound("no event waits")
        return event

    def confirm(self, caller: Caller, room_id: str, event_type: str, event_id: str) -> None:
        """Acknowledge an event. In a FIFO subscription that must be the oldest one.

        Raises: NotFound, Forbidden, InvalidInput (not a PULL subscription, not its turn), Unavailable.
        """
        with self._records.write() as uow:
            subscribed_in(uow, caller, room_id)
            subscription = uow.pubsub.subscription(room_id, event_type, caller.client)
            _check_pulls(subscription)
            oldest = uow.pubsub.next(subscription, at=self._clock())
            uow.pubsub.confirm(
                subscription, event_id
            )  # who repeats a confirmation is told that it waits no more
            if subscription.fifo and oldest is not None and oldest.event_id != event_id:
                raise InvalidInput("an earlier event has to be confirmed first", "eventId")
            uow.commit()


def _check_mode(room: Room, subscription: Subscription) -> None:
    right = room.subscriber(subscription.subscriber)
    if subscription.mode is Mode.PUSH and (right is None or right.push_url is None):
        raise InvalidInput(
            "the room knows no push address of this client; ask its manager, or use PULL", "/delivery"
        )


def _check_pulls(subscription: Subscription) -> None:
    if subscription.mode is not Mode.PULL:
        raise InvalidInput("this subscription is pushed, not pulled", "eventType")
