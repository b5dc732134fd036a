"""The relay: ``/r1/INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE/PATH…``, any method, streamed both ways."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from uuid import uuid4

import anyio
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jibu.domain.access import Caller
from jibu.domain.errors import InvalidInput, JibuError, Overloaded, UpstreamTimeout
from jibu.domain.mediation import ApplicationId
from jibu.domain.targets import PREFIX, Target, read_target
from jibu.http.errors import BadRequest, FieldError, MethodNotAllowed
from jibu.http.exchange import Identity, check_framing, identity_of, onward, text_value
from jibu.http.gate import Gate
from jibu.http.journal import Journal
from jibu.http.metrics import Metrics
from jibu.http.middleware import ROUTE
from jibu.http.passing import Answer
from jibu.http.recording import Recording
from jibu.http.security import CALLER, BearerSecurity
from jibu.http.tracing import STATE, ids_of
from jibu.ports.mediation import Outgoing, Upstream
from jibu.usecases.admitting import Admitted, Admitting
from jibu.usecases.directory import client_of

METHODS = ("GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS")
TEMPLATE = (
    f"{PREFIX}{{instanceId}}/{{memberClass}}/{{memberCode}}/{{applicationCode}}/{{serviceCode}}/{{path}}"
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Most exchanges at once (of all and of one service), longest bodies, longest time."""

    exchanges: int
    of_service: int
    request_bytes: int
    response_bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Passage:
    """One call that is being passed on."""

    scope: Scope
    receive: Receive
    identity: Identity
    client: ApplicationId
    target: Target
    length: int | None
    recording: Recording


