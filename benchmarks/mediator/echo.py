"""The service behind the mediator: answers every request with its own body, as fast as Python can.

python -m benchmarks.mediator.echo --port 20080
"""

from __future__ import annotations

import argparse
import asyncio
from typing import cast

import uvloop


class Echo(asyncio.Protocol):
    """HTTP/1.1 with Content-Length, one request at a time on a connection."""

    def __init__(self) -> None:
        self._held = b""
        self._out: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._out = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer what is whole."""
        self._held += data
        while (end := self._held.find(b"\r\n\r\n")) >= 0:
            head = self._held[:end].lower()
            _, _, length = head.partition(b"content-length:")
            size = int(length.split(b"\r\n", 1)[0]) if length else 0
            if len(self._held) < end + 4 + size:
                return
            body = self._held[end + 4 : end + 4 + size]
            self._held = self._held[end + 4 + size :]
            self._out.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n%b"
                % (size, body)
            )


async def main(port: int) -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=20080)
    uvloop.run(main(parser.parse_args().port))
