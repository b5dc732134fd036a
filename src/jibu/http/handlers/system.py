"""The system card."""

from __future__ import annotations

from starlette.responses import Response

from jibu.http import views
from jibu.http.call import Call, Json
from jibu.http.gate import Gate
from jibu.http.services import Services
from jibu.usecases.system_card import SystemCard


class SystemCardHandler:
    """``/system-card``."""

    def __init__(self, services: Services, gate: Gate) -> None:
        self._services = services
        self._gate = gate

    async def get(self, _call: Call) -> Response:
        """Tell what this system is."""
        return Json(views.plain(await self._gate.run(self._card)))

    def _card(self) -> SystemCard:
        return self._services.system_card.get()
