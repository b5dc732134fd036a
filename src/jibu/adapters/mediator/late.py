"""An adapter that is made when it is first needed: most commands and many deployments never call a service."""

from __future__ import annotations

from collections.abc import Callable

from jibu.ports.mediation import Incoming, Outgoing, Upstream


class LateUpstream:
    """Passes on to what ``make`` returns."""

    def __init__(self, make: Callable[[], Upstream]) -> None:
        self._make = make
        self._made: Upstream | None = None

    async def send(self, outgoing: Outgoing) -> Incoming:
        """Send a request. Raises: as the adapter."""
        if self._made is None:
            self._made = self._make()
        return await self._made.send(outgoing)

    async def close(self) -> None:
        """Close what was opened."""
        if self._made is not None:
            await self._made.close()
