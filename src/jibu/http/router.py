"""Who serves which path: probes, figures, contracts, the API, then the pages."""

from __future__ import annotations

import re

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from jibu.domain.errors import NotFound
from jibu.http import docs, views
from jibu.http.call import Json
from jibu.http.contracts import Contract
from jibu.http.errors import BadRequest
from jibu.http.exchange import with_client
from jibu.http.metrics import CONTENT_TYPE, Metrics
from jibu.http.middleware import ROUTE
from jibu.http.security import BearerSecurity
from jibu.http.suite import SuiteRoutes
from jibu.http.targets import is_relayed
from jibu.ports import Signer
from jibu.usecases.health import Health

PROBE_THREADS = 4
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class System:
    """The service's own endpoints, outside the contracts."""

    def __init__(self, health: Health, metrics: Metrics, security: BearerSecurity, signer: Signer) -> None:
        self._health = health
        self._metrics = metrics
        self._security = security
        self._signer = signer
        self._threads = anyio.CapacityLimiter(PROBE_THREADS)

    async def live(self, _request: Request) -> Response:
        """Say that the event loop turns."""
        return Json({"status": "live"})

    async def ready(self, _request: Request) -> Response:
        """Say whether every part works, and what does not."""
        report = await anyio.to_thread.run_sync(self._health.ready, limiter=self._threads)
        body = {"status": "ready" if report.ready else "not ready", **views.plain(report)}
        return Json(
            body,
            status_code=200 if report.ready else 503,
            headers={} if report.ready else {"Retry-After": "5"},
        )

    async def metrics(self, request: Request) -> Response:
        """Return the figures to whoever may see them."""
        await self._security.require(request, ["metrics.read"])
        text = await anyio.to_thread.run_sync(self._metrics.render, limiter=self._threads)
        return Response(text, media_type=CONTENT_TYPE)

    async def keys(self, _request: Request) -> Response:
        """Return the public keys that check what this block signed (RFC 7517)."""
        return Response(
            self._signer.jwks(),
            media_type="application/jwk-set+json",
            headers={"Cache-Control": "public, max-age=300", "Cross-Origin-Resource-Policy": "cross-origin"},
        )


class Dispatcher:
    """Sends a request to the first that knows its path; the API wins over the pages."""

    def __init__(
        self,
        system: System,
        contracts: tuple[Contract, ...],
        *,
        api: ASGIApp,
        relay: ASGIApp,
        suite: SuiteRoutes,
        pages: ASGIApp | None,
    ) -> None:
        self._api = api
        self._suite = suite
        self._relay = relay
        self._pages = pages
        self._contracts = tuple(contract for contract in contracts if contract.is_openapi)
        self._router = Router(
            [
                _route("/health/live", system.live),
                _route("/health/ready", system.ready),
                _route("/metrics", system.metrics),
                _route("/.well-known/jwks.json", system.keys),
                _route("/openapi/{name}.yaml", docs.contract_endpoint(contracts)),
                _route("/docs", docs.page_endpoint(contracts)),
                _route("/docs/{name}", docs.asset),
            ],
            redirect_slashes=False,
            default=self._other,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] == "lifespan":
            await self._api(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        else:
            scope["app"] = self
            await self._router(scope, receive, send)

    def _refuse(self, method: str, path: str) -> None:
        """Refuse a path with control characters: nothing is there, and nothing can be made there."""
        if any("404" in contract.answers(method, path) for contract in self._contracts):
            raise NotFound("there is nothing at this address")
        raise BadRequest("a path has no control characters")

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if is_relayed(path):
            await self._relay(scope, receive, send)
            return
        bases = [prefix for contract in self._contracts for prefix in contract.prefixes]
        if any(path == base or path.startswith(base + "/") for base in bases):
            if CONTROL.search(path):  # no name has one, and the routers below do not agree on them
                self._refuse(scope["method"], path)
            # Looked up here, not left to the routers below: they would redirect where a slash is missing.
            if not any(contract.allowed(path) for contract in self._contracts):
                raise NotFound("there is nothing at this address")
            await self._api(with_client(scope), receive, send)
        elif self._suite.knows(path) and not CONTROL.search(path):
            await self._suite(scope, receive, send)
        elif self._pages is not None:
            scope["extensions"][ROUTE] = "page"
            await self._pages(scope, receive, send)
        else:
            raise NotFound("there is nothing at this address")


def _route(path: str, endpoint: docs.Endpoint) -> Route:
    async def serve(request: Request) -> Response:
        request.scope["extensions"][ROUTE] = path
        return await endpoint(request)

    return Route(path, serve, methods=["GET"])