class ServiceRelay:
    """Passes calls on to services, and to this block's own through ``serve_own``."""

    def __init__(
        self,
        admitting: Admitting,
        upstream: Upstream,
        *,
        security: BearerSecurity,
        gate: Gate,
        journal: Journal,
        metrics: Metrics,
        bounds: Bounds,
    ) -> None:
        self.serve_own: ASGIApp | None = None
        self._admitting = admitting
        self._upstream = upstream
        self._security = security
        self._gate = gate
        self._journal = journal
        self._metrics = metrics
        self._bounds = bounds
        self._busy: dict[str, int] = {}

    async def close(self) -> None:
        """Close idle connections."""
        await self._upstream.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one call on. Raises: what its problem says."""
        scope["extensions"][ROUTE] = TEMPLATE
        caller = await self._security.require(Request(scope), ["mediator.client"])
        if scope["method"] not in METHODS:
            raise MethodNotAllowed("the mediator does not pass this method on", METHODS)
        passage = self._passage(scope, receive, caller)
        try:
            with self._slot(passage.target.service_id):
                await self._pass(passage, caller, send)
        except JibuError as error:
            passage.recording.failed(error)
            raise
        finally:
            with anyio.CancelScope(shield=True):
                await passage.recording.end()

    def _passage(self, scope: Scope, receive: Receive, caller: Caller) -> Passage:
        try:
            target = read_target(
                scope["raw_path"].decode("ascii", "replace"), scope["query_string"].decode("ascii", "replace")
            )
            client = client_of(
                caller, text_value(scope, "X-GovStack-Client"), text_value(scope, "X-Road-Client")
            )
        except BadRequest:
            raise
        except InvalidInput as error:
            raise BadRequest(str(error), (FieldError(error.field or "path", str(error)),)) from error
        length = check_framing(scope)
        identity = identity_of(scope, ids_of(scope), uuid4().hex)
        recording = Recording(
            identity, client, target, scope["method"], journal=self._journal, metrics=self._metrics
        )
        counted = recording.received(receive, self._bounds.request_bytes)
        return Passage(scope, counted, identity, client, target, length, recording)

    async def _pass(self, passage: Passage, caller: Caller, send: Send) -> None:
        individual = text_value(passage.scope, "X-Individual-Id")
        method = passage.scope["method"]
        admitted = self._admitting.recall(passage.client, passage.target, method)
        if admitted is None:
            admitted = await self._gate.run(
                lambda: self._admitting.admit(caller, passage.client, passage.target, method, individual)
            )
        passage.recording.endpoint = admitted.endpoint.path
        service = admitted.service
        answer = Answer(
            send,
            passage.recording,
            identity=passage.identity,
            client=str(passage.client),
            service=service,
            limit=self._bounds.response_bytes,
        )
        try:
            with anyio.fail_after(self._bounds.seconds):
                if service.own:
                    await self._pass_to_own(passage, answer)
                else:
                    await self._pass_to_service(passage, admitted, answer)
        except TimeoutError as error:
            name = service.service_id
            raise UpstreamTimeout(f"the exchange with {name} took too long", name, "answer") from error

    async def _pass_to_service(self, passage: Passage, admitted: Admitted, answer: Answer) -> None:
        """Send the request on and stream the answer back; stop when the caller leaves."""
        scope, service = passage.scope, admitted.service
        query = f"?{passage.target.query}" if passage.target.query else ""
        body = _Body(passage)
        headers = onward(scope, passage.identity, str(passage.client), service, passage.length)
        outgoing = Outgoing(service, scope["method"], passage.target.path + query, headers, body.chunks())
        with anyio.CancelScope() as here:
            watch = asyncio.create_task(body.watch(here.cancel))
            try:
                await self._exchange(outgoing, answer)
            finally:
                watch.cancel()
                with suppress(asyncio.CancelledError):
                    await watch
        if here.cancelled_caught:
            raise ClientDisconnect

    async def _exchange(self, outgoing: Outgoing, answer: Answer) -> None:
        incoming = await self._upstream.send(outgoing)
        try:
            bodiless = outgoing.method == "HEAD" or incoming.status in {204, 304}
            await answer.start(incoming.status, incoming.headers, bodiless=bodiless)
            async for chunk in incoming.chunks():
                await answer.chunk(chunk)
            await answer.end()
        finally:
            with anyio.CancelScope(shield=True):
                await incoming.close()

    async def _pass_to_own(self, passage: Passage, answer: Answer) -> None:
        """Call this block itself, in process, with the caller's own token and scopes."""
        outer, target = passage.scope, passage.target
        path = f"/{target.service}{target.path}"
        inner: Scope = {
            **outer,
            "path": "/" + "/".join((target.service, *target.segments)),
            "raw_path": path.encode(),
            "extensions": {STATE: outer["extensions"][STATE], CALLER: outer["extensions"][CALLER]},
        }
        head = outer["method"] == "HEAD"

        async def send(message: Message) -> None:
            await answer.message(message, head=head)

        if self.serve_own is None:
            raise RuntimeError("the relay has nothing to serve its own block with")
        await self.serve_own(inner, passage.receive, send)

    def _slot(self, service: str) -> _Slot:
        if sum(self._busy.values()) >= self._bounds.exchanges:
            raise Overloaded("too many exchanges are under way")
        if self._busy.get(service, 0) >= self._bounds.of_service:
            raise Overloaded(f"too many exchanges with {service} are under way")
        return _Slot(self._busy, service)


class _Slot:
    """One exchange under way."""

    def __init__(self, busy: dict[str, int], service: str) -> None:
        self._busy = busy
        self._service = service

    def __enter__(self) -> None:
        self._busy[self._service] = self._busy.get(self._service, 0) + 1

    def __exit__(self, *_exc: object) -> None:
        self._busy[self._service] -= 1
        if not self._busy[self._service]:
            del self._busy[self._service]


class _Body:
    """The caller's body as the service reads it; afterwards, whether the caller is still there."""

    def __init__(self, passage: Passage) -> None:
        self._receive = passage.receive
        self._read = asyncio.Event()
        chunked = any(name == b"transfer-encoding" for name, _ in passage.scope["headers"])
        self._none = not passage.length and not chunked

    def chunks(self) -> AsyncIterator[bytes] | None:
        """Return the body, None where there is none."""
        if self._none:
            self._read.set()
            return None
        return self._chunks()

    async def _chunks(self) -> AsyncIterator[bytes]:
        more = True
        try:
            while more:
                message = await self._receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                more = message.get("more_body", False)
                if message.get("body"):
                    yield message["body"]
        finally:
            self._read.set()

    async def watch(self, leave: Callable[[], None]) -> None:
        """Call ``leave`` when the caller has gone."""
        await self._read.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass
        leave()
