"""Calls services straight at their base URLs over HTTP/1.1. No redirect, cookie, proxy or decoding of any kind."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from jibu.adapters.mediator.addresses import NotAllowed, PinnedResolver, Resolve, resolve
from jibu.domain.errors import (
    UpstreamBadAnswer,
    UpstreamError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from jibu.domain.targets import is_address, may_connect
from jibu.ports.mediation import Incoming, Outgoing

KEPT_ALIVE_S = 20.0
CONNECT_S = 5.0
CHUNK = 65_536
SAID_BY_THE_LIBRARY = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")
"""Headers that the library would add; a caller's own pass."""
TROUBLE = (aiohttp.ClientError, TimeoutError, NotAllowed, ValueError)
WORDS: tuple[tuple[type[Exception], type[UpstreamError], str, str], ...] = (
    (NotAllowed, UpstreamUnreachable, "is at an address that may not be called", "connect"),
    (aiohttp.ConnectionTimeoutError, UpstreamTimeout, "took too long to connect", "connect"),
    (TimeoutError, UpstreamTimeout, "took too long to answer", "answer"),
    (aiohttp.ClientSSLError, UpstreamUnreachable, "has no certificate that can be trusted", "connect"),
    (aiohttp.ClientConnectorError, UpstreamUnreachable, "cannot be reached", "connect"),
    (aiohttp.ServerDisconnectedError, UpstreamBadAnswer, "broke off without an answer", "answer"),
)
"""What the library says, in the mediator's words; the first that fits counts."""


class HttpUpstream:
    """Keeps connections to services; those to internal hosts apart, so that no service borrows another's right.

    ``host``: what every base URL leads to, where that is not the service itself; errors speak of it.
    """

    def __init__(
        self,
        *,
        connections: int = 1024,
        resolver: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
        connect_s: float = CONNECT_S,
        host: str | None = None,
    ) -> None:
        self._connections = connections
        self._resolver = resolver
        self._tls = tls
        self._connect_s = connect_s
        self._host = host
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def send(self, outgoing: Outgoing) -> Incoming:
        """Send a request; return its answer once the headers are there. Raises: UpstreamError, one of its kinds."""
        service = outgoing.service
        body = None if outgoing.body is None else _Body(outgoing.body)
        try:
            response = await self._in_time(outgoing, body)
        except TROUBLE as error:
            if body is not None and body.failed is not None:
                raise body.failed from error
            raise _told(error, service.service_id, self._host) from error
        if not 200 <= response.status <= 599:
            response.close()
            raise UpstreamBadAnswer(
                f"{service.service_id} answered with status {response.status}", service.service_id, "answer"
            )
        return _Answer(response, service.service_id, self._host)

    async def _in_time(self, outgoing: Outgoing, body: _Body | None) -> aiohttp.ClientResponse:
        """Bound the time to the end of the answer's headers: who drips them, or answers 1xx for ever, gains none."""
        connecting = min(CONNECT_S, outgoing.service.timeout_s)
        async with asyncio.timeout(None) as limit:

            def sent() -> None:
                limit.reschedule(asyncio.get_running_loop().time() + outgoing.service.timeout_s + connecting)

            if body is None:
                sent()
                return await self._request(outgoing, body)
            body.sent = sent
            try:
                return await self._request(outgoing, body)
            finally:
                body.sent = _nothing

    async def _request(self, outgoing: Outgoing, body: _Body | None) -> aiohttp.ClientResponse:
        service = outgoing.service
        if service.base_url is None:
            raise UpstreamUnreachable(
                f"{service.service_id} is registered without a base URL: only X-Road finds it",
                service.service_id,
                "connect",
            )
        base = urlsplit(service.base_url)
        host = base.hostname or ""
        if is_address(host) and not may_connect(host, private=service.private_host):
            raise NotAllowed
        target = base.path.rstrip("/") + outgoing.target
        slash = "" if target.startswith("/") else "/"
        return await self._session(private=service.private_host).request(
            outgoing.method,
            URL(f"{base.scheme}://{base.netloc}{slash}{target}", encoded=True),
            headers=[
                (name.decode("ascii"), value.decode())
                for name, value in outgoing.headers
                if name != b"transfer-encoding"  # the library says it of a body without a length
            ],
            data=None if body is None else body.chunks(),
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(
                total=None,
                connect=2 * self._connect_s,
                sock_connect=min(self._connect_s, service.timeout_s),
                sock_read=service.timeout_s,
            ),
        )

    def _session(self, *, private: bool) -> aiohttp.ClientSession:
        """Return the connections of this loop: they cannot be made before it runs."""
        found = self._sessions.get(private)
        if found is None or found.closed:
            connector = aiohttp.TCPConnector(
                limit=self._connections,
                ssl=self._tls or True,
                resolver=PinnedResolver(private=private, resolver=self._resolver),
                use_dns_cache=False,
                keepalive_timeout=KEPT_ALIVE_S,
            )
            found = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                requote_redirect_url=False,
                skip_auto_headers=SAID_BY_THE_LIBRARY,
                max_field_size=16_384,
            )
            self._sessions[private] = found
        return found

    async def close(self) -> None:
        """Close every connection."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()
        await asyncio.sleep(0)  # connections end in the loop's next turn


class _Body:
    """A request's body that remembers what broke it: the library would say only that sending failed."""

    def __init__(self, body: AsyncIterator[bytes]) -> None:
        self._body = body
        self.failed: Exception | None = None
        self.sent: Callable[[], None] = _nothing

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body. Raises: as the body."""
        try:
            async for chunk in self._body:
                yield chunk
            self.sent()
        except Exception as error:
            self.failed = error
            raise


class _Answer:
    """See ``jibu.ports.mediation.Incoming``."""

    def __init__(self, response: aiohttp.ClientResponse, service: str, host: str | None) -> None:
        self._response = response
        self._service = service
        self._host = host
        self.status = response.status
        self.headers = tuple((name.lower(), value) for name, value in response.raw_headers)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes. Raises: UpstreamTimeout, UpstreamBadAnswer."""
        try:
            while chunk := await self._response.content.readany():
                yield chunk
        except TROUBLE as error:
            raise _told(error, self._service, self._host) from error

    async def close(self) -> None:
        """Let go of the connection; one whose answer was read to its end is kept, another ends here and now."""
        connection = self._response.connection
        if connection is not None and connection.transport is not None:
            connection.transport.abort()
        self._response.close()


def _nothing() -> None:
    """Nobody waits for the end of a body."""


def _told(error: Exception, service: str, host: str | None) -> UpstreamError:
    """Return the mediator's word for what went wrong."""
    who = host or service
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, ConnectionRefusedError):
        return UpstreamRefused(f"{who} refused the connection", service, "connect")
    for cause, kind, what, stage in WORDS:
        if isinstance(error, cause):
            return kind(f"{who} {what}", service, stage)
    return UpstreamBadAnswer(f"{who} broke off or did not answer with HTTP", service, "answer")
