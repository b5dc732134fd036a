"""The log of consent decisions."""

from __future__ import annotations

from starlette.responses import Response

from jibu.http import views
from jibu.http.call import Call, Json
from jibu.http.gate import Gate
from jibu.usecases.consent_gate import Decisions


class DecisionHandler:
    """``/consent-decisions``."""

    def __init__(self, decisions: Decisions, gate: Gate) -> None:
        self._decisions = decisions
        self._gate = gate

    async def page(self, call: Call) -> Response:
        """List decisions, newest first."""
        offset, limit = call.params["offset"], call.params["limit"]
        found = await self._gate.run(lambda: self._decisions.page(offset=offset, limit=limit))
        return Json(views.page(found, views.decision, offset=offset, limit=limit))
