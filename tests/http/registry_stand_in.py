"""A registry behind the mediator, on a real socket: it answers what a test tells it, or wastes its caller's time."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from echo import Echo

BOMB = gzip.compress(b"0" * 5_000_000, mtime=0)
TOGETHER = 3


class Registry(Echo):
    """``/person`` and ``/persons/…`` answer with ``answer``; ``asked`` is called with each request's head before."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = b""
        self.asked: Callable[[bytes], None] = lambda _head: None
        self._met = 0
        self._meeting = asyncio.Event()

    def says(self, body: bytes, *headers: str, status: str = "200 OK") -> None:
        """Answer with this body as JSON; a header that is given takes the place of the usual one."""
        named = {line.partition(":")[0].lower() for line in headers}
        usual = ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        kept = [line for line in usual if line.partition(":")[0].lower() not in named]
        self.answer = "\r\n".join([f"HTTP/1.1 {status}", *kept, *headers, "", ""]).encode() + body

    def forget(self) -> None:
        """Be as new."""
        self.seen.clear()
        self.asked = lambda _head: None
        self.says(b"{}")

    async def _person(self, writer: asyncio.StreamWriter, _body: bytes) -> None:
        await asyncio.to_thread(self.asked, self.seen[-1][0])
        writer.write(self.answer)
        await writer.drain()

    _persons = _person

    async def _meet(self, writer: asyncio.StreamWriter, _body: bytes) -> None:
        self._met += 1
        meeting = self._meeting
        if self._met == TOGETHER:
            self._met, self._meeting = 0, asyncio.Event()
            meeting.set()
        await meeting.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()

    async def _drip(self, writer: asyncio.StreamWriter, _body: bytes) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)

    async def _labelled(self, writer: asyncio.StreamWriter, _body: bytes) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/x+json\r\nContent-Language: sw\r\n")
        writer.write(b"Content-Encoding: br\r\nContent-Length: 10\r\n\r\nnot brotli")
        await writer.drain()


@contextmanager
def registering() -> Iterator[Registry]:
    """Run a registry."""
    registry = Registry()
    registry.start()
    try:
        yield registry
    finally:
        registry.stop()
