"""Posts to registered addresses: no redirects, no proxies, bounded time, nothing read of the answer but its status."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import httpcore

from jibu.adapters.outbound.addresses import allowed_addresses
from jibu.domain.errors import Forbidden, Misconfigured, Unavailable

CONNECTIONS = 32
UNFIT = ("\r", "\n", "\0")


CHUNK = 16_384


class TimedStream(httpcore.NetworkStream):
    """A connection on which ``left`` says how long each step may still take: who drips bytes gains no time."""

    def __init__(self, inner: httpcore.NetworkStream, left: Callable[[], float]) -> None:
        self._inner = inner
        self._left = left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the protocol's, unused
        """Read. Raises: httpcore's own."""
        return self._inner.read(max_bytes, self._left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - the protocol's, unused
        """Write, looking at the time in between. Raises: httpcore's own."""
        for start in range(0, len(buffer), CHUNK):
            self._inner.write(buffer[start : start + CHUNK], self._left())

    def close(self) -> None:
        """Hang up."""
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the protocol's, unused
    ) -> httpcore.NetworkStream:
        """Go on in TLS. Raises: httpcore's own."""
        return TimedStream(self._inner.start_tls(ssl_context, server_hostname, self._left()), self._left)

    def get_extra_info(self, info: str) -> Any:
        """Return what the connection knows."""
        return self._inner.get_extra_info(info)


class CheckedBackend(httpcore.SyncBackend):
    """Opens connections to checked addresses alone. TLS still checks the name that was asked for."""

    def __init__(self, *, allow_private: bool, left: Callable[[], float]) -> None:
        self._allow_private = allow_private
        self._left = left

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the protocol's, unused
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers. Raises: Forbidden, Unavailable, httpcore's own."""
        addresses = allowed_addresses(host, port, allow_private=self._allow_private)
        for address in addresses[:-1]:
            try:
                return self._open(address, port, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return self._open(addresses[-1], port, local_address, socket_options)

    def _open(
        self, address: str, port: int, local_address: str | None, options: Iterable[Any] | None
    ) -> httpcore.NetworkStream:
        stream = super().connect_tcp(address, port, self._left(), local_address, options)
        return TimedStream(stream, self._left)


class HttpPusher:
    """See ``jibu.ports.Pusher``. Safe to call from several threads."""

    def __init__(
        self, *, allow_private: bool = False, timeout_s: float = 5.0, ca_file: Path | None = None
    ) -> None:
        """``timeout_s``: longest time for one push. Raises: Misconfigured (file of authorities cannot be read)."""
        try:
            trusted = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
        except (OSError, ssl.SSLError) as error:
            raise Misconfigured(f"the file of trusted authorities {ca_file} cannot be read") from error
        self._timeouts = dict.fromkeys(("connect", "read", "write", "pool"), timeout_s)
        self._timeout_s = timeout_s
        self._mine = threading.local()
        self._pool = httpcore.ConnectionPool(
            ssl_context=trusted,
            max_connections=CONNECTIONS,
            keepalive_expiry=10.0,
            network_backend=CheckedBackend(allow_private=allow_private, left=self._left),
        )

    def push(self, url: str, body: bytes, headers: Sequence[tuple[str, str]]) -> int:
        """Return the HTTP status. Raises: Unavailable, Forbidden."""
        if any(char in text for pair in headers for text in pair for char in UNFIT):
            raise Forbidden("a header may not hold line breaks")
        self._mine.until = time.monotonic() + self._timeout_s
        try:
            parsed = httpcore.URL(url)
            host = [(b"Host", _host(parsed)), (b"Content-Length", str(len(body)).encode())]
            sent = [*host, *((name.encode(), value.encode()) for name, value in headers)]
            with self._pool.stream(
                "POST", parsed, headers=sent, content=body, extensions={"timeout": self._timeouts}
            ) as answer:
                return int(answer.status)  # what the other side says beyond that is of no use here
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise Unavailable(f"no good answer: {type(error).__name__}") from error
        except (httpcore.UnsupportedProtocol, ValueError, TypeError) as error:
            raise Forbidden("this is no http or https address") from error

    def _left(self) -> float:
        """Return how long this thread's push may still take. Raises: httpcore.ReadTimeout when it is over."""
        left: float = self._mine.until - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the time for this push is over")
        return left

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()


def _host(url: httpcore.URL) -> bytes:
    default = {b"http": 80, b"https": 443}.get(url.scheme)
    host = b"[" + url.host + b"]" if b":" in url.host else url.host
    return host if url.port in {None, default} else host + b":" + str(url.port).encode()
