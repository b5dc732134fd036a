"""One connection to a server, which ends at its deadline, at its size, or at once when it is hung up."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import httpx

CONNECT_S = 5.0


class TooMuch(Exception):
    """The server sent more than any honest answer has."""


class Line(httpx.BaseTransport):
    """Carries one request on a connection of its own. Use as a context manager; it closes the connection.

    Timeouts between bytes do not bound a server that sends one byte at a time, so a timer shuts the socket down when
    ``seconds`` are over. ``hang_up`` does the same from any thread: whoever reads gets an error at once.
    """

    def __init__(self, *, seconds: float, max_bytes: int, trust: ssl.SSLContext | bool) -> None:
        # A new connection for each request: none can be a dead one that an earlier server left.
        self._inner = httpx.HTTPTransport(
            verify=trust, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
        )
        self._max_bytes = max_bytes
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._gone = False
        self._timer = threading.Timer(seconds, self._time_out)
        self._timer.daemon = True
        self.timed_out = False

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self._timer.cancel()
        self._timer.join()  # it is quick, and no thread may be left
        self._inner.close()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        request.extensions = {**request.extensions, "trace": self._trace}
        found = self._inner.handle_request(request)
        return httpx.Response(
            found.status_code,
            headers=found.headers,
            stream=_Bounded(found, self._max_bytes),
            extensions=found.extensions,
        )

    def close(self) -> None:
        """Do nothing: the line outlives the client that uses it."""

    def hang_up(self) -> None:
        """End the connection now, whoever reads from it. Safe from any thread, and more than once."""
        with self._lock:
            self._gone = True
            for one in self._sockets:
                _shut(one)

    def _time_out(self) -> None:
        self.timed_out = True
        self.hang_up()

    def _trace(self, event: str, info: dict[str, Any]) -> None:
        """Remember the socket as soon as there is one: a silent server has sent no response to take it from."""
        if event not in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            return
        with self._lock:
            found = info["return_value"].get_extra_info("socket")
            self._sockets.append(found)
            if self._gone:
                _shut(found)


class _Bounded(httpx.SyncByteStream):
    """A response's bytes, up to a limit."""

    def __init__(self, response: httpx.Response, limit: int) -> None:
        self._response = response
        self._left = limit

    def __iter__(self) -> Iterator[bytes]:
        """Yield what comes. Raises: TooMuch, httpx.HTTPError."""
        for part in self._response.iter_raw():
            self._left -= len(part)
            if self._left < 0:
                raise TooMuch
            yield part

    def close(self) -> None:
        """Close the response."""
        self._response.close()


def _shut(found: socket.socket) -> None:
    with suppress(OSError):
        socket.socket.shutdown(found, socket.SHUT_RDWR)  # TLS's own shutdown would wait for the other side
