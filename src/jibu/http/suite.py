"""The directory as GovStack's published test suite calls it: beside the contract's addresses, with other names.

``/INSTANCE/CLASS/MEMBER/APPLICATION/listMethods|allowedMethods|getOpenAPI`` is what stands below ``/r1``. A token
is needed there too; the caller is who it was issued to. ``Information-Mediator-Client`` may name the same.
"""

from __future__ import annotations

import json
import re
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jibu.http.exchange import CLIENT, SYNONYM, one_value
from jibu.http.security import BearerSecurity

ADDRESS = re.compile(r"(?:/[^/]+){4}/(?:listMethods|allowedMethods|getOpenAPI)")
HEADER = b"information-mediator-client"


class SuiteRoutes:
    """Passes calls of the suite on to the API, and its answers back in the suite's words."""

    def __init__(self, api: ASGIApp, security: BearerSecurity) -> None:
        self._api = api
        self._security = security

    @staticmethod
    def knows(path: str) -> bool:
        """Tell whether this is one of the suite's addresses."""
        return ADDRESS.fullmatch(path) is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a call. Raises: Unauthenticated; BadRequest where a header is there twice."""
        named = one_value(scope, CLIENT) or one_value(scope, SYNONYM) or one_value(scope, HEADER)
        if named is None:
            named = (await self._security.caller(HTTPConnection(scope))).client.encode()
        others = [(name, value) for name, value in scope["headers"] if name not in {CLIENT, HEADER}]
        path = "/r1" + scope["path"]
        inner = {**scope, "path": path, "raw_path": path.encode(), "headers": [*others, (CLIENT, named)]}
        told = send if path.endswith("getOpenAPI") else _Renamed(send)
        await self._api(inner, receive, told)


class _Renamed:
    """Holds an answer until it is whole, and renames what the suite names otherwise."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message = {}
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        self._body += message.get("body", b"")
        if message.get("more_body", False):
            return
        if self._start["status"] == 200:
            found = {"member": [_renamed(one) for one in json.loads(self._body)["member"]]}
            self._body = json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()
            MutableHeaders(scope=self._start)["content-length"] = str(len(self._body))
        await self._send(self._start)
        await self._send({"type": "http.response.body", "body": self._body})


def _renamed(one: dict[str, Any]) -> dict[str, Any]:
    names = {"instanceId": "GovStackInstance"}
    shown = {names.get(name, name): value for name, value in one.items()}
    return shown | {"objectType": {"object_type": one["objectType"]}}
