"""What Weaviate's HTTP side says, from a script: enough for an index to be opened, refused or put off."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from jibu.adapters.index.weaviate.schema import Layout


@dataclass
class Script:
    """What is answered; tests change it as they go.

    ``meta`` is (status, body); ``collection`` and ``done`` are the two collections of an index, None: not there.
    """

    url: str = ""
    meta: tuple[int, Any] = (200, {"version": "1.38.11", "hostname": "http://x", "modules": {}})
    ready: int = 200
    collection: dict[str, Any] | None = None
    done: dict[str, Any] | None = None
    create: int = 200
    keys: list[str | None] = field(default_factory=list)
    created: list[Any] = field(default_factory=list)


def collection(layout: Layout) -> dict[str, Any]:
    """Return a collection as Weaviate 1.38 describes it."""
    return as_told(layout.schema)


def as_told(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema with what Weaviate adds to it."""
    told: dict[str, Any] = json.loads(json.dumps(schema))
    told["invertedIndexConfig"]["stopwords"] |= {"additions": None, "removals": None}
    told["invertedIndexConfig"]["cleanupIntervalSeconds"] = 60
    told["multiTenancyConfig"] |= {"autoTenantActivation": False, "autoTenantCreation": False}
    told["replicationConfig"] |= {"deletionStrategy": "TimeBasedResolution", "asyncEnabled": False}
    told["shardingConfig"] |= {
        "actualCount": 1,
        "actualVirtualCount": 128,
        "desiredVirtualCount": 128,
        "function": "murmur3",
        "key": "_id",
        "strategy": "hash",
        "virtualPerPhysical": 128,
    }
    vector = told["vectorConfig"]["default"]["vectorIndexConfig"]
    vector |= dict.fromkeys(("dynamicEfFactor", "dynamicEfMax", "dynamicEfMin", "ef", "efConstruction"), 8)
    vector |= {"cleanupIntervalSeconds": 300, "filterStrategy": "acorn", "flatSearchCutoff": 40000}
    vector |= {"maxConnections": 32, "skip": False, "vectorCacheMaxObjects": 1}
    vector |= {kind: {"enabled": False} for kind in ("bq", "pq", "rq", "sq")}
    return told


class _Handler(BaseHTTPRequestHandler):
    script: Script

    def do_GET(self) -> None:
        self.script.keys.append(self.headers.get("Authorization"))
        if self.path == "/v1/meta":
            self._say(*self.script.meta)
        elif self.path == "/v1/.well-known/ready":
            self._say(self.script.ready, {})
        elif self.path.startswith("/v1/schema/"):
            told = self.script.done if self.path.endswith("_done") else self.script.collection
            self._say(404 if told is None else 200, told or {})
        else:
            self._say(404, {})

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        if self.script.create != 200:
            self._say(self.script.create, {"error": [{"message": "no"}]})
            return
        schema = json.loads(sent)
        self.script.created.append(schema)
        told = as_told(schema)
        if schema["class"].endswith("_done"):
            self.script.done = told
        else:
            self.script.collection = told
        self._say(200, told)

    def _say(self, status: int, body: object) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def scripted() -> Iterator[Script]:
    """Serve a script on a free loopback port."""
    script = Script()
    handler = type("Handler", (_Handler,), {"script": script})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    script.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield script
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
