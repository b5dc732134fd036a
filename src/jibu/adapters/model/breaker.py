"""A circuit breaker: a server that failed several times in a row is left alone for a while.

The packages looked at hold one lock while a call runs, so that calls to a slow server queue up behind each other;
this one only counts.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Breaker:
    """Closed: all may call. Open: nobody, for ``rest_s``. Then one may try; it decides. Safe from any thread."""

    def __init__(
        self, *, failures: int = 3, rest_s: float = 10.0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = failures
        self._rest_s = rest_s
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._failures = 0
        self._opened = 0.0
        self._trial = 0.0

    @property
    def closed(self) -> bool:
        """Whether calls go through as usual."""
        with self._lock:
            return self._failures < self._most

    def wait_s(self) -> float:
        """Return the seconds until somebody may try again; 0 where a call may go now."""
        with self._lock:
            if self._failures < self._most:
                return 0.0
            return max(0.0, max(self._opened, self._trial) + self._rest_s - self._monotonic())

    def admit(self) -> bool:
        """Tell whether a call may go now. Whoever gets True after a rest is the trial; others wait for it."""
        with self._lock:
            if self._failures < self._most:
                return True
            now = self._monotonic()
            if now < max(self._opened, self._trial) + self._rest_s:
                return False
            self._trial = now  # a trial that never reports back stops nobody for longer than another rest
            return True

    def succeeded(self) -> None:
        """Say that a call worked."""
        with self._lock:
            self._failures = 0
            self._trial = 0.0

    def failed(self) -> None:
        """Say that a call failed."""
        with self._lock:
            self._failures += 1
            if self._failures >= self._most:
                self._opened = self._monotonic()
