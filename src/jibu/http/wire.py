"""Connections: bounds where uvicorn has none, and no request that two readers could read in two ways.

A client that is not known yet may send so many bytes before it has made a request, take so long for it, and queue
so many behind it. Trailers are dropped: they are no headers (RFC 9110, 6.5). A connection whose request was answered
before its body had come is closed, so that no rest of a body is ever taken for a request.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from jibu.http.errors import BadRequest
from jibu.http.problems import MEDIA_TYPE, problem

MAX_HEAD_BYTES = 65_536
"""Most bytes of a request line and headers; twice as many for what a body in chunks holds besides (sizes, trailers)."""
MAX_QUEUED = 32
"""Most requests behind the one that is being answered on the same connection."""
LINGER_BYTES = 1_048_576
"""How much is thrown away of a body whose answer is out: closed at once, the answer could be lost."""
SLICE = 16_384
HOST = re.compile(rb"[A-Za-z0-9._~%!$&'()*+,;=:\[\]-]*")


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 over httptools, with bounds.

    ``head_s``: longest time for a request's head, from the connection or the answer before it; ``min_bytes``: fewest
    bytes of a complete answer that a caller takes in that time; ``linger_s``: how long a rest is thrown away.
    """

    head_s, min_bytes, linger_s = 30.0, 32_768, 2.0

    def __init__(self, *args: Any, **others: Any) -> None:
        super().__init__(*args, **others)
        self._in_head = True
        self._head = self._fed = self._body = self._thrown = 0
        self._deaf = self._lingering = False
        self._wrong = ""
        self._waiting: asyncio.TimerHandle | None = None
        self._unsent: int | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait so long for a request."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read in slices, so that no bound is passed by much."""
        if self._deaf:
            return
        for start in range(0, len(data), SLICE):
            if self._lingering:
                self._throw_away(len(data) - start)
                return
            part = data[start : start + SLICE]
            super().data_received(part)
            if self._deaf or self.transport.is_closing():
                return
            self._count(len(part))

    def _count(self, size: int) -> None:
        if self._in_head:
            self._head += size
            if self._head > MAX_HEAD_BYTES:
                self._refuse(f"the request line and headers are longer than {MAX_HEAD_BYTES} bytes")
            return
        self._fed += size
        if self._fed > 2 * MAX_HEAD_BYTES + 9 * self._body:
            self._refuse("the chunks hold more that is no body than body")

    # --- what the parser tells ---

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what comes after a body is none."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start or queue a request. Raises: ValueError, which the parser turns into a refusal."""
        wrong = _wrong(self.url, self.headers, self.parser.get_http_version())
        if len(self.pipeline) >= MAX_QUEUED:
            wrong = "too many requests wait on this connection"
        if wrong:
            self._wrong = wrong
            raise ValueError(wrong)
        self._in_head = False
        self._head = self._fed = self._body = 0
        self._wait_no_more()
        super().on_headers_complete()
        self.cycle.transport = cast("asyncio.Transport", _Polite(self))

    def on_body(self, body: bytes) -> None:
        """Count a body."""
        self._body += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Expect another head."""
        super().on_message_complete()
        self._in_head, self._head = True, 0

    # --- answers ---

    def on_response_complete(self) -> None:
        """Go on with the next request, or close where the body of this one is still coming."""
        idle = not self.pipeline
        super().on_response_complete()
        if self.answered_early:
            self._linger()
        elif idle:
            self._wait()

    @property
    def answered_early(self) -> bool:
        """Whether the last request was answered before its body had come."""
        return self.cycle.response_complete and self.cycle.more_body

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words
        """Refuse what cannot be read as a request; whole requests before it are still answered."""
        self._refuse(self._wrong or "this is no request that can be read")

    def _refuse(self, why: str) -> None:
        cycle = self.cycle
        unanswered = cycle is not None and cycle.more_body and not cycle.response_started
        if cycle is None or cycle.response_complete or unanswered:
            if unanswered:
                cycle.disconnected = True  # as far as the app is concerned
                cycle.message_event.set()
            found = problem(BadRequest(why), path="", trace_id=secrets.token_hex(16))
            head = f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(found.body)}\r\ncache-control: no-store\r\n"
            self.transport.write(STATUS_LINE[400] + f"{head}connection: close\r\n\r\n{found.body}".encode())
            self._linger()
        elif cycle.more_body:
            self.transport.abort()  # in the middle of its answer nothing else can be said
        else:
            cycle.keep_alive, self._deaf = False, True

    # --- time ---

    def _linger(self) -> None:
        """Say that this was the last answer, and throw away what still comes for a moment."""
        if self._lingering or self.transport.is_closing():
            return
        self._unset_keepalive_if_required()
        self._wait_no_more()
        self._lingering = True
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._waiting = self.loop.call_later(self.linger_s, self.transport.abort)

    def _throw_away(self, size: int) -> None:
        self._thrown += size
        if self._thrown > LINGER_BYTES:
            self.transport.abort()

    def _wait(self) -> None:
        self._wait_no_more()
        self._waiting = self.loop.call_later(self.head_s, self._waited)

    def _wait_no_more(self) -> None:
        self._unsent = None
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _waited(self) -> None:
        """Close, unless the last answer is still being taken at some speed."""
        left, before = self.transport.get_write_buffer_size(), self._unsent
        if left and (before is None or before - left >= self.min_bytes):
            self._wait()
            self._unsent = left
        else:
            self.transport.abort()


class _Polite:
    """A request's transport, which is not closed while a body comes whose answer is out: that would cut the answer."""

    __slots__ = ("_protocol",)

    def __init__(self, protocol: GuardedProtocol) -> None:
        self._protocol = protocol

    def __getattr__(self, name: str) -> Any:
        return getattr(self._protocol.transport, name)

    def close(self) -> None:
        """Close, or leave it to whoever waits for the rest of the body."""
        if not self._protocol.answered_early:
            self._protocol.transport.close()


def _wrong(url: bytes, headers: list[tuple[bytes, bytes]], version: str) -> str:
    """Return why a head is refused although the parser takes it; nothing where it is well."""
    hosts = [value for name, value in headers if name == b"host"]
    codings = [value for name, value in headers if name == b"transfer-encoding"]
    if version not in {"1.0", "1.1"}:
        return "HTTP/1.1 is spoken here"
    if len(hosts) > 1 or (not hosts and version == "1.1") or not all(map(HOST.fullmatch, hosts)):
        return "a request has one Host header"
    if b"#" in url:
        return "an address that is asked for has no fragment"
    if codings and (version == "1.0" or [one.strip().lower() for one in codings] != [b"chunked"]):
        return "only the transfer coding chunked is taken, once"
    return ""
