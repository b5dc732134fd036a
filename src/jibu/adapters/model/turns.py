"""So many at once, so many waiting, in the order in which they came."""

from __future__ import annotations

import threading
from collections import deque
from types import TracebackType
from typing import Self

from jibu.adapters.model.failures import ModelFailed


class Turns:
    """Bounded and fair. Safe from any thread."""

    def __init__(self, *, running: int, waiting: int) -> None:
        self._free = running
        self._most = waiting
        self._queue: deque[Turn] = deque()
        self._lock = threading.Lock()

    @property
    def waiting(self) -> int:
        """How many wait."""
        with self._lock:
            return len(self._queue)

    def ask(self) -> Turn:
        """Return a place in the queue; leave it by ``with``. Raises: ModelFailed (busy) when the queue is full."""
        turn = Turn(self)
        with self._lock:
            if self._free:
                self._free -= 1
                turn.come.set()
            elif len(self._queue) >= self._most:
                raise ModelFailed("too many answers are waiting for the model", "busy")
            else:
                self._queue.append(turn)
        return turn

    def leave(self, turn: Turn) -> None:
        """Give the place back, to the first in the queue."""
        with self._lock:
            if not turn.come.is_set():
                self._queue.remove(turn)
            elif self._queue:
                self._queue.popleft().come.set()
            else:
                self._free += 1


class Turn:
    """One place. ``come`` is set when it is one's turn."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self.come = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._turns.leave(self)
