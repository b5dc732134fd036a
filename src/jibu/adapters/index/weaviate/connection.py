"""The connection to Weaviate: opened when it can be, with every failure told in the domain's words."""

from __future__ import annotations

import logging
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jibu.adapters.index.weaviate.failing import Failed, fail_fast
from jibu.adapters.index.weaviate.schema import check_versions
from jibu.domain.errors import Away, Misconfigured, Unavailable

if TYPE_CHECKING:
    from weaviate import WeaviateClient

PAUSE_S = 0.5
"""After a failed attempt to connect, calls within this time fail at once."""

GRPC_PORT = 50051
WHERE = "see JIBU_WEAVIATE_URL"

UNKNOWN_YET = ("could not find class", "non-existing index", "class not found")
"""What calls are told while Weaviate starts and has not read its schema yet."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where Weaviate is and how to speak to it. ``grpc_url`` None: port 50051 of the same host. Times in seconds."""

    url: str
    grpc_url: str | None = None
    api_key: str | None = None
    connect_timeout_s: float = 2.0
    query_timeout_s: float = 10.0
    write_timeout_s: float = 60.0


class Connection:
    """Holds one client for all threads. Raises on creation: Misconfigured (the address)."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._http = _address(server.url, "JIBU_WEAVIATE_URL", None)
        self._grpc = _address(
            server.grpc_url or f"{self._http.scheme}://{_host(self._http.host)}:{GRPC_PORT}",
            "JIBU_WEAVIATE_GRPC_URL",
            GRPC_PORT,
        )
        self._lock = threading.Lock()
        self._client: WeaviateClient | None = None
        self._closed = False
        self._failed: tuple[float, Unavailable] | None = None

    def client(self) -> WeaviateClient:
        """Return the client, connecting where that has not worked yet. Raises: Away, Misconfigured, Unavailable."""
        if self._client is not None:
            return self._client
        with self._lock:
            if self._closed:
                raise Unavailable("the index is closed")
            if self._client is None:
                self._client = self._connect()
            return self._client

    def close(self) -> None:
        """Let go of all connections; safe to call twice."""
        with self._lock:
            client, self._client, self._closed = self._client, None, True
        if client is not None:
            client.close()

    def _connect(self) -> WeaviateClient:
        if self._failed is not None and time.monotonic() - self._failed[0] < PAUSE_S:
            raise Away(str(self._failed[1]))
        try:
            return self._open()
        except Unavailable as error:
            self._failed = (time.monotonic(), error)
            raise

    def _open(self) -> WeaviateClient:
        weaviate = _vendor()
        with translated():
            client = self._make(weaviate)
            try:
                _start(client)
                check_versions(client.get_meta()["version"], weaviate.__version__)
                fail_fast(client)
            except BaseException:
                client.close()
                raise
        return client

    def _make(self, weaviate: Any) -> WeaviateClient:
        from weaviate.classes.init import AdditionalConfig, Auth, Timeout
        from weaviate.config import GrpcConfig
        from weaviate.connect import ConnectionParams

        s = self._server
        client: WeaviateClient = weaviate.WeaviateClient(
            connection_params=ConnectionParams.from_params(
                http_host=self._http.host,
                http_port=self._http.port,
                http_secure=self._http.secure,
                grpc_host=self._grpc.host,
                grpc_port=self._grpc.port,
                grpc_secure=self._grpc.secure,
            ),
            auth_client_secret=Auth.api_key(s.api_key) if s.api_key else None,
            # Its own checks would look for a newer client on the network at each start.
            skip_init_checks=True,
            additional_config=AdditionalConfig(
                timeout=Timeout(init=s.connect_timeout_s, query=s.query_timeout_s, insert=s.write_timeout_s),
                trust_env=self._http.secure,  # SSL_CERT_FILE names a private authority
                grpc_config=GrpcConfig(channel_options=_CHANNEL, credentials=_credentials(self._grpc)),
            ),
        )
        return client


_CHANNEL = [
    # By default a channel waits up to two minutes before it looks for a server that went away.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # A server that vanished without a word is noticed.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 5_000),
]


@dataclass(frozen=True, slots=True)
class _Address:
    scheme: str
    host: str
    port: int

    @property
    def secure(self) -> bool:
        return self.scheme == "https"


def _address(url: str, setting: str, port: int | None) -> _Address:
    try:
        parts = urlsplit(url)
        found = parts.port
    except ValueError:
        raise Misconfigured(f"{setting} is not an address") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query:
        raise Misconfigured(f"{setting} must look like http://host:port or https://host:port")
    if parts.path not in {"", "/"}:
        raise Misconfigured(f"{setting} must not have a path")
    return _Address(parts.scheme, parts.hostname, found or port or (443 if parts.scheme == "https" else 80))


def _host(name: str) -> str:
    return f"[{name}]" if ":" in name else name


def _credentials(address: _Address) -> Any:
    """Return what a secure channel trusts: the file that SSL_CERT_FILE names or the system's, as for HTTP."""
    if not address.secure:
        return None
    import ssl
    from pathlib import Path

    import grpc

    file = ssl.get_default_verify_paths().cafile
    return grpc.ssl_channel_credentials(Path(file).read_bytes() if file else None)


