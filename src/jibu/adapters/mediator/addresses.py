"""Connections to addresses that were looked at: a name is resolved for each connection and the checked address used."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable

import httpcore

from jibu.domain.targets import may_connect

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Returns the addresses of a host. Raises: OSError, UnicodeError."""


class NotAllowed(Exception):
    """A name leads to an address that may not be called."""


async def resolve(host: str, port: int) -> list[str]:
    """Ask the system's resolver, in a thread of the loop."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class PinnedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to checked addresses alone: what was checked is what is connected, so no second answer counts."""

    def __init__(self, *, private: bool, resolver: Resolve = resolve) -> None:
        self._private = private
        self._resolve = resolver
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's protocol
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that answers. Raises: NotAllowed; what httpcore raises."""
        try:
            addresses = await asyncio.wait_for(self._resolve(host, port), timeout)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout("the name takes too long") from error
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError("no such name") from error
        if not addresses or not all(may_connect(one, private=self._private) for one in addresses):
            raise NotAllowed
        failed: Exception = httpcore.ConnectError("no address")
        for address in addresses[:4]:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._network.sleep(seconds)
