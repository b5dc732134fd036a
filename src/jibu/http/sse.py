"""Answers as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).

The use case runs in one thread and is closed as soon as nobody listens: when the client goes, when the time is over,
when the server stops. Failures before the first event are ordinary problem responses; later ones are an event.
"""

from __future__ import annotations

import asyncio
import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import anyio
import anyio.to_thread
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from jibu.domain.answers import Answer
from jibu.http import views
from jibu.http.gate import Gate
from jibu.http.problems import problem
from jibu.http.tracing import ids_of
from jibu.usecases.pieces import Sources, Token

Event = Sources | Token | Answer
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
KEEP_ALIVE = b": keep-alive\n\n"


@dataclass(frozen=True, slots=True)
class _Failed:
    """What the use case raised."""

    error: Exception


class Run:
    """One run of a use case that yields; ``stop`` makes it end at its next step, and closes it."""

    def __init__(self, start: Callable[[], Iterator[Event]]) -> None:
        self._start = start
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Ask the run to end. Safe from any thread."""
        self._stopped.set()

    def each(self, use: Callable[[Event], object]) -> None:
        """Hand over what comes, until the end or until stopped. Blocks. Raises: as the use case."""
        events = self._start()
        try:
            for event in events:
                if self._stopped.is_set():
                    return
                if event != Token(""):
                    use(event)
        finally:
            close = getattr(events, "close", None)
            if close is not None:
                close()

    def last(self) -> Answer:
        """Return the answer at the end. Blocks. Raises: as the use case."""
        found: list[Answer] = []
        self.each(lambda event: found.append(event) if isinstance(event, Answer) else None)
        return found[-1]


class EventStream(Response):
    """Streams one run through the gate."""

    media_type = "text/event-stream"

    def __init__(
        self,
        run: Run,
        *,
        gate: Gate,
        keepalive_s: float,
        done: Callable[[Answer], None],
        still: Callable[[], None] | None = None,
    ) -> None:
        """``still``, where given, is called in a thread before each event is sent; it raises to end the stream."""
        self.status_code = 200
        self.background = None
        self.init_headers(HEADERS)
        self._run = run
        self._gate = gate
        self._keepalive_s = keepalive_s
        self._done = done
        self._still = still

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events. Raises: as the use case, where nothing was sent yet."""
        put, take = anyio.create_memory_object_stream[Event | _Failed](math.inf)
        early: Exception | None = None
        with put, take:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._produce, put)
                tasks.start_soon(_cancel_when_gone, receive, tasks.cancel_scope)
                early = await self._deliver(take, scope, send)
                tasks.cancel_scope.cancel()
        if early is not None:
            raise early

    async def _produce(self, put: MemoryObjectSendStream[Event | _Failed]) -> None:
        loop = asyncio.get_running_loop()

        def hand_over(event: Event) -> None:
            with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):  # the client left meanwhile
                put.send_nowait(event)

        def work() -> None:
            # Never wait for the loop in this thread: it may have stopped, and the process would not end.
            self._run.each(lambda event: loop.call_soon_threadsafe(hand_over, event))

        try:
            await self._gate.enter_and_run(work)
        except anyio.get_cancelled_exc_class():
            raise
        except Exception as error:  # noqa: BLE001 - told to the client as a problem
            put.send_nowait(_Failed(error))
        finally:
            self._run.stop()

    async def _deliver(
        self, take: MemoryObjectReceiveStream[Event | _Failed], scope: Scope, send: Send
    ) -> Exception | None:
        """Send until the answer or a failure; return a failure that came before anything was sent."""
        deadline = time.monotonic() + self._gate.timeout_s
        item = await self._checked(await _next(take, self._gate.timeout_s))
        if item is None or isinstance(item, _Failed):
            return self._gate.too_late() if item is None else item.error
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        while True:
            if isinstance(item, _Failed):
                await _send(send, _problem_event(item.error, scope))
                break
            if item is not None:
                await _send(send, encode(item))
            if isinstance(item, Answer):
                self._done(item)
                break
            left = deadline - time.monotonic()
            if left <= 0:
                await _send(send, _problem_event(self._gate.too_late(), scope))
                break
            item = await self._checked(await _next(take, min(self._keepalive_s, left)))
            if item is None and deadline > time.monotonic():
                await _send(send, KEEP_ALIVE)
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return None

    async def _checked(self, item: Event | _Failed | None) -> Event | _Failed | None:
        """Return what may be sent: it may have waited long enough for a consent to be withdrawn."""
        if self._still is None or item is None or isinstance(item, _Failed):
            return item
        try:
            await anyio.to_thread.run_sync(self._still)
        except Exception as error:  # noqa: BLE001 - told to the client as a problem
            return _Failed(error)
        return item


def encode(event: Event) -> bytes:
    """Return one event on the wire."""
    if isinstance(event, Sources):
        return _event("sources", views.sources(event))
    if isinstance(event, Token):
        return _event("token", {"text": event.text})
    return _event("done", views.answer(event))


def _event(name: str, data: Any) -> bytes:
    """JSON has no line ends outside strings and escapes those inside, so one data line is enough."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"event: {name}\ndata: {text}\n\n".encode()


def _problem_event(error: Exception, scope: Scope) -> bytes:
    found = problem(error, path=scope["path"], trace_id=ids_of(scope).trace_id)
    return f"event: error\ndata: {found.body}\n\n".encode()


async def _next(take: MemoryObjectReceiveStream[Event | _Failed], seconds: float) -> Event | _Failed | None:
    with anyio.move_on_after(seconds):
        return await take.receive()
    return None


async def _send(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _cancel_when_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
