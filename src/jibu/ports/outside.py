"""The clock and other systems."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from jibu.domain.access import Caller
from jibu.domain.events import Event

Clock = Callable[[], datetime]
"""Returns the present time, UTC and aware."""


class Broker(Protocol):
    """Takes events to other blocks, at least once, in order per key."""

    def publish(self, events: Sequence[Event]) -> None:
        """Return when all are stored. Raises: Unavailable."""

    def ping(self) -> None:
        """Raises: Unavailable."""


class TokenVerifier(Protocol):
    """Checks bearer tokens."""

    def verify(self, token: str) -> Caller:
        """Raises: Unauthenticated; Unavailable when the keys cannot be had."""
