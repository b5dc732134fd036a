"""A service that speaks the contract of `/rag/v1` with prepared answers, for tests of the page alone."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from a2wsgi import WSGIMiddleware
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from tests.e2e.scripted_answers import ANSWERS, DOCUMENTS, VERSIONS

from jibu.locales import Catalogue
from jibu.web.app import Example, create_pages

TOKEN = "token-of-the-page"
EXAMPLES = (
    Example("How much does a passport cost?", "en"),
    Example("What do I need to register a birth?", "en"),
    Example("كم تكلفة جواز السفر؟", "ar"),
    Example("តើលិខិតឆ្លងដែនមានតម្លៃប៉ុន្មាន?", "km"),
)


@dataclass
class Seen:
    """What the service was asked."""

    bodies: list[Any] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    feedback: list[Any] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)


def _problem(status: int, **headers: str) -> JSONResponse:
    body = {"type": "about:blank", "title": "no", "status": status, "traceId": "trace-1"}
    return JSONResponse(body, status, headers, media_type="application/problem+json")


PROBLEMS = {
    "Busy?": lambda: _problem(429, **{"Retry-After": "7"}),
    "Down?": lambda: _problem(503, **{"Retry-After": "5"}),
    "Bad?": lambda: _problem(400),
    "Forbidden?": lambda: _problem(403),
}


def _event(name: str, data: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


async def _slowly(whole: bytes, step: int = 7) -> AsyncIterator[bytes]:
    """Yield a few bytes at a time, so that characters and events arrive in pieces."""
    for at in range(0, len(whole), step):
        yield whole[at : at + step]
        if at % (step * 40) == 0:
            await asyncio.sleep(0.002)


async def _stream(made: dict[str, Any]) -> AsyncIterator[bytes]:
    yield b": keep-alive\n\n"
    async for piece in _slowly(_event("sources", {"citations": made["citations"]})):
        yield piece
    for word in made["answer"].split(" "):
        async for piece in _slowly(_event("token", {"text": f"{word} "})):
            yield piece
    async for piece in _slowly(_event("done", made), 500):
        yield piece


async def _endless(seen: Seen) -> AsyncIterator[bytes]:
    try:
        yield _event("sources", {"citations": []})
        for number in range(10_000):
            yield _event("token", {"text": f"word {number} "})
            await asyncio.sleep(0.02)
    finally:
        seen.left.set()


async def _broken(*, told: bool) -> AsyncIterator[bytes]:
    yield _event("token", {"text": "Half an ans"})
    if told:
        yield _event("error", {"type": "about:blank", "title": "no", "status": 500, "traceId": "trace-2"})


class Service:
    """The handlers."""

    def __init__(self) -> None:
        self.seen = Seen()
        self.minted = 0

    async def query(self, request: Request) -> Response:
        """Answer with the stream, or the problem, that belongs to the question."""
        token = request.headers.get("authorization", "")
        self.seen.tokens.append(token)
        if token != f"Bearer {TOKEN}":
            return _problem(401)
        body = await request.json()
        self.seen.bodies.append(body)
        question = body["question"]
        if question in PROBLEMS:
            return PROBLEMS[question]()
        if question == "Endless?":
            stream = _endless(self.seen)
        elif question in ("Cut?", "Broken?"):
            stream = _broken(told=question == "Broken?")
        else:
            stream = _stream(ANSWERS[question]())
        return StreamingResponse(
            stream, media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    async def text(self, request: Request) -> Response:
        """Return a document's text, only in the version that is cited."""
        document = request.path_params["document_id"]
        self.seen.texts.append(str(request.url.query))
        if document not in DOCUMENTS or request.query_params.get("version") != str(VERSIONS[document]):
            return _problem(404)
        return PlainTextResponse(DOCUMENTS[document])

    async def rate(self, request: Request) -> Response:
        """Take a rating."""
        self.seen.feedback.append((request.path_params["answer_id"], await request.json()))
        return Response(status_code=204)

    def mint(self) -> str:
        """Return a token; the first one has expired by the time it is used."""
        self.minted += 1
        return TOKEN if self.minted > 1 else "token-that-expired"

    def app(self, *, signed_in: bool) -> Starlette:
        """Return the whole app. ``signed_in``: the page may mint tokens, as in the development profile."""
        mint = self.mint if signed_in else None
        pages = create_pages(catalogue=Catalogue(), mint_token=mint, examples=EXAMPLES)
        return Starlette(
            routes=[
                Route("/rag/v1/query", self.query, methods=["POST"]),
                Route("/rag/v1/documents/{document_id}/text", self.text),
                Route("/rag/v1/answers/{answer_id}/feedback", self.rate, methods=["POST"]),
                Mount("/", WSGIMiddleware(pages)),
            ]
        )


@contextmanager
def running(*, signed_in: bool = True) -> Iterator[tuple[str, Seen]]:
    """Serve on a free port; the value is the base URL and what is seen."""
    service = Service()
    config = uvicorn.Config(
        service.app(signed_in=signed_in), host="127.0.0.1", port=0, log_level="error", lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}", service.seen
    finally:
        server.should_exit = True
        thread.join(timeout=10)
