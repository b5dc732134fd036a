"""Runs an iterator in a thread, so that whoever waits for it can do something else, or leave."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")
_AHEAD = 256


class _End:
    """How it ended."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class Background(Generic[T]):
    """Use ``next`` until it returns None at the end; ``close`` stops it. ``stop`` must make the iterator end."""

    def __init__(self, start: Callable[[], Iterator[T]], *, stop: Callable[[], None]) -> None:
        self._start = start
        self._stop = stop
        self._items: queue.Queue[T | _End] = queue.Queue(_AHEAD)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="model-stream", daemon=True)
        self._thread.start()

    def next(self, seconds: float) -> T | None:
        """Return the next item. Raises: TimeoutError when none came in time; StopIteration; as the iterator."""
        try:
            item = self._items.get(timeout=max(0.0, seconds))
        except queue.Empty:
            raise TimeoutError from None
        if isinstance(item, _End):
            if item.error is not None:
                raise item.error
            return None
        return item

    def close(self) -> None:
        """Stop the iterator and wait until its thread has ended."""
        self._closing.set()
        self._stop()
        self._thread.join()

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            for item in self._start():
                if not self._put(item):
                    break
        except BaseException as raised:  # noqa: BLE001 - handed to whoever waits
            error = raised
        self._put(_End(error))

    def _put(self, item: T | _End) -> bool:
        """Wait for room; False when nobody wants it any more."""
        while not self._closing.is_set():
            try:
                self._items.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False
