"""Individuals and webhooks."""

from __future__ import annotations

from starlette.responses import Response

from jibu.domain.errors import InvalidInput
from jibu.http.call import Call, Json
from jibu.http.gate import Gate
from jibu.http.handlers.consent import bodies, views
from jibu.http.handlers.consent.steps import listed, window
from jibu.usecases.consent.individuals import Individuals
from jibu.usecases.consent.webhooks import Webhooks


class IndividualHandlers:
    """``/config/individual…``, ``/service/individual…``."""

    def __init__(self, individuals: Individuals, gate: Gate) -> None:
        self._individuals = individuals
        self._gate = gate

    async def create(self, call: Call) -> Response:
        """Keep a new one."""
        wanted = bodies.individual(call.body["individual"])
        found = await self._gate.run(lambda: self._individuals.create(call.caller, wanted))
        return Json({"individual": views.individual(found)})

    async def get(self, call: Call) -> Response:
        """Read one."""
        name = call.params["individualId"]
        found = await self._gate.run(lambda: self._individuals.get(name))
        return Json({"individual": views.individual(found)})

    async def update(self, call: Call) -> Response:
        """Change one."""
        name, wanted = call.params["individualId"], bodies.individual(call.body["individual"])
        found = await self._gate.run(lambda: self._individuals.update(call.caller, name, wanted))
        return Json({"individual": views.individual(found)})

    async def page(self, call: Call) -> Response:
        """List them."""
        found = await self._gate.run(lambda: self._individuals.page(**window(call)))
        return listed("individuals", found, views.individual)


class WebhookHandlers:
    """``/config/webhook…``."""

    def __init__(self, webhooks: Webhooks, gate: Gate) -> None:
        self._webhooks = webhooks
        self._gate = gate

    async def create(self, call: Call) -> Response:
        """Keep a new one and show its secret."""
        wanted = bodies.webhook(call.body["webhook"])
        found = await self._gate.run(lambda: self._webhooks.create(call.caller, wanted))
        return Json({"webhook": views.webhook(found)})

    async def get(self, call: Call) -> Response:
        """Read one."""
        _no_revision(call)
        name = call.params["webhookId"]
        found = await self._gate.run(lambda: self._webhooks.get(name))
        return Json({"webhook": views.webhook(found)})

    async def update(self, call: Call) -> Response:
        """Change one."""
        name, wanted = call.params["webhookId"], bodies.webhook(call.body["webhook"])
        found = await self._gate.run(lambda: self._webhooks.update(call.caller, name, wanted))
        return Json({"webhook": views.webhook(found)})

    async def delete(self, call: Call) -> Response:
        """Remove one."""
        name = call.params["webhookId"]
        await self._gate.run(lambda: self._webhooks.delete(call.caller, name))
        return Response(status_code=200)

    async def page(self, call: Call) -> Response:
        """List them."""
        _no_revision(call)
        found = await self._gate.run(lambda: self._webhooks.page(**window(call)))
        return listed("webhooks", found, views.webhook)


def _no_revision(call: Call) -> None:
    if call.params.get("revisionId") is not None:
        raise InvalidInput("is no revision of a webhook: they have none", "revisionId")
