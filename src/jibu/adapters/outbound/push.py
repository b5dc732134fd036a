"""Posts to registered addresses: no redirects, no proxies, bounded time, nothing read of the answer but its status."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import httpcore

from jibu.adapters.outbound.addresses import allowed_addresses
from jibu.domain.errors import Forbidden, Misconfigured, Unavailable

CONNECTIONS = 32
UNFIT = ("\r", "\n", "\0")


class CheckedBackend(httpcore.SyncBackend):
    """Opens connections to checked addresses alone. TLS still checks the name that was asked for."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers. Raises: Forbidden, Unavailable, httpcore's own."""
        addresses = allowed_addresses(host, port, allow_private=self._allow_private)
        for address in addresses[:-1]:
            try:
                return super().connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return super().connect_tcp(addresses[-1], port, timeout, local_address, socket_options)


class HttpPusher:
    """See ``jibu.ports.Pusher``. Safe to call from several threads."""

    def __init__(
        self, *, allow_private: bool = False, timeout_s: float = 5.0, ca_file: Path | None = None
    ) -> None:
        """Raises: Misconfigured when the file of trusted authorities cannot be read."""
        try:
            trusted = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
        except (OSError, ssl.SSLError) as error:
            raise Misconfigured(f"the file of trusted authorities {ca_file} cannot be read") from error
        self._timeouts = dict.fromkeys(("connect", "read", "write", "pool"), timeout_s)
        self._pool = httpcore.ConnectionPool(
            ssl_context=trusted,
            max_connections=CONNECTIONS,
            keepalive_expiry=10.0,
            network_backend=CheckedBackend(allow_private=allow_private),
        )

    def push(self, url: str, body: bytes, headers: Sequence[tuple[str, str]]) -> int:
        """Return the HTTP status. Raises: Unavailable, Forbidden."""
        if any(char in text for pair in headers for text in pair for char in UNFIT):
            raise Forbidden("a header may not hold line breaks")
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
        except (httpcore.UnsupportedProtocol, ValueError) as error:
            raise Forbidden("this is no http or https address") from error

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()


def _host(url: httpcore.URL) -> bytes:
    default = {b"http": 80, b"https": 443}.get(url.scheme)
    host = b"[" + url.host + b"]" if b":" in url.host else url.host
    return host if url.port in {None, default} else host + b":" + str(url.port).encode()
