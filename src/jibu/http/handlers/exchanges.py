"""Requests to be registered, the message log, and monitoring."""

from __future__ import annotations

import platform
from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

from starlette.responses import Response

from jibu import __version__
from jibu.domain.errors import InvalidInput
from jibu.domain.exchanges import ExchangeFilter
from jibu.http import mediator_views as views
from jibu.http.call import Call, Handler, Json
from jibu.http.gate import Gate
from jibu.http.handlers.mediator import wanted_service
from jibu.http.views import page, plain
from jibu.usecases.exchanges import MessageLog, Monitoring
from jibu.usecases.registering import Registrations


class RegistrationHandlers:
    """``/mediator/v1/registrations``."""

    def __init__(self, registrations: Registrations, gate: Gate) -> None:
        self._use = registrations
        self._gate = gate

    async def page(self, call: Call) -> Response:
        """List requests."""
        bounds, status = _bounds(call), call.params.get("status")
        found = await self._gate.run(lambda: self._use.page(call.caller, status, **bounds))
        return Json(page(found, views.registration, **bounds))

    async def ask(self, call: Call) -> Response:
        """Ask to be registered."""
        name, body = call.body["name"], call.body.get("service")
        wanted = None if body is None else wanted_service(body)
        code = None if body is None else body["serviceCode"]
        found = await self._gate.run(lambda: self._use.ask(call.caller, name, wanted, code))
        where = f"/mediator/v1/registrations/{found.registration_id}"
        return Json(views.registration(found), status_code=202, headers={"Location": where})

    async def get(self, call: Call) -> Response:
        """Read a request."""
        name = call.params["registrationId"]
        return Json(views.registration(await self._gate.run(lambda: self._use.get(call.caller, name))))

    async def approve(self, call: Call) -> Response:
        """Approve a request."""
        name, private = call.params["registrationId"], call.body.get("allowPrivateHost", False)
        found = await self._gate.run(lambda: self._use.approve(call.caller, name, private_host=private))
        return Json(views.registration(found))

    async def decline(self, call: Call) -> Response:
        """Decline a request."""
        name, reason = call.params["registrationId"], call.body["reason"]
        found = await self._gate.run(lambda: self._use.decline(call.caller, name, reason))
        return Json(views.registration(found))


class MessageHandlers:
    """``/mediator/v1/messages`` and ``/mediator/v1/batches``."""

    def __init__(self, log: MessageLog, gate: Gate) -> None:
        self._use = log
        self._gate = gate

    async def page(self, call: Call) -> Response:
        """List exchanges."""
        bounds, wanted = _bounds(call), _filter(call)
        found = await self._gate.run(lambda: self._use.page(call.caller, wanted, **bounds))
        return Json(page(found, views.message, **bounds))

    async def get(self, call: Call) -> Response:
        """Read one exchange."""
        name = call.params["messageId"]
        return Json(views.message(await self._gate.run(lambda: self._use.get(call.caller, name))))

    async def batches(self, call: Call) -> Response:
        """List signed batches."""
        bounds = _bounds(call)
        found = await self._gate.run(lambda: self._use.batches(**bounds))
        return Json(page(found, views.batch, **bounds))

    async def batch(self, call: Call) -> Response:
        """Read a signed batch."""
        number = int(call.params["batch"])
        return Json(views.batch(await self._gate.run(lambda: self._use.batch(number))))


class MonitoringHandlers:
    """``/mediator/v1/monitoring``."""

    def __init__(self, monitoring: Monitoring, gate: Gate) -> None:
        self._use = monitoring
        self._gate = gate

    def traffic(self, by: Literal["service", "client"]) -> Handler:
        """Return the handler that gives figures by service or client."""

        async def handler(call: Call) -> Response:
            bounds, wanted = _bounds(call), _filter(call)
            found = await self._gate.run(lambda: self._use.traffic(by, wanted, **bounds))
            return Json(page(found, views.traffic, **bounds))

        return handler

    async def environment(self, _call: Call) -> Response:
        """Tell how the machine is."""
        found = plain(await self._gate.run(self._use.environment))
        seconds = found.pop("uptimeS")
        return Json(
            {"version": __version__, "python": platform.python_version(), **found, "uptimeSeconds": seconds}
        )


def _bounds(call: Call) -> dict[str, Any]:
    return {"offset": call.params["offset"], "limit": call.params["limit"]}


def _filter(call: Call) -> ExchangeFilter:
    text: Callable[[str], str | None] = call.params.get
    return ExchangeFilter(
        consumer=text("consumer"),
        provider=text("provider"),
        service=text("service"),
        request_id=text("requestId"),
        outcome=text("outcome"),
        since=_time(text("since"), "since"),
        until=_time(text("until"), "until"),
    )


def _time(text: str | None, field: str) -> datetime | None:
    """Read RFC 3339. Raises: InvalidInput."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput("not a time such as 2026-11-21T09:30:00Z", field) from error
    if found.tzinfo is None:
        raise InvalidInput("a time needs its offset from UTC", field)
    return found
