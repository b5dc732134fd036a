"""What other blocks tell this one, and what is kept of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from jibu.domain.arrivals import Arrival, DeadLetter


class Inbox(Protocol):
    """Messages of other blocks; several readers share them. What was not settled comes again."""

    def poll(self, *, wait_s: float, limit: int) -> Sequence[Arrival]:
        """Return the next messages, none after ``wait_s`` without one. Raises: Unavailable; Misconfigured."""

    def settle(self) -> None:
        """Record that all that was polled is dealt with. Raises: Unavailable (then it comes again)."""

    def start_over(self) -> None:
        """Forget what was polled and not settled; the next poll returns it again. Raises nothing."""

    def lag(self) -> int:
        """Return how many messages the readers together have not settled, whoever asks. Raises: Unavailable."""

    def close(self) -> None:
        """Release connections; safe to call twice."""


class IncomingRecords(Protocol):
    """Which events were dealt with, and messages that were put aside."""

    def first(self, once: str, *, at: datetime) -> bool:
        """Note an event by its ``once``; False when it was noted before."""

    def seen(self, once: str) -> bool:
        """Tell whether an event was noted."""

    def forget(self, *, before: datetime) -> int:
        """Forget events noted before this; return how many. What comes again later than that is done again."""

    def bury(self, letter: DeadLetter, *, at: datetime) -> None:
        """Put a message aside, once."""

    def prune(self, *, before: datetime, keep: int) -> int:
        """Forget messages put aside before this, and all but the newest ``keep``; return how many."""

    def dead_letters(self, *, limit: int) -> list[DeadLetter]:
        """Return the newest."""

    def note_lag(self, lag: int) -> None:
        """Keep how many messages wait, for the metrics."""

    def counts(self) -> tuple[int, int]:
        """Return how many messages were put aside, and how many wait as last noted."""
