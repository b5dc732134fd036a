"""Writing the message log: what ends at the same time is kept in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import anyio
import anyio.to_thread

from jibu.domain.exchanges import Exchange

MOST = 500


class Journal:
    """Gathers exchanges while others are being written. ``write`` keeps some, all or none; it may block."""

    def __init__(self, write: Callable[[Sequence[Exchange]], None]) -> None:
        self._write = write
        self._waiting: list[tuple[Exchange, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None
        self._threads = anyio.CapacityLimiter(1)

    async def add(self, exchange: Exchange) -> None:
        """Return when the exchange is kept. Raises: as ``write``."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((exchange, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain())
        await future

    async def _drain(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            try:
                await anyio.to_thread.run_sync(
                    self._write, [exchange for exchange, _ in batch], limiter=self._threads
                )
            except BaseException as error:  # noqa: BLE001 - each waiting request is told
                for _, future in batch:
                    if not future.done():
                        future.set_exception(
                            error if isinstance(error, Exception) else RuntimeError("stopped")
                        )
            else:
                for _, future in batch:
                    if not future.done():
                        future.set_result(None)
