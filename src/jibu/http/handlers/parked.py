"""What waits for an operator."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from jibu.domain.parked import Kind, Parked
from jibu.http.call import Call, Handler, Json
from jibu.http.gate import Gate
from jibu.http.views import moment, page
from jibu.usecases.parking import Parking


class ParkedHandlers:
    """``/mediator/v1/parked``."""

    def __init__(self, parking: Parking, gate: Gate) -> None:
        self._use = parking
        self._gate = gate

    async def page(self, call: Call) -> Response:
        """List what is parked."""
        bounds = {"offset": call.params["offset"], "limit": call.params["limit"]}
        kind, key = Kind(call.params["kind"]), call.params.get("key")
        found = await self._gate.run(lambda: self._use.page(call.caller, kind, key=key, **bounds))
        return Json(page(found, _view, **bounds))

    async def get(self, call: Call) -> Response:
        """Show one."""
        kind, name = Kind(call.params["kind"]), call.params["itemId"]
        return Json(_view(await self._gate.run(lambda: self._use.get(call.caller, kind, name))))

    async def retry(self, call: Call) -> Response:
        """Have one tried again."""
        kind, name = Kind(call.params["kind"]), call.params["itemId"]
        await self._gate.run(lambda: self._use.retry(call.caller, kind, name))
        return Response(status_code=204)

    async def retry_all(self, call: Call) -> Response:
        """Have many tried again."""
        kind, key = Kind(call.params["kind"]), call.params.get("key")
        found = await self._gate.run(lambda: self._use.retry_all(call.caller, kind, key=key))
        return Json({"retried": found.retried, "left": found.left})

    async def drop(self, call: Call) -> Response:
        """Give one up."""
        kind, name = Kind(call.params["kind"]), call.params["itemId"]
        await self._gate.run(lambda: self._use.drop(call.caller, kind, name))
        return Response(status_code=204)


def parked_table(parking: Parking, gate: Gate) -> dict[str, Handler]:
    """Return the handler of every operation id about what is parked."""
    parked = ParkedHandlers(parking, gate)
    return {
        "listParked": parked.page,
        "getParked": parked.get,
        "retryParked": parked.retry,
        "retryAllParked": parked.retry_all,
        "dropParked": parked.drop,
    }


def _view(item: Parked) -> dict[str, Any]:
    return {
        "kind": item.kind.value,
        "itemId": item.item_id,
        "type": item.type,
        "key": item.key,
        "to": item.to,
        "attempts": item.attempts,
        "reason": item.reason,
        "at": moment(item.at),
        "state": "waits" if item.waits else "parked",
        "behind": item.behind,
        "sha256": item.sha256,
    }
