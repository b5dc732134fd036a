"""What every request passes: ids, limits, headers, one log line, figures; and nothing unexpected gets out."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping

import anyio
import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jibu.domain.access import Caller
from jibu.domain.errors import TooLarge
from jibu.http._connexion import CONTEXT, ROUTING
from jibu.http.errors import BadRequest
from jibu.http.failures import problem_response
from jibu.http.metrics import Metrics
from jibu.http.security import CALLER
from jibu.http.targets import is_relayed
from jibu.http.tracing import STATE, RequestIds, ids_from

ROUTE = "jibu.route"
UPLOAD = re.compile(r"/rag/v1/collections/[^/]+/documents")
FORM_OVERHEAD = 65_536
MUTE_S, MIN_RATE = 30.0, 1024.0
"""How long a body may keep the service waiting in all, and how many bytes buy another second."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cache-Control": "no-store",
}
TLS_HEADER = "max-age=31536000; includeSubDomains"
_access = structlog.get_logger("jibu.access")


class Observed:
    """The outermost layer. ``routes`` maps operation ids to path templates: logs and figures never hold a path."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        routes: Mapping[str, str],
        ids: Callable[[Headers], RequestIds] = ids_from,
    ) -> None:
        self._app = app
        self._ids = ids
        self._metrics = metrics
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; whatever goes wrong below becomes a problem."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        ids = self._ids(Headers(scope=scope))
        scope["extensions"] = {**scope.get("extensions", {}), STATE: ids}
        _tidy_content_type(scope)
        sent = _Sent(scope, send, ids.request_id)
        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=ids.request_id, trace_id=ids.trace_id):
            try:
                await self._app(scope, receive, sent)
            except ClientDisconnect:
                sent.status = sent.status or 499
            except Exception as error:  # noqa: BLE001 - the last line of defence
                await self._rescue(error, scope, receive, sent)
            finally:
                self._record(scope, sent, time.perf_counter() - started)

    async def _rescue(self, error: Exception, scope: Scope, receive: Receive, sent: _Sent) -> None:
        response = problem_response(error, scope)
        if sent.status == 0:
            await response(scope, receive, sent)

    def _record(self, scope: Scope, sent: _Sent, seconds: float) -> None:
        extensions = scope["extensions"]
        operation = extensions.get(ROUTING, {}).get("operation_id")
        route = extensions.get(ROUTE) or self._routes.get(operation, "unmatched")
        method = scope["method"] if scope["method"] in METHODS else "OTHER"
        caller = extensions.get(CALLER) or extensions.get(CONTEXT, {}).get("token_info", {}).get(CALLER)
        self._metrics.request(method=method, route=route, status=sent.status, seconds=seconds)
        _access.info(
            "request",
            method=method,
            route=route,
            status=sent.status,
            ms=round(1000 * seconds, 1),
            bytes=sent.count,
            client=caller.client if isinstance(caller, Caller) else None,
        )


class _Sent:
    """Adds headers to a response and watches what is sent."""

    def __init__(self, scope: Scope, send: Send, request_id: str) -> None:
        self.status = 0
        self.count = 0
        self._send = send
        self._request_id = request_id
        self._tls = scope.get("scheme") == "https"

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = self._request_id
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            if self._tls:
                headers.setdefault("Strict-Transport-Security", TLS_HEADER)
        elif message["type"] == "http.response.body":
            self.count += len(message.get("body", b""))
        await self._send(message)


class BodyLimit:
    """Bounds bodies, declared or in chunks: more is TooLarge as soon as it is seen."""

    def __init__(
        self, app: ASGIApp, *, max_body: int, max_upload: int, max_relayed: int, mute_s: float = MUTE_S
    ) -> None:
        self._app = app
        self._max_relayed = max_relayed
        self._max_body = max_body
        self._max_upload = max_upload
        self._mute_s = mute_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with a bounded body. Raises: TooLarge; BadRequest."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._limit(scope["path"])
        if _declared_length(scope) > limit:
            raise TooLarge(f"the body is longer than {limit} bytes")
        await self._app(scope, _bounded(receive, limit, self._mute_s), send)

    def _limit(self, path: str) -> int:
        if is_relayed(path):
            return self._max_relayed
        return self._max_upload + FORM_OVERHEAD if UPLOAD.fullmatch(path) else self._max_body


def _bounded(receive: Receive, limit: int, mute_s: float) -> Receive:
    """Return a channel that bounds a body's length, and the time that is waited for it (not that between its parts)."""
    seen, waited, more = 0, 0.0, True

    async def bounded() -> Message:
        nonlocal seen, waited, more
        if not more:
            return await receive()  # whether the caller is still there
        started = time.monotonic()
        try:
            with anyio.fail_after(mute_s + seen / MIN_RATE - waited):
                message = await receive()
        except TimeoutError as error:
            raise BadRequest("the body stopped coming, or came too slowly") from error
        waited += time.monotonic() - started
        more = message.get("more_body", False)
        seen += len(message.get("body", b""))
        if seen > limit:
            raise TooLarge(f"the body is longer than {limit} bytes")
        return message

    return bounded


def _declared_length(scope: Scope) -> int:
    value = Headers(scope=scope).get("content-length", "0")
    if not (value.isascii() and value.isdigit() and len(value) < 20):
        raise BadRequest("Content-Length is not a number")
    return int(value)


def _tidy_content_type(scope: Scope) -> None:
    """Write the media type in lower case: the contract's validators look it up by name."""
    scope["headers"] = [
        (name, _lower_type(value) if name == b"content-type" else value) for name, value in scope["headers"]
    ]


def _lower_type(value: bytes) -> bytes:
    kind, semicolon, options = value.partition(b";")
    return kind.strip().lower() + semicolon + options
