"""The published configuration management API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps

from starlette.responses import Response

from jibu.domain.configuration import Mode
from jibu.domain.errors import InvalidInput
from jibu.domain.mediation import RightFilter
from jibu.http import configuration_views as views
from jibu.http.call import Call, Handler, Json
from jibu.http.errors import BadRequest, FieldError
from jibu.http.gate import Gate
from jibu.usecases.allowing import Allowing
from jibu.usecases.configuring import Configuring
from jibu.usecases.consent.noting import Actor
from jibu.usecases.fetching import Fetching


class ConfigurationHandlers:
    """``/api/v1``: the whole configuration as a document, and access rights. Every rule that is broken is 400."""

    def __init__(self, configuring: Configuring, allowing: Allowing, fetching: Fetching, gate: Gate) -> None:
        self._configuring = configuring
        self._allowing = allowing
        self._fetching = fetching
        self._gate = gate

    async def read(self, _call: Call) -> Response:
        """Return the configuration."""
        return Json(views.document(await self._gate.run(self._configuring.read)))

    def apply(self, mode: Mode) -> Handler:
        """Return the handler that creates, updates or replaces the configuration."""

        @_as_published
        async def handler(call: Call) -> Response:
            document, by = views.read(call.body), Actor.of(call.caller)
            wanted = await self._gate.run(lambda: self._configuring.wanted(document, mode))
            texts = await self._fetching.fetch(wanted)
            count = await self._gate.run(lambda: self._configuring.apply(document, mode, texts, by=by))
            return Json("nothing changed" if not count else f"changed: {count}", status_code=201)

        return handler

    async def status(self, _call: Call) -> Response:
        """Say whether the mediator works and is configured."""
        found = await self._gate.run(self._configuring.status)
        return Json({"status": "ok", "instance": found.instance, "configured": found.configured})

    @property
    def allowed(self) -> Handler:
        """The handler that lists who may call what."""

        @_as_published
        async def handler(call: Call) -> Response:
            p = call.params
            wanted = RightFilter(
                member_class=p.get("memberClass"),
                member_code=p.get("memberCode"),
                application=p.get("applicationId"),
                service=p.get("serviceId"),
            )
            size, token = int(p["pageSize"]), p.get("nextPageToken")
            found = await self._gate.run(lambda: self._allowing.page(wanted, size=size, token=token))
            return Json(views.allow_page(found))

        return handler

    def change(self, *, allow: bool) -> Handler:
        """Return the handler that gives rights, or takes them away."""
        use = self._allowing.allow if allow else self._allowing.deny

        @_as_published
        async def handler(call: Call) -> Response:
            wanted, by = views.consumers(call.body or []), Actor.of(call.caller)
            await self._gate.run(lambda: use(wanted, by=by))
            return Response(status_code=200)

        return handler


def _as_published(handler: Callable[[Call], Awaitable[Response]]) -> Handler:
    """Return a handler whose broken rules are 400, as the published contract has it."""

    @wraps(handler)
    async def told(call: Call) -> Response:
        try:
            return await handler(call)
        except InvalidInput as error:
            message = str(error)
            raise BadRequest(message, (FieldError(error.field or "body", message),)) from error

    return told
