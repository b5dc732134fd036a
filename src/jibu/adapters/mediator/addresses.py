"""Which addresses a connection may go to. A name is resolved for each connection, and the checked address is used."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

from aiohttp.abc import AbstractResolver, ResolveResult

from jibu.domain.targets import may_connect

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Returns the addresses of a host. Raises: OSError, UnicodeError."""
MOST = 4


class NotAllowed(Exception):
    """A name leads to an address that may not be called."""


async def resolve(host: str, port: int) -> list[str]:
    """Ask the system's resolver, in a thread of the loop."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class PinnedResolver(AbstractResolver):
    """Gives out checked addresses alone: what was checked is what is connected, so no second answer counts.

    The library does not ask it for addresses that are written as such: those are for the caller to check.
    """

    def __init__(self, *, private: bool, resolver: Resolve = resolve) -> None:
        self._private = private
        self._resolve = resolver

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 - the library's protocol
    ) -> list[ResolveResult]:
        """Return addresses to try in order. Raises: OSError (no such name), NotAllowed."""
        try:
            addresses = await self._resolve(host, port)
        except UnicodeError as error:
            raise OSError("no such name") from error
        if not addresses:
            raise OSError("no address")
        if not all(may_connect(one, private=self._private) for one in addresses):
            raise NotAllowed
        return [_result(host, one, port) for one in addresses[:MOST]]

    async def close(self) -> None:
        """Do nothing: it holds nothing."""


def _result(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return {
        "hostname": host,
        "host": address,
        "port": port,
        "family": family,
        "proto": socket.IPPROTO_TCP,
        "flags": socket.AI_NUMERICHOST,
    }
