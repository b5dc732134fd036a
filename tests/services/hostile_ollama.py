"""A loopback server that speaks Ollama's protocol: honestly by itself, and as badly as a test wants it to."""

from __future__ import annotations

import contextlib
import json
import re
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from jibu.testing.memory import WORD, HashEmbedder

Json = dict[str, Any]
Script = Callable[["Exchange"], None]
"""Answers one request, in whatever way."""
EMBEDS, WRITES = "hash-embed", "writer"
_SOURCE = re.compile(r"<source-\w+ number=\"(\d+)\"[^>]*>\n(.*?)\n</source-", re.DOTALL)


class Exchange:
    """One request, and ways to answer it."""

    def __init__(self, handler: BaseHTTPRequestHandler, body: Json, closing: threading.Event) -> None:
        self._handler = handler
        self._closing = closing
        self.path = handler.path
        self.body = body

    def json(self, value: object, status: int = 200) -> None:
        """Send one JSON value."""
        self.raw(json.dumps(value).encode(), status)

    def raw(self, content: bytes, status: int = 200, **headers: str) -> None:
        """Send any bytes, their length told."""
        self._handler.send_response(status)
        for name, value in headers.items():
            self._handler.send_header(name, value)
        self._handler.send_header("Content-Length", str(len(content)))
        self._handler.end_headers()
        self._handler.wfile.write(content)

    def begin(self) -> None:
        """Start a stream whose end is the end of the connection."""
        self._handler.send_response(200)
        self._handler.send_header("Content-Type", "application/x-ndjson")
        self._handler.end_headers()

    def send(self, content: bytes) -> None:
        """Send a part of a stream."""
        self._handler.wfile.write(content)
        self._handler.wfile.flush()

    def say(self, text: str, *, done: bool = False, **more: object) -> None:
        """Send one line of a chat."""
        line = {"model": self.body["model"], "created_at": "2026-11-21T09:30:00Z", "done": done, **more}
        self.send(json.dumps({**line, "message": {"role": "assistant", "content": text}}).encode() + b"\n")

    def write(self, text: str, step: int = 7, **more: object) -> None:
        """Stream a whole text as a model would, a few characters at a time."""
        self.begin()
        for start in range(0, len(text), step):
            self.say(text[start : start + step])
        counts = {"prompt_eval_count": 120, "eval_count": 30, "done_reason": "stop"}
        self.say("", done=True, **(counts | more))

    def silence(self, seconds: float) -> None:
        """Say nothing, until the server closes at the latest."""
        self._closing.wait(seconds)

    @property
    def closing(self) -> bool:
        """Whether the server closes."""
        return self._closing.is_set()


class HostileOllama:
    """The server. ``scripts`` maps a path, such as "/api/chat", to what it does instead of the honest thing."""

    def __init__(self, scripts: dict[str, Script] | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.scripts = scripts or {}
        self.requests: list[tuple[str, Json]] = []
        self.headers: list[dict[str, str]] = []
        self.models: dict[str, Json] = {
            EMBEDS: {"capabilities": ["embedding"], "model_info": {"bert.context_length": 512}},
            WRITES: {"capabilities": ["completion"], "model_info": {"llama.context_length": 4096}},
        }
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _handler_of(self, self._closing))
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._server.server_address[1]}"
        if tls is not None:
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, name="hostile-ollama"
        )
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the server and every exchange that is under way."""
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def asked(self, path: str) -> list[Json]:
        """Return the bodies that were sent to a path."""
        return [body for where, body in self.requests if where == path]


class _Server(ThreadingHTTPServer):
    """Waits for its threads at the end; a client that hangs up is no error."""

    daemon_threads = False
    block_on_close = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients are meant to hang up here."""


def _handler_of(server: HostileOllama, closing: threading.Event) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """One connection, one request."""

        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self._answer(json.loads(content or b"{}"))

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _answer(self, body: Json) -> None:
            server.requests.append((self.path, body))
            server.headers.append({name.lower(): value for name, value in self.headers.items()})
            exchange = Exchange(self, body, closing)
            with contextlib.suppress(OSError):
                server.scripts.get(self.path, partial(honest, server))(exchange)

    return Handler


def honest(server: HostileOllama, exchange: Exchange) -> None:
    """Do what Ollama does."""
    model = str(exchange.body.get("model", "")).removesuffix(":latest")
    if exchange.path == "/api/version":
        exchange.json({"version": "0.24.0"})
    elif exchange.path == "/api/tags":
        exchange.json({"models": [{"model": f"{name}:latest", "size": 1000} for name in server.models]})
    elif exchange.path == "/api/pull":
        server.models[model] = {"capabilities": ["embedding"], "model_info": {}}
        pull(exchange)
    elif model not in server.models:
        exchange.json({"error": f"model '{model}' not found"}, 404)
    elif exchange.path == "/api/show":
        exchange.json(server.models[model])
    elif exchange.path == "/api/embed":
        embed(exchange)
    else:
        exchange.write(json.dumps(reply_to(exchange.body)))


def pull(exchange: Exchange) -> None:
    """Fetch a model of 1000 bytes."""
    exchange.begin()
    for done in (0, 500, 1000):
        part = {"status": "pulling abc", "digest": "sha256:abc", "total": 1000, "completed": done}
        exchange.send(json.dumps(part).encode() + b"\n")
    exchange.send(b'{"status": "success"}\n')


def embed(exchange: Exchange) -> None:
    """Embed by words."""
    if exchange.body["model"] != EMBEDS:
        return exchange.json({"error": "this model does not support embeddings"}, 501)
    vectors = [list(HashEmbedder().embed_query(text)) for text in exchange.body["input"]]
    return exchange.json({"model": EMBEDS, "embeddings": vectors, "prompt_eval_count": 9})


def sources_in(body: Json) -> list[tuple[int, str]]:
    """Return (number, text) of the sources in a chat's messages."""
    return [(int(n), text) for n, text in _SOURCE.findall(body["messages"][-1]["content"])]


def claims_of(*claims: tuple[str, Sequence[tuple[int, str]]], answerable: bool = True) -> Json:
    """Return a model's reply: claims of (text, (source, quote) pairs)."""
    return {
        "answerable": answerable,
        "claims": [
            {"citations": [{"source": n, "quote": quote} for n, quote in cited], "text": text}
            for text, cited in claims
        ],
    }


def reply_to(body: Json) -> Json:
    """Return what an honest, simple model says: the line that shares most words with the question."""
    question = set(WORD.findall(body["messages"][-1]["content"].rpartition("\n")[2].casefold()))
    lines = [(number, line) for number, text in sources_in(body) for line in text.splitlines()]
    scored = [(len(question & set(WORD.findall(line.casefold()))), number, line) for number, line in lines]
    best = max(scored, key=lambda one: one[0], default=(0, 0, ""))
    if best[0] < 2:
        return claims_of(answerable=False)
    return claims_of((best[2], [(best[1], best[2])]))


def endless(exchange: Exchange) -> Iterator[None]:
    """Yield until the server closes."""
    while not exchange.closing:
        yield
