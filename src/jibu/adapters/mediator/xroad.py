"""Calls services through an X-Road Security Server: its message protocol for REST, ``/r1/…``.

Rules: https://docs.x-road.global/Protocols/pr-rest_x-road_message_protocol_for_rest.html. What the Security Server says
of itself (X-Road-Error) is told apart from what a service says, and an answer counts only when it is to what was asked.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import ssl
from dataclasses import dataclass, replace
from urllib.parse import unquote
from uuid import uuid4

from jibu.adapters.mediator.addresses import Resolve, resolve
from jibu.adapters.mediator.local import CONNECT_S, HttpUpstream
from jibu.adapters.mediator.road_errors import told
from jibu.domain.errors import UpstreamBadAnswer, UpstreamError, UpstreamRefused
from jibu.ports.mediation import Incoming, Outgoing

HOST = "the X-Road Security Server"
ERROR = b"x-road-error"
HASH_BYTES = 64
"""X-Road-Request-Hash is a SHA-512."""
SET_BY_IT = frozenset((b"x-road-service", b"x-road-request-id", b"x-road-request-hash", ERROR))
"""The Security Server says these itself; what a caller says of them must not reach a provider."""
ERROR_BYTES = 16_384
ERROR_S = 5.0


@dataclass(frozen=True, slots=True)
class _Sent:
    """What an answer has to be to."""

    service: str
    client: str
    road_id: str


class RoadUpstream:
    """Speaks with one Security Server and nobody else, wherever a service is registered."""

    def __init__(
        self,
        url: str,
        own: str,
        *,
        tls: ssl.SSLContext | None = None,
        connections: int = 1024,
        connect_s: float = CONNECT_S,
        resolver: Resolve = resolve,
    ) -> None:
        """``own``: this block's name, for calls that name no client."""
        self._url = url.rstrip("/")
        self._own = own
        self._http = HttpUpstream(
            connections=connections, tls=tls, connect_s=connect_s, resolver=resolver, host=HOST
        )

    async def send(self, outgoing: Outgoing) -> Incoming:
        """Send a request; return the service's answer once its headers are there. Raises: UpstreamError, some kind."""
        service = outgoing.service
        headers = [one for one in outgoing.headers if one[0] not in SET_BY_IT]
        client = _given(headers, b"x-road-client", self._own)
        road_id = _given(headers, b"x-road-id", str(uuid4()))
        through = replace(service, base_url=f"{self._url}/r1/{service.service_id}", private_host=True)
        try:
            answer = await self._http.send(replace(outgoing, service=through, headers=tuple(headers)))
        except UpstreamError as error:
            if not _alerted(error):
                raise
            raise UpstreamRefused(
                f"{HOST} did not accept this block's certificate", service.service_id, "connect"
            ) from error
        sent = _Sent(service.service_id, client, road_id)
        try:
            await _check(answer, sent)
        except BaseException:
            await answer.close()
            raise
        return answer

    async def close(self) -> None:
        """Close every connection."""
        await self._http.close()


def _given(headers: list[tuple[bytes, bytes]], name: bytes, default: str) -> str:
    """Return a header's value; without one, set it."""
    found = [value for key, value in headers if key == name]
    if found:
        return found[-1].decode()
    headers.append((name, default.encode()))
    return default


def _alerted(error: UpstreamError) -> bool:
    """Tell whether TLS broke off by an alert: that is what a server says of a certificate, in TLS 1.3 a little late."""
    cause: BaseException | None = error.__cause__
    while cause is not None:
        inner = getattr(cause, "os_error", cause)
        if isinstance(inner, ssl.SSLError) and "ALERT" in (inner.reason or "").upper():
            return True
        cause = cause.__cause__ or cause.__context__
    return False


async def _check(answer: Incoming, sent: _Sent) -> None:
    """Raises: UpstreamError where X-Road failed; UpstreamBadAnswer where this is no answer to what was sent."""
    found: dict[bytes, list[str]] = {}
    for name, value in answer.headers:
        found.setdefault(name, []).append(value.decode("latin-1").strip())
    proven = b"x-road-request-hash" in found
    if ERROR in found and not proven:
        raise told(found[ERROR][-1], await _text(answer), sent.service)
    wrong = _wrong(found, sent)
    if wrong is not None:
        raise UpstreamBadAnswer(f"the answer through {HOST} {wrong}", sent.service, "answer")


def _wrong(found: dict[bytes, list[str]], sent: _Sent) -> str | None:
    """Return what shows that an answer is not to what was sent. A provider's own headers may stand before X-Road's."""
    last = {name: values[-1] for name, values in found.items()}
    checks = (
        (ERROR not in found, "is a service's and an error of X-Road at once"),
        (found.get(b"x-road-id") == [sent.road_id], "has another X-Road-Id than the request"),
        (_is_hash(found.get(b"x-road-request-hash", [])), "has no X-Road-Request-Hash that is one"),
        (bool(last.get(b"x-road-request-id")), "has no X-Road-Request-Id"),
        (
            unquote(last.get(b"x-road-service", "")) == sent.service,
            "has another X-Road-Service than was called",
        ),
        (
            unquote(last.get(b"x-road-client", "")) == sent.client,
            "has another X-Road-Client than the request",
        ),
    )
    return next((what for holds, what in checks if not holds), None)


def _is_hash(values: list[str]) -> bool:
    try:
        return len(values) == 1 and len(base64.b64decode(values[0], validate=True)) == HASH_BYTES
    except (ValueError, binascii.Error):
        return False


async def _text(answer: Incoming) -> str:
    """Return the beginning of an error's body; nothing where it does not come."""
    body = b""
    try:
        async with asyncio.timeout(ERROR_S):
            async for chunk in answer.chunks():
                body += chunk
                if len(body) > ERROR_BYTES:
                    break
    except (TimeoutError, UpstreamError):
        pass
    return re.sub(r"\s+", " ", body[:ERROR_BYTES].decode("utf-8", "replace"))
