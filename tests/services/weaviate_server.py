"""A running Weaviate that tests may use: JIBU_TEST_WEAVIATE_URL and, where needed, _GRPC_URL and _API_KEY.

There is no package for it, so it is not installed by the tests. Collections that tests make begin with ``JibuTest``.
Tests that kill a server start one of their own: JIBU_TEST_WEAVIATE_BINARY is the path of its program.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from tests.services.unrun import needs

from jibu.adapters.index.weaviate.connection import Server
from jibu.adapters.index.weaviate.index import WeaviateIndex
from jibu.adapters.index.weaviate.schema import Layout

URL = "JIBU_TEST_WEAVIATE_URL"
BINARY = "JIBU_TEST_WEAVIATE_BINARY"
NEEDED = needs("Weaviate", URL)
BINARY_NEEDED = needs("Weaviate, killed", BINARY)
START_S = 60.0
PORTS = ("http", "grpc", "gossip", "data", "raft", "rpc")


def told() -> bool:
    """Tell whether there is one."""
    return bool(os.environ.get(URL))


def server() -> Server:
    """Return where it is."""
    return Server(
        os.environ[URL],
        grpc_url=os.environ.get("JIBU_TEST_WEAVIATE_GRPC_URL"),
        api_key=os.environ.get("JIBU_TEST_WEAVIATE_API_KEY"),
    )


class Names:
    """Names for collections of one test, which are all dropped at its end."""

    def __init__(self) -> None:
        self._prefix = f"JibuTest{uuid4().hex[:12]}"
        self._opened: dict[str, Layout] = {}
        self._stack = ExitStack()

    def open(self, name: str, embedder: str, dimension: int) -> WeaviateIndex:
        """Open the collection of that name."""
        layout = Layout(f"{self._prefix}_{name}", embedder, dimension)
        index = WeaviateIndex(server(), layout)
        self._opened.setdefault(name, layout)
        self._stack.callback(index.close)
        return index

    def drop(self) -> None:
        """Delete every collection and close every index."""
        for layout in self._opened.values():
            index = WeaviateIndex(server(), layout)
            index.drop()
            index.close()
        self._stack.close()


@contextmanager
def names() -> Iterator[Names]:
    """Give names and clean up behind them."""
    given = Names()
    try:
        yield given
    finally:
        given.drop()


class OwnServer:
    """A Weaviate on free loopback ports with a folder of its own, to be killed."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="jibu-weaviate-"))
        self._ports = _free_ports()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def server(self) -> Server:
        """Where it is."""
        return Server(
            f"http://127.0.0.1:{self._ports['http']}",
            grpc_url=f"http://127.0.0.1:{self._ports['grpc']}",
            api_key="only for tests",
            query_timeout_s=5.0,
        )

    def start(self) -> None:
        """Start it; ``wait`` tells when it is there."""
        port = {name: str(number) for name, number in self._ports.items()}
        settings = {
            "PERSISTENCE_DATA_PATH": str(self._folder / "data"),
            "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "false",
            "AUTHENTICATION_APIKEY_ENABLED": "true",
            "AUTHENTICATION_APIKEY_ALLOWED_KEYS": "only for tests",
            "AUTHENTICATION_APIKEY_USERS": "jibu",
            "AUTHORIZATION_ADMINLIST_ENABLED": "true",
            "AUTHORIZATION_ADMINLIST_USERS": "jibu",
            "DEFAULT_VECTORIZER_MODULE": "none",
            "ENABLE_API_BASED_MODULES": "false",
            "AUTOSCHEMA_ENABLED": "false",
            "DISABLE_TELEMETRY": "true",
            "GRPC_PORT": port["grpc"],
            "CLUSTER_HOSTNAME": "node1",
            "CLUSTER_ADVERTISE_ADDR": "127.0.0.1",
            "CLUSTER_GOSSIP_BIND_PORT": port["gossip"],
            "CLUSTER_DATA_BIND_PORT": port["data"],
            "RAFT_PORT": port["raft"],
            "RAFT_INTERNAL_RPC_PORT": port["rpc"],
            "RAFT_BOOTSTRAP_EXPECT": "1",
            "RAFT_JOIN": f"node1:{port['raft']}",
            "GO_PROFILING_DISABLE": "true",
            "LOG_LEVEL": "error",
        }
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [os.environ[BINARY], "--host", "127.0.0.1", "--port", port["http"], "--scheme", "http"],
                env={**os.environ, **settings},
                stdout=log,
                stderr=log,
            )

    def wait(self) -> None:
        """Wait until it says that it is ready."""
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            with suppress(OSError):
                urllib.request.urlopen(f"{self.server.url}/v1/.well-known/ready", timeout=1).close()  # noqa: S310
                return
            time.sleep(0.1)
        raise AssertionError((self._folder / "log").read_text()[-2000:])

    def kill(self) -> None:
        """End it without a warning."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        """Kill it and take its folder away."""
        self.kill()
        shutil.rmtree(self._folder)


def _free_ports() -> dict[str, int]:
    with ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in PORTS]
        for one in held:
            one.bind(("127.0.0.1", 0))
        return {name: one.getsockname()[1] for name, one in zip(PORTS, held, strict=True)}
