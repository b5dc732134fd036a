"""An inbox for tests of what is done with its messages."""

from __future__ import annotations

from jibu.domain.arrivals import Arrival


class MemoryLog:
    """Messages, and how far their one group of readers is."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.settled = 0


class MemoryInbox:
    """Messages in the memory of one process. Readers of one ``log`` are one group."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log
        self._next = log.settled

    def poll(self, *, wait_s: float, limit: int) -> list[Arrival]:  # noqa: ARG002
        """Return the next ones; it never waits."""
        found = self._log.messages[self._next : self._next + limit]
        self._next += len(found)
        return [Arrival("memory", 0, self._next - len(found) + n, value) for n, value in enumerate(found)]

    def settle(self) -> None:
        """Keep the position for all readers."""
        self._log.settled = self._next

    def start_over(self) -> None:
        """Go back to it."""
        self._next = self._log.settled

    def lag(self) -> int:
        """Count what was not settled."""
        return len(self._log.messages) - self._log.settled

    def close(self) -> None:
        """Do nothing."""
