"""Erasure receipts."""

from __future__ import annotations

from starlette.responses import Response

from jibu.http import views
from jibu.http.call import Call, Json
from jibu.http.gate import Gate
from jibu.usecases.receipts import Receipts


class ReceiptHandler:
    """``/receipts``."""

    def __init__(self, receipts: Receipts, gate: Gate) -> None:
        self._receipts = receipts
        self._gate = gate

    async def get(self, call: Call) -> Response:
        """Read one as it stands now."""
        name = call.params["receiptId"]
        return Json(views.receipt(await self._gate.run(lambda: self._receipts.get(name))))
