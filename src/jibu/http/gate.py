"""Admission: so many pieces of blocking work at once, so many waiting, in order of arrival; more are turned away.

Work runs in threads, never on the event loop. A thread cannot be stopped from outside: when a caller gives up,
the slot stays taken until the work has really ended, so that the bound always holds.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import anyio
import anyio.to_thread

from jibu.domain.errors import Overloaded, Unavailable
from jibu.http.metrics import Metrics

T = TypeVar("T")
MAX_RETRY_S = 60.0


class Gate:
    """Bounded, fair admission to blocking work."""

    def __init__(self, name: str, *, running: int, waiting: int, timeout_s: float, metrics: Metrics) -> None:
        self.timeout_s = timeout_s
        self._name = name
        self._running = running
        self._max_waiting = waiting
        self._metrics = metrics
        self._slots = anyio.CapacityLimiter(running)
        self._threads = anyio.CapacityLimiter(math.inf)
        self._typical_s = 0.1

    @property
    def busy(self) -> int:
        """How many slots are taken."""
        return self._slots.borrowed_tokens

    @property
    def waiting(self) -> int:
        """How many wait for a slot."""
        return self._slots.statistics().tasks_waiting

    async def run(self, work: Callable[[], T], *, on_timeout: Callable[[], None] | None = None) -> T:
        """Return what ``work`` returns, from a thread. Raises: Overloaded, Unavailable (too late), as ``work``."""
        try:
            with anyio.fail_after(self.timeout_s):
                return await self.enter_and_run(work)
        except TimeoutError as error:
            if on_timeout is not None:
                on_timeout()
            raise self.too_late() from error

    async def enter_and_run(self, work: Callable[[], T]) -> T:
        """Wait for a slot, then run; the caller bounds the time. Raises: Overloaded, as ``work``."""
        slot = await self._enter()
        started = time.perf_counter()
        try:
            return await anyio.to_thread.run_sync(
                slot.run, work, abandon_on_cancel=True, limiter=self._threads
            )
        finally:
            slot.leave()
            self._typical_s += 0.1 * (time.perf_counter() - started - self._typical_s)

    def too_late(self) -> Unavailable:
        """Return the error for work that took too long, and count it."""
        self._metrics.rejected(self._name, "timeout")
        return Unavailable(f"no result within {self.timeout_s:g} s", self._retry_after())

    def release(self, slot: Slot) -> None:
        """Give a slot to whoever is next."""
        self._slots.release_on_behalf_of(slot)
        self._metrics.waiting(self._name, self.waiting)

    async def _enter(self) -> Slot:
        if self.busy >= self._running and self.waiting >= self._max_waiting:
            self._metrics.rejected(self._name, "full")
            raise Overloaded("too many requests are waiting", self._retry_after())
        slot = Slot(self)
        try:
            self._metrics.waiting(self._name, self.waiting + (self.busy >= self._running))
            await self._slots.acquire_on_behalf_of(slot)
        finally:
            self._metrics.waiting(self._name, self.waiting)
        return slot

    def _retry_after(self) -> float:
        return min(MAX_RETRY_S, 1.0 + self._typical_s * (self.waiting + 1) / self._running)


class Slot:
    """One admission, released exactly once: by whoever is last, the waiting task or the working thread."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._working = False
        self._left = False

    def run(self, work: Callable[[], T]) -> T:
        """Do the work in this thread."""
        with self._lock:
            if self._left:
                raise RuntimeError("the caller has gone")
            self._working = True
        try:
            return work()
        finally:
            with self._lock:
                self._working = False
                last = self._left
            if last:
                with suppress(RuntimeError):  # the loop is closed when the process ends
                    # Never wait for the loop here: it may have stopped, and the process would not end.
                    self._loop.call_soon_threadsafe(self._gate.release, self)

    def leave(self) -> None:
        """Say, on the event loop, that nobody waits any more."""
        with self._lock:
            self._left = True
            last = not self._working
        if last:
            self._gate.release(self)
