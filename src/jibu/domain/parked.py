"""What was given up on its way out or put aside on its way in, and waits for an operator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

Place = tuple[datetime, str]
"""Where something stands in the list of its kind, oldest first: its ``at`` and ``item_id``."""


class Kind(StrEnum):
    """Where something was on its way to.

    ``event``: from the outbox to the broker. ``push``: an event of a room to a subscriber, pushed or pulled.
    ``webhook``: a message to a webhook of consent. ``message``: what another block told this one.
    """

    EVENT = "event"
    PUSH = "push"
    WEBHOOK = "webhook"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class Parked:
    """One thing that is parked, without what it says.

    ``key``: the key of an event, the room of a push, the id of a webhook, the place of a message. ``to``: a push's
    subscriber. ``waits``: not parked yet, tried again by itself (events alone). ``behind``: how many later events of
    the key wait behind it. ``at``: when it was told, published or put aside. ``sha256``: of what it says, where known.
    """

    kind: Kind
    item_id: str
    type: str | None
    key: str
    to: str | None
    attempts: int
    reason: str
    at: datetime
    waits: bool = False
    behind: int = 0
    sha256: str | None = None
