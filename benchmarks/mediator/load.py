"""Calls through the relay at a steady rate over many open connections.

    python -m benchmarks.mediator.load --base http://127.0.0.1:8080 --token "$TOKEN" --client ZZ/GOV/a/portal \
        --path /r1/ZZ/GOV/b/registry/echo/x --rate 300 --connections 1000 --seconds 60

The i-th request is due at i/rate seconds, whatever became of those before it, on connection i modulo connections;
its latency counts from when it was due, so a slow server cannot slow the measurement down. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import Counter

import uvloop


class Connection:
    """One kept connection: requests on it wait for each other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._lock = asyncio.Lock()

    async def call(self, request: bytes) -> str:
        """Send one request, read the whole answer; return its status."""
        async with self._lock:
            self._writer.write(request)
            head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
            _, found, length = head.partition(b"\r\ncontent-length:")
            if found:
                await self._reader.readexactly(int(length.split(b"\r\n", 1)[0]))
            else:
                await self._reader.readuntil(b"0\r\n\r\n")
            return head[9:12].decode()


async def measure(given: argparse.Namespace) -> dict[str, object]:
    """Open the connections, send at the rate, return the figures."""
    host, port = given.base.removeprefix("http://").split(":")
    body = b"x" * given.size
    request = (
        f"POST {given.path} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {given.token}\r\n"
        f"X-GovStack-Client: {given.client}\r\nContent-Type: application/octet-stream\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    connections = [
        Connection(*await asyncio.open_connection(host, int(port))) for _ in range(given.connections)
    ]
    seen: list[tuple[str, float]] = []

    async def one(number: int, due: float) -> None:
        try:
            status = await asyncio.wait_for(connections[number % len(connections)].call(request), 60)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            status = type(error).__name__
        seen.append((status, 1000 * (time.perf_counter() - due)))

    began = time.perf_counter()
    tasks = set()
    for number in range(int(given.rate * given.seconds)):
        due = began + number / given.rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        task = asyncio.create_task(one(number, due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    if tasks:
        await asyncio.wait(tasks)
    seconds = time.perf_counter() - began
    times = sorted(ms for _, ms in seen)
    return {
        "asked_per_s": given.rate,
        "done_per_s": round(len(seen) / seconds, 1),
        "connections": given.connections,
        "n": len(seen),
        "statuses": dict(Counter(status for status, _ in seen)),
        **{
            f"p{share}": round(times[min(len(times) - 1, len(times) * share // 100)], 1)
            for share in (50, 95, 99)
        },
        "max": round(times[-1], 1),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", default="http://127.0.0.1:8080")
    parser.add_argument("--token", required=True)
    parser.add_argument("--client", required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--rate", type=float, default=300)
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--size", type=int, default=200)
    print(json.dumps(uvloop.run(measure(parser.parse_args()))))
