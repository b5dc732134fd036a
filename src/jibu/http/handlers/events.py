"""The log of published events."""

from __future__ import annotations

import time

import anyio
from starlette.responses import Response

from jibu.domain.cloudevents import envelope
from jibu.http.call import Call, Handler, Json
from jibu.http.gate import Gate
from jibu.usecases.event_log import Events, LogPage

POLL_S = 0.5
MOST_WAITING = 64
"""Callers that wait in one process at a time; whoever comes then is answered at once."""


class EventHandlers:
    """``/mediator/v1/events``."""

    def __init__(self, events: Events, gate: Gate) -> None:
        self._use = events
        self._gate = gate
        self._waiting = 0

    async def page(self, call: Call) -> Response:
        """Return events behind a position, now or when there are some."""
        after, limit, wait = (call.params[name] for name in ("after", "limit", "waitSeconds"))
        until = time.monotonic() + wait
        found = await self._look(call, after, limit)
        if not found.items and wait and self._waiting < MOST_WAITING:
            found = await self._wait(call, found, limit, until)
        return Json(self._view(found))

    async def _wait(self, call: Call, found: LogPage, limit: int, until: float) -> LogPage:
        """Look again and again: no thread is kept meanwhile."""
        self._waiting += 1
        try:
            while not found.items and not found.missed and (left := until - time.monotonic()) > 0:
                await anyio.sleep(min(POLL_S, left))
                found = await self._look(call, found.after, limit)
        finally:
            self._waiting -= 1
        return found

    async def _look(self, call: Call, after: int, limit: int) -> LogPage:
        kind, topic = call.params.get("type"), call.params.get("topic")
        return await self._gate.run(lambda: self._use.page(after=after, limit=limit, type_=kind, topic=topic))

    def _view(self, found: LogPage) -> dict[str, object]:
        source = self._use.source
        return {
            "items": [{"position": place, "event": envelope(event, source)} for place, event in found.items],
            "next": found.after,
            "oldest": found.oldest,
            "newest": found.newest,
            "missed": found.missed,
        }


def events_table(events: Events, gate: Gate) -> dict[str, Handler]:
    """Return the handler of every operation id of the event log."""
    return {"listEvents": EventHandlers(events, gate).page}
