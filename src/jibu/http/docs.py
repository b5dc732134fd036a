"""The contracts as files, and a page to browse them: Swagger UI from its package, no asset from elsewhere."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Awaitable, Callable
from functools import cache
from importlib import resources
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from swagger_ui_bundle import swagger_ui_path  # type: ignore[import-untyped]

from jibu.domain.errors import NotFound
from jibu.http.contracts import Contract

UI_FILES = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui-standalone-preset.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
OWN_FILES = {"docs.js": "text/javascript", "docs.css": "text/css"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""Swagger UI sets style attributes, hence the exception for styles; scripts come from here alone."""
FIRST = "rag"
"""The contract that is shown until another is chosen."""
Endpoint = Callable[[Request], Awaitable[Response]]


def contract_endpoint(contracts: tuple[Contract, ...]) -> Endpoint:
    """Return the endpoint that serves each contract as it is published."""
    by_name = {contract.name: contract for contract in contracts}

    async def serve(request: Request) -> Response:
        contract = by_name.get(request.path_params["name"])
        if contract is None:
            raise NotFound("there is no such contract")
        tag = f'"{hashlib.sha256(contract.text).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache", "Cross-Origin-Resource-Policy": "cross-origin"}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(contract.text, media_type="application/yaml", headers=headers)

    return serve


def page_endpoint(contracts: tuple[Contract, ...]) -> Endpoint:
    """Return the endpoint of the page that lists the contracts and shows those that describe HTTP."""
    first_asked = sorted(contracts, key=lambda contract: contract.name != FIRST)
    page = _own("docs.html").decode().replace("{contracts}", "\n".join(map(_line, first_asked)))

    async def serve(_request: Request) -> Response:
        return HTMLResponse(page, headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"})

    return serve


async def asset(request: Request) -> Response:
    """Serve one file of the page."""
    name = request.path_params["name"]
    headers = {"Cache-Control": "public, max-age=3600"}
    if name in OWN_FILES:
        return Response(_own(name), media_type=OWN_FILES[name], headers=headers)
    if name in UI_FILES:
        return FileResponse(_ui_folder() / name, media_type=UI_FILES[name], headers=headers)
    raise NotFound("there is nothing at this address")


def _line(contract: Contract) -> str:
    mark = " data-openapi" if contract.is_openapi else ""
    title = html.escape(contract.title)
    return f'<li><a href="/openapi/{html.escape(contract.name)}.yaml"{mark}>{title}</a></li>'


def _own(name: str) -> bytes:
    return resources.files("jibu.http").joinpath("static", name).read_bytes()


@cache
def _ui_folder() -> Path:
    return Path(str(swagger_ui_path))
