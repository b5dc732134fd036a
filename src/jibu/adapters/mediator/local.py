"""Calls services straight at their base URLs over HTTP/1.1. No redirect, cookie, proxy or decoding of any kind."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpcore

from jibu.adapters.mediator.addresses import NotAllowed, PinnedNetwork, Resolve, resolve
from jibu.domain.errors import (
    UpstreamBadAnswer,
    UpstreamError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from jibu.ports.mediation import Incoming, Outgoing

KEPT_ALIVE, KEPT_ALIVE_S = 128, 20.0
CONNECT_S = 5.0
REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS"})
TROUBLE = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, NotAllowed)

WORDS: tuple[tuple[type[Exception], type[UpstreamError], str, str], ...] = (
    (NotAllowed, UpstreamUnreachable, "is at an address that may not be called", "connect"),
    (httpcore.PoolTimeout, UpstreamTimeout, "has too many calls under way", "connect"),
    (httpcore.ConnectTimeout, UpstreamTimeout, "took too long to connect", "connect"),
    (httpcore.ConnectError, UpstreamUnreachable, "cannot be reached", "connect"),
    (httpcore.WriteTimeout, UpstreamTimeout, "took too long to take the request", "send"),
    (httpcore.TimeoutException, UpstreamTimeout, "took too long to answer", "answer"),
    (httpcore.WriteError, UpstreamBadAnswer, "did not take the whole request", "send"),
)
"""What the library says, in the mediator's words; the first that fits counts."""


class HttpUpstream:
    """Keeps connections to services; those to internal hosts apart, so that no service borrows another's right."""

    def __init__(self, *, connections: int = 1024, resolver: Resolve = resolve) -> None:
        self._pools = {
            private: httpcore.AsyncConnectionPool(
                ssl_context=ssl.create_default_context(),
                max_connections=connections,
                max_keepalive_connections=KEPT_ALIVE,
                keepalive_expiry=KEPT_ALIVE_S,
                network_backend=PinnedNetwork(private=private, resolver=resolver),
            )
            for private in (False, True)
        }

    async def send(self, outgoing: Outgoing) -> Incoming:
        """Send a request; return its answer once the headers are there. Raises: UpstreamError, one of its kinds."""
        service = outgoing.service.service_id
        try:
            try:
                response = await self._request(outgoing)
            except httpcore.RemoteProtocolError:
                # A kept connection may end just as it is used again; what changes nothing may be asked twice.
                if outgoing.method not in REPEATABLE or outgoing.body is not None:
                    raise
                response = await self._request(outgoing)
        except TROUBLE as error:
            raise _told(error, service) from error
        if not 200 <= response.status <= 599:
            await response.aclose()
            raise UpstreamBadAnswer(f"{service} answered with status {response.status}", service, "answer")
        return _Answer(response, service)

    async def _request(self, outgoing: Outgoing) -> httpcore.Response:
        parts = urlsplit(outgoing.service.base_url or "")
        seconds = outgoing.service.timeout_s
        url = httpcore.URL(
            scheme=parts.scheme.encode(),
            host=(parts.hostname or "").encode(),
            port=parts.port,
            target=(parts.path.rstrip("/") + outgoing.target or "/").encode(),
        )
        request = httpcore.Request(
            outgoing.method,
            url,
            headers=[(b"Host", parts.netloc.encode()), *outgoing.headers],
            content=outgoing.body,
            extensions={
                "timeout": {
                    "connect": min(CONNECT_S, seconds),
                    "read": seconds,
                    "write": seconds,
                    "pool": min(CONNECT_S, seconds),
                }
            },
        )
        return await self._pools[outgoing.service.private_host].handle_async_request(request)

    async def close(self) -> None:
        """Close every connection."""
        for pool in self._pools.values():
            await pool.aclose()


class _Answer:
    """See ``jibu.ports.mediation.Incoming``."""

    def __init__(self, response: httpcore.Response, service: str) -> None:
        self._response = response
        self._service = service
        self.status = response.status
        self.headers = tuple((name.lower(), value) for name, value in response.headers)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes. Raises: UpstreamTimeout, UpstreamBadAnswer."""
        try:
            async for chunk in self._response.aiter_stream():
                yield chunk
        except TROUBLE as error:
            raise _told(error, self._service) from error

    async def close(self) -> None:
        """Let go of the connection."""
        await self._response.aclose()


def _told(error: Exception, service: str) -> UpstreamError:
    """Return the mediator's word for what went wrong."""
    if isinstance(error, httpcore.ConnectError) and _refused(error):
        return UpstreamRefused(f"{service} refused the connection", service, "connect")
    for cause, kind, what, stage in WORDS:
        if isinstance(error, cause):
            return kind(f"{service} {what}", service, stage)
    return UpstreamBadAnswer(f"{service} broke off or did not answer with HTTP", service, "answer")


def _refused(error: BaseException) -> bool:
    """Tell whether the system said that nobody listens, anywhere in the chain of causes."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, ConnectionRefusedError):
            return True
        if isinstance(found, BaseExceptionGroup) and any(map(_refused, found.exceptions)):
            return True
        found = found.__cause__ or found.__context__
    return False
