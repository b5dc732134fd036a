"""The mediator's metaservices: who offers what."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import Response

from jibu.domain.errors import InvalidInput
from jibu.domain.mediation import ApplicationId, MemberId
from jibu.http import mediator_views as views
from jibu.http.call import Call, Json
from jibu.http.errors import BadRequest, FieldError
from jibu.http.gate import Gate
from jibu.usecases.directory import Directory, client_of


def member_in(call: Call) -> MemberId:
    """Return the member that the path names."""
    p = call.params
    return MemberId(p["instanceId"], p["memberClass"], p["memberCode"])


def application_in(call: Call) -> ApplicationId:
    """Return the application that the path names."""
    return ApplicationId(member_in(call), call.params["applicationCode"])


class DirectoryHandlers:
    """``/listClients`` and ``/r1/…/listMethods|allowedMethods|getOpenAPI``."""

    def __init__(self, directory: Directory, gate: Gate) -> None:
        self._directory = directory
        self._gate = gate

    async def clients(self, call: Call) -> Response:
        """List members and applications."""
        instance, offset, limit = call.params.get("instanceId"), call.params["offset"], call.params["limit"]
        found = await self._gate.run(lambda: self._directory.clients(instance, offset=offset, limit=limit))
        headers = {}
        if offset + len(found.items) < found.total:
            asked = {} if instance is None else {"instanceId": instance}
            query = urlencode(asked | {"offset": offset + limit, "limit": limit})
            headers["Link"] = f'</listClients?{query}>; rel="next"'
        return Json(views.clients(found.items), headers=headers)

    async def methods(self, call: Call) -> Response:
        """List an application's services."""
        _caller(call)
        provider, code = application_in(call), call.params.get("serviceId")
        return Json(views.methods(await self._gate.run(lambda: self._directory.methods(provider, code))))

    async def allowed(self, call: Call) -> Response:
        """List what the caller may use."""
        client, provider, code = _caller(call), application_in(call), call.params.get("serviceId")
        found = await self._gate.run(lambda: self._directory.allowed(client, provider, code))
        return Json(views.methods(found))

    async def description(self, call: Call) -> Response:
        """Return a service's OpenAPI document: the text, or a JSON string that holds it."""
        _caller(call)
        provider, code = application_in(call), call.params["serviceCode"]
        text = await self._gate.run(lambda: self._directory.description(provider, code))
        if "yaml" in call.headers.get("accept", ""):
            return Response(text, media_type="text/yaml")
        return Json(text)


def _caller(call: Call) -> ApplicationId:
    """Return who calls. Raises: BadRequest (the published contract knows no 422); Forbidden."""
    try:
        return client_of(
            call.caller, call.headers.get("x-govstack-client"), call.headers.get("x-road-client")
        )
    except InvalidInput as error:
        raise BadRequest(str(error), (FieldError(error.field or "X-GovStack-Client", str(error)),)) from error
