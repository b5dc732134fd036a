"""The mediator's administration."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from jibu.domain.mediation import ApplicationId, Endpoint, MemberId, Service
from jibu.http import mediator_views as views
from jibu.http.call import Call, Json
from jibu.http.gate import Gate
from jibu.http.handlers.directory import application_in, member_in
from jibu.http.views import page
from jibu.usecases.administering import Administration, WantedService
from jibu.usecases.consent.noting import Actor


class MediatorHandlers:
    """``/mediator/v1/members`` and below."""

    def __init__(self, administration: Administration, gate: Gate) -> None:
        self._use = administration
        self._gate = gate

    async def members(self, call: Call) -> Response:
        """List members."""
        bounds = {"offset": call.params["offset"], "limit": call.params["limit"]}
        found = await self._gate.run(lambda: self._use.members(**bounds))
        return Json(page(found, views.member, **bounds))

    async def get_member(self, call: Call) -> Response:
        """Read a member."""
        name = member_in(call)
        return Json(views.member(await self._gate.run(lambda: self._use.member(name))))

    async def put_member(self, call: Call) -> Response:
        """Register or rename a member."""
        name, title = member_in(call), call.body["name"]
        by = Actor.of(call.caller)
        found, new = await self._gate.run(lambda: self._use.put_member(name, title, by=by))
        return _put(views.member(found), new, f"/mediator/v1/members/{name}")

    async def delete_member(self, call: Call) -> Response:
        """Remove a member."""
        name = member_in(call)
        by = Actor.of(call.caller)
        await self._gate.run(lambda: self._use.delete_member(name, by=by))
        return Response(status_code=204)

    async def applications(self, call: Call) -> Response:
        """List a member's applications."""
        name, bounds = member_in(call), {"offset": call.params["offset"], "limit": call.params["limit"]}
        found = await self._gate.run(lambda: self._use.applications(name, **bounds))
        return Json(page(found, views.application, **bounds))

    async def get_application(self, call: Call) -> Response:
        """Read an application."""
        name = application_in(call)
        return Json(views.application(await self._gate.run(lambda: self._use.application(name))))

    async def put_application(self, call: Call) -> Response:
        """Register or rename an application."""
        name, title = application_in(call), call.body["name"]
        by = Actor.of(call.caller)
        found, new = await self._gate.run(lambda: self._use.put_application(name, title, by=by))
        return _put(views.application(found), new, views.path_of(name))

    async def delete_application(self, call: Call) -> Response:
        """Remove an application."""
        name = application_in(call)
        by = Actor.of(call.caller)
        await self._gate.run(lambda: self._use.delete_application(name, by=by))
        return Response(status_code=204)

    async def services(self, call: Call) -> Response:
        """List an application's services."""
        name, bounds = application_in(call), {"offset": call.params["offset"], "limit": call.params["limit"]}
        found = await self._gate.run(lambda: self._use.services(name, **bounds))
        return Json(page(found, views.service, **bounds))

    async def get_service(self, call: Call) -> Response:
        """Read a service."""
        name, code = application_in(call), call.params["serviceCode"]
        return Json(await self._gate.run(lambda: self._shown(self._use.service(name, code))))

    async def put_service(self, call: Call) -> Response:
        """Register or replace a service."""
        name, code, wanted = application_in(call), call.params["serviceCode"], wanted_service(call.body)
        by = Actor.of(call.caller)
        found, new = await self._gate.run(lambda: self._use.put_service(name, code, wanted, by=by))
        return _put(await self._gate.run(lambda: self._shown(found)), new, views.path_of(name, code))

    def _shown(self, found: Service) -> views.Json:
        return views.described_service(found, self._use.individual(found))

    async def delete_service(self, call: Call) -> Response:
        """Remove a service."""
        name, code = application_in(call), call.params["serviceCode"]
        by = Actor.of(call.caller)
        await self._gate.run(lambda: self._use.delete_service(name, code, by=by))
        return Response(status_code=204)

    async def rights(self, call: Call) -> Response:
        """List who may call a service."""
        name, code = application_in(call), call.params["serviceCode"]
        bounds = {"offset": call.params["offset"], "limit": call.params["limit"]}
        found = await self._gate.run(lambda: self._use.rights(name, code, **bounds))
        return Json(page(found, views.right, **bounds))

    async def put_right(self, call: Call) -> Response:
        """Let an application call a service."""
        consumer, name, code = _consumer(call), application_in(call), call.params["serviceCode"]
        endpoints = _endpoints(call.body.get("endpoints", []))
        by = Actor.of(call.caller)
        found, new = await self._gate.run(lambda: self._use.grant(consumer, name, code, endpoints, by=by))
        return _put(views.right(found), new, None)

    async def delete_right(self, call: Call) -> Response:
        """Take a right away."""
        consumer, name, code = _consumer(call), application_in(call), call.params["serviceCode"]
        by = Actor.of(call.caller)
        await self._gate.run(lambda: self._use.revoke(consumer, name, code, by=by))
        return Response(status_code=204)

    async def changes(self, call: Call) -> Response:
        """List who changed what."""
        name, bounds = (
            call.params.get("object"),
            {"offset": call.params["offset"], "limit": call.params["limit"]},
        )
        found = await self._gate.run(lambda: self._use.changes(name, **bounds))
        return Json(page(found, views.change, **bounds))


def wanted_service(body: dict[str, Any]) -> WantedService:
    """Read a service as somebody wants it."""
    endpoints = body.get("endpoints")
    return WantedService(
        title=body.get("title"),
        base_url=body.get("baseUrl"),
        description=body.get("openapi"),
        endpoints=None if endpoints is None else _endpoints(endpoints),
        disabled=_endpoints(body.get("disabled", [])),
        version=body.get("version"),
        timeout_s=float(body.get("timeoutSeconds", 30.0)),
        agreement_id=body.get("dataAgreementId"),
        private_host=body.get("allowPrivateHost", False),
        enabled=body.get("enabled", True),
    )


def _endpoints(found: list[dict[str, str]]) -> tuple[Endpoint, ...]:
    return tuple(Endpoint(one["path"], one["method"]) for one in found)


def _consumer(call: Call) -> ApplicationId:
    p = call.params
    member = MemberId(p["consumerInstance"], p["consumerClass"], p["consumerMember"])
    return ApplicationId(member, p["consumerApplication"])


def _put(body: views.Json, new: bool, where: str | None) -> Response:  # noqa: FBT001
    if not new:
        return Json(body)
    return Json(body, status_code=201, headers={} if where is None else {"Location": where})
