"""Calls services for use cases that wait, over any ``Upstream``: each time in an event loop of its own."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from jibu.domain.errors import UpstreamBadAnswer, UpstreamError, UpstreamTimeout
from jibu.ports.mediation import Outgoing, ServiceCall, ServiceReply, Upstream

CLOSE_S = 1.0
Found = TypeVar("Found")
Headers = tuple[tuple[bytes, bytes], ...]


class UpstreamMediator:
    """Asks several services at once. ``make`` gives an ``Upstream`` for one loop: nothing is shared between calls."""

    def __init__(self, make: Callable[[], Upstream]) -> None:
        self._make = make

    def ask(
        self, calls: Sequence[ServiceCall], *, seconds: float, max_bytes: int
    ) -> tuple[ServiceReply, ...]:
        """Call all at the same time; return their replies. Raises: what ``make`` raises."""
        return _run(self._ask(calls, seconds, max_bytes))

    async def _ask(
        self, calls: Sequence[ServiceCall], seconds: float, max_bytes: int
    ) -> tuple[ServiceReply, ...]:
        until = asyncio.get_running_loop().time() + seconds
        upstream = self._make()
        try:
            return tuple(await asyncio.gather(*(_reply(upstream, call, until, max_bytes) for call in calls)))
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await upstream.close()


@dataclass(slots=True)
class _Got:
    """What came so far."""

    status: int = 0
    headers: Headers = ()
    body: bytearray = field(default_factory=bytearray)

    def header(self, name: bytes) -> str:
        """Return a header's value; of several all of them, which then is none that anybody knows."""
        return ", ".join(value.decode("latin-1") for key, value in self.headers if key == name)


async def _reply(upstream: Upstream, call: ServiceCall, until: float, max_bytes: int) -> ServiceReply:
    """Return what came of one call."""
    name, got, error = call.service.service_id, _Got(), None
    at, started = datetime.now(UTC), time.perf_counter()
    try:
        async with asyncio.timeout_at(until):
            await _read(upstream, call, got, max_bytes)
    except UpstreamError as trouble:
        error = trouble
    except TimeoutError:
        error = UpstreamTimeout(f"{name} took too long to answer", name, "answer")
    return ServiceReply(
        started_at=at,
        duration_ms=round(1000 * (time.perf_counter() - started)),
        status=got.status,
        media_type=got.header(b"content-type"),
        encoding=got.header(b"content-encoding"),
        language=got.header(b"content-language"),
        body=bytes(got.body),
        error=error,
    )


async def _read(upstream: Upstream, call: ServiceCall, got: _Got, max_bytes: int) -> None:
    """Read an answer. Raises: UpstreamError."""
    incoming = await upstream.send(Outgoing(call.service, "GET", call.target, _headers(call), None))
    try:
        got.status, got.headers = incoming.status, incoming.headers
        async for chunk in incoming.chunks():
            got.body += chunk
            if len(got.body) > max_bytes:
                name = call.service.service_id
                raise UpstreamBadAnswer(f"{name} answers with more than {max_bytes} bytes", name, "answer")
    finally:
        await incoming.close()


def _headers(call: ServiceCall) -> Headers:
    """Return what a service is told. No token, no user: it is asked by this block, for an application."""
    client, member = str(call.client), call.represented.member
    return tuple(
        (name, value.encode("ascii"))
        for name, value in (
            (b"accept", "application/json"),
            (b"accept-encoding", "identity"),
            (b"x-govstack-client", client),
            (b"x-road-client", client),
            (b"x-road-service", call.service.service_id),
            (b"x-road-id", call.request_id),
            (b"x-request-id", call.request_id),
            (b"x-road-represented-party", f"{member.member_class}/{member.member_code}"),
            (b"x-individual-id", call.reference),
            (b"traceparent", f"00-{call.trace_id}-{secrets.token_hex(8)}-01"),
        )
    )


def _run(work: Coroutine[object, object, Found]) -> Found:
    """Run work in a loop of this thread; return no later than the work does.

    Threads that look names up are left to end by themselves: one that hangs would hold up who waits here.
    """
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work)
    finally:
        try:
            loop.run_until_complete(_wound_up(asyncio.all_tasks(loop)))
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()


async def _wound_up(left: set[asyncio.Task[object]]) -> None:
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