def _vendor() -> Any:
    try:
        with warnings.catch_warnings(record=True):  # what the client itself imports warns of its own imports
            import weaviate
    except ImportError as error:
        raise Misconfigured(
            "index=weaviate needs weaviate-client: pip install 'jibu-bb[production]'"
        ) from error
    # It logs whole objects that the server did not take.
    logging.getLogger("weaviate-client").setLevel(logging.CRITICAL + 1)
    return weaviate


def _start(client: WeaviateClient) -> None:
    """Connect, and tell a server that is away from one that is none or too old."""
    from weaviate.exceptions import (
        ResponseCannotBeDecodedError,
        UnexpectedStatusCodeError,
        WeaviateStartUpError,
    )

    try:
        client.connect()
    except WeaviateStartUpError as error:
        if "is not supported" in str(error):
            raise Misconfigured("Weaviate is too old: this release needs 1.30 or newer") from error
        raise Away(f"Weaviate does not answer: {WHERE}") from error
    except UnexpectedStatusCodeError as error:
        if error.status_code in {400, 404, 405}:
            raise Misconfigured(f"what answers is not Weaviate: {WHERE}") from error
        raise
    except (ResponseCannotBeDecodedError, ValueError, KeyError, TypeError) as error:
        raise Misconfigured(f"what answers is not Weaviate: {WHERE}") from error
    if not client.is_ready():
        raise Away("Weaviate is starting")


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the client and its transports raise into the port's errors. No text of the server gets through."""
    import httpx
    from weaviate import exceptions as vendor

    try:
        yield
    except Failed as error:
        raise _of_grpc(error) from error
    except vendor.UnexpectedStatusCodeError as error:
        raise _of_http(error.status_code) from error
    except vendor.AuthenticationFailedError as error:
        raise _refused() from error
    except (
        httpx.HTTPError,
        vendor.WeaviateConnectionError,
        vendor.WeaviateTimeoutError,
        vendor.WeaviateClosedClientError,
        vendor.WeaviateGRPCUnavailableError,
        vendor.WeaviateStartUpError,
    ) as error:
        raise Away("Weaviate does not answer") from error
    except vendor.WeaviateBaseError as error:
        raise Unavailable(f"Weaviate failed ({type(error).__name__})") from error


def _of_grpc(error: Failed) -> Exception:
    if error.status in {"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED"}:
        return Away("Weaviate does not answer")
    if any(words in error.detail for words in UNKNOWN_YET):
        return Away(
            "Weaviate does not know the index. Is it starting? If this lasts, the index was dropped: "
            "restart Jibu, which makes it again, and run `jibu reindex`"
        )
    if error.status in {"UNAUTHENTICATED", "PERMISSION_DENIED"}:
        return _refused()
    return Unavailable(f"Weaviate failed ({error.status})")


def _of_http(status: int) -> Exception:
    if status in {401, 403}:
        return _refused()
    if status == 429 or status >= 500:
        return Away(f"Weaviate does not answer (HTTP {status})")
    return Unavailable(f"Weaviate failed (HTTP {status})")


def _refused() -> Misconfigured:
    return Misconfigured(
        "Weaviate refuses the API key: see JIBU_WEAVIATE_API_KEY_FILE, and what the key may do in Weaviate"
    )
