"""The door for calls that an X-Road Security Server passes on: a listener of its own, open to its certificate alone.

There X-Road-Client is what the Security Server has proven, and an administrator's list says what that client may do. No
header opens anything on the ordinary listener: this door does not stand before it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from jibu.domain.errors import InvalidInput, NotFound
from jibu.domain.guests import Guests, read_client
from jibu.http.errors import BadRequest, FieldError
from jibu.http.exchange import CLIENT, SYNONYM, text_value
from jibu.http.security import CALLER
from jibu.http.server import options
from jibu.http.tracing import RequestIds, ids_from, is_request_id
from jibu.http.wire import GuardedProtocol
from jibu.settings import Settings

OPEN = ("/rag/", "/consent/")
"""This block's services: nothing else is served here, no administration, probe or page."""
TAKEN_OFF = frozenset((b"authorization", CLIENT, SYNONYM))
Accepted = Callable[[ssl.SSLObject | ssl.SSLSocket | None], bool]
"""Tells whether a connection's other end is one whose word counts."""


class Door:
    """Makes a caller of X-Road-Client. ``own``: this block's name; also its services' place at ``/r1/<own>/…``."""

    def __init__(self, app: ASGIApp, guests: Guests, own: str) -> None:
        self._app = app
        self._guests = guests
        self._relayed = tuple(f"/r1/{own}{base}".encode() for base in OPEN)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on. Raises: NotFound, BadRequest, Forbidden."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if not self._is_open(scope):
            raise NotFound("there is nothing at this address")
        client = _client(scope)
        # Into the dictionary that the outermost layer made for this request, whose log names the caller too.
        scope["extensions"][CALLER] = self._guests.caller(client)
        kept = [one for one in scope["headers"] if one[0] not in TAKEN_OFF]
        named = [(CLIENT, client.encode()), (SYNONYM, client.encode())]
        await self._app({**scope, "headers": kept + named}, receive, send)

    def _is_open(self, scope: Scope) -> bool:
        path: str = scope["path"]
        raw: bytes = scope["raw_path"]
        return path.startswith(OPEN) or raw.startswith(self._relayed)


def _client(scope: Scope) -> str:
    """Return who calls. A second header would be the consumer's own word beside the proven one. Raises: BadRequest."""
    said, other = text_value(scope, "X-Road-Client"), text_value(scope, "X-GovStack-Client")
    if said is None:
        raise _bad("a Security Server says who calls in X-Road-Client")
    try:
        client = read_client(said)
    except InvalidInput as error:
        raise _bad(str(error)) from error
    if other is not None and other != client:
        raise _bad("X-GovStack-Client and X-Road-Client name two different clients")
    return client


def _bad(what: str) -> BadRequest:
    return BadRequest(what, (FieldError("X-Road-Client", what),))


def road_ids(headers: Headers) -> RequestIds:
    """Return the ids of a request: X-Road-Id names it in the logs and problems too."""
    found, road = ids_from(headers), headers.get("x-road-id", "")
    return RequestIds(road, found.trace_id) if is_request_id(road) else found


def pinned(accepted: Accepted) -> type[asyncio.Protocol]:
    """Return a protocol that hangs up on whoever is not accepted, whatever authority signed the certificate."""

    class Pinned(GuardedProtocol):
        """HTTP with known peers: what passes through X-Road was still written by whoever is behind it."""

        refused = False

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self.refused = not accepted(transport.get_extra_info("ssl_object"))
            if self.refused:
                transport.abort()

        def data_received(self, data: bytes) -> None:
            if not self.refused:
                super().data_received(data)

    return Pinned


def server_of(settings: Settings, app: ASGIApp, tls: ssl.SSLContext, accepted: Accepted) -> uvicorn.Server:
    """Return the server of the door, ready to run."""
    chosen: dict[str, Any] = options(settings) | {
        "host": settings.xroad_inbound_host,
        "port": settings.xroad_inbound_port,
        "workers": 1,
        "factory": False,
        "http": pinned(accepted),
    }
    config = uvicorn.Config(app, **chosen)
    config.load()
    config.ssl = tls
    return uvicorn.Server(config)
