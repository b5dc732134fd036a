"""Publish and subscribe: rooms, subscriptions, events and their delivery."""

from __future__ import annotations

from dataclasses import dataclass

from jibu.usecases.pubsub.publishing import Publishing
from jibu.usecases.pubsub.rooms import Rooms
from jibu.usecases.pubsub.subscribing import Subscribing


@dataclass(frozen=True, slots=True)
class PubSub:
    """What callers can do."""

    rooms: Rooms
    publishing: Publishing
    subscribing: Subscribing
