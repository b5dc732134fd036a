"""The system card."""

from __future__ import annotations

from starlette.responses import Response

from jibu.http import views
from jibu.http.call import Call, Json
from jibu.http.gate import Gate
from jibu.usecases.system_card import SystemCardUse


class SystemCardHandler:
    """``/system-card``."""

    def __init__(self, system_card: SystemCardUse, gate: Gate) -> None:
        self._system_card = system_card
        self._gate = gate

    async def get(self, _call: Call) -> Response:
        """Tell what this system is."""
        return Json(views.plain(await self._gate.run(self._system_card.get)))
