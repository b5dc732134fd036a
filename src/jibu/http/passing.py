"""An answer on its way back: headers filtered, bytes bounded, the end held until the exchange is in the log."""

from __future__ import annotations

import re

from starlette.types import Message, Send

from jibu.domain.errors import UpstreamBadAnswer
from jibu.domain.mediation import Service
from jibu.http.exchange import Headers, Identity, back
from jibu.http.recording import OK, Recording

NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]{1,256}")
VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
"""What a header may be (RFC 9110): a service's parser may be more generous than our server."""


class Answer:
    """Sends an answer's parts. The last one waits until the exchange is kept: nobody has an answer without proof."""

    def __init__(
        self,
        send: Send,
        recording: Recording,
        *,
        identity: Identity,
        client: str,
        service: Service,
        limit: int,
    ) -> None:
        self._send = send
        self._recording = recording
        self._identity = identity
        self._client = client
        self._service = service
        self._limit = limit
        self._left: int | None = None

    async def start(self, status: int, headers: Headers, *, bodiless: bool) -> None:
        """Send status and headers. Raises: UpstreamBadAnswer for a length that is over the limit or is none."""
        if not all(NAME.fullmatch(name) and VALUE.fullmatch(value) for name, value in headers):
            raise self._bad("has a header that is none")
        codings = [value.strip().lower() for name, value in headers if name == b"transfer-encoding"]
        if codings not in ([], [b"chunked"]):
            raise self._bad("comes in a transfer coding that is not passed on")
        if codings:
            headers = tuple(one for one in headers if one[0] != b"content-length")
        lengths = {value for name, value in headers if name == b"content-length"}
        if len(lengths) > 1 or any(not (v.isdigit() and len(v) < 19) for v in lengths):
            raise self._bad("has no length that can be told")
        self._left = None if bodiless or not lengths else int(next(iter(lengths)))
        if self._left is not None and self._left > self._limit:
            raise self._bad(f"is longer than {self._limit} bytes")
        kept = tuple(one for one in headers if one[0] != b"content-length")
        if lengths:
            kept += ((b"content-length", next(iter(lengths))),)
        self._recording.status = status
        passed = back(kept, self._identity, self._client, self._service)
        await self._send({"type": "http.response.start", "status": status, "headers": list(passed)})

    async def chunk(self, data: bytes) -> None:
        """Send a piece of the body. Raises: UpstreamBadAnswer when it is too long; Unavailable."""
        self._recording.sent(data)
        if self._recording.answered > self._limit:
            raise self._bad(f"is longer than {self._limit} bytes")
        if self._left is not None:
            self._left -= len(data)
            if self._left <= 0:
                await self._kept()
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self) -> None:
        """Keep the exchange, then end the answer. Raises: Unavailable."""
        await self._kept()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def message(self, message: Message, *, head: bool) -> None:
        """Pass on what an ASGI app sends."""
        if message["type"] == "http.response.start":
            headers = tuple((bytes(name).lower(), bytes(value)) for name, value in message.get("headers", ()))
            await self.start(message["status"], headers, bodiless=head)
        elif message["type"] == "http.response.body":
            if message.get("body"):
                await self.chunk(message["body"])
            if not message.get("more_body", False):
                await self.end()

    async def _kept(self) -> None:
        self._recording.outcome = OK
        await self._recording.end()

    def _bad(self, what: str) -> UpstreamBadAnswer:
        service = self._service.service_id
        return UpstreamBadAnswer(f"the answer of {service} {what}", service, "answer")
