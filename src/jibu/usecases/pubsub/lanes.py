"""Threads for pushing: subscribers that are slow to answer have theirs, so that they never hold up the others."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from jibu.domain.pubsub import Due

AT_ONCE = 8
"""Threads of each lane."""
LONG_S = 10.0
"""Pauses from this on are noticed when somebody looks anyway."""


@dataclass(frozen=True, slots=True)
class Served:
    """What came of one turn: attempts made, whether it was slow to answer, and when to look again (seconds)."""

    attempts: int = 0
    slow: bool = False
    again_s: float | None = None


class Lanes:
    """Serves subscriptions side by side, each one by one thread at a time and in the order in which they were taken.

    ``serve`` gets a subscription's id and whether to give up its turn after a slow attempt: in the quick lane one
    slow attempt is the last. Whoever was slow or silent the last time goes to the slow lane, until it is quick again.
    """

    def __init__(self, serve: Callable[[str, bool], Served]) -> None:
        self._serve = serve
        self._quick = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="push")
        self._late = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="push-slow")
        self._lock = threading.Lock()
        self._under_way: set[str] = set()
        self._slow: set[str] = set()
        self._pauses: list[float] = []
        self._wake = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        """Give up what has not begun; wait for what has."""
        for pool in (self._quick, self._late):
            pool.shutdown(wait=False, cancel_futures=True)
        for pool in (self._quick, self._late):
            pool.shutdown()

    def take(self, due: Due) -> bool:
        """Have a subscription served; False where it is under way."""
        with self._lock:
            if due.subscription_id in self._under_way:
                return False
            self._under_way.add(due.subscription_id)
            slow = due.silent or due.subscription_id in self._slow
        pool = self._late if slow else self._quick
        pool.submit(self._run, due.subscription_id, quick=not slow)
        return True

    def wait(self, longest_s: float) -> None:
        """Wait until there may be more to do: a turn ended with something done, or a pause is over."""
        with self._lock:
            soonest = min(self._pauses[:1], default=float("inf"))
        self._wake.wait(min(longest_s, max(0.0, soonest - time.monotonic())))
        self._wake.clear()
        with self._lock:
            while self._pauses and self._pauses[0] <= time.monotonic():
                heapq.heappop(self._pauses)

    def _run(self, subscription_id: str, *, quick: bool) -> None:
        served = Served()
        try:
            served = self._serve(subscription_id, quick)
        finally:
            with self._lock:
                self._under_way.discard(subscription_id)
                (self._slow.add if served.slow else self._slow.discard)(subscription_id)
                if served.again_s is not None and served.again_s < LONG_S:
                    heapq.heappush(self._pauses, time.monotonic() + served.again_s)
                if served.attempts:  # else there was nothing to do, or something is wrong: no hurry
                    self._wake.set()
