"""The ASGI app. ``jibu serve`` runs it under uvicorn, on connections that ``jibu.http.wire`` bounds."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import ExitStack, asynccontextmanager
from typing import Any, cast

import anyio.to_thread
import structlog
from a2wsgi import WSGIMiddleware
from starlette.types import ASGIApp

from jibu import __version__
from jibu.domain.errors import JibuError
from jibu.domain.guests import Guests
from jibu.http import logs
from jibu.http.api import build_api
from jibu.http.contracts import load_contracts, published
from jibu.http.gate import Gate
from jibu.http.handlers import Gates, table
from jibu.http.inbound import Door, road_ids
from jibu.http.journal import Journal
from jibu.http.metrics import Metrics, forget_process
from jibu.http.middleware import BodyLimit, Observed
from jibu.http.parent import stop_without_supervisor
from jibu.http.relaying import Bounds, ServiceRelay
from jibu.http.router import Dispatcher, System
from jibu.http.security import BearerSecurity
from jibu.http.services import Services
from jibu.http.suite import SuiteRoutes
from jibu.ports.mediation import Upstream
from jibu.settings import Settings, load

RECORD_THREADS = 16
RECORD_QUEUE = 256
PAGE_THREADS = 8
SWITCH_S = 0.001
"""Longest time in seconds that a busy Python thread keeps the event loop waiting (the default is five times that)."""
Pages = Callable[..., Iterable[bytes]]
"""A WSGI app."""
_log = structlog.get_logger("jibu.http")


def create_app(
    services: Services,
    *,
    pages: Pages | None = None,
    close: Callable[[], None] | None = None,
    warm_up: Callable[[], None] | None = None,
    validate_responses: bool = False,
    guests: Guests | None = None,
) -> ASGIApp:
    """Return the service over these use cases. ``pages`` get every path that nothing else takes.

    ``close`` is called when the server has stopped, ``warm_up`` in a thread beside the first requests.
    ``guests``: this is the door for X-Road, where they alone may come in.
    ``validate_responses`` checks every response against the contract: for tests, it costs time and buffers.
    """
    settings = services.settings
    contracts = load_contracts()
    served = tuple(contract for contract in contracts if contract.is_openapi)
    metrics = Metrics(backlog=services.backlog)
    services.mediation.made.add(metrics.made)
    security = BearerSecurity(services.verifier)
    gates = _gates(settings, metrics)
    api = build_api(
        served,
        table(services, gates, metrics),
        security=security,
        lifespan=_lifespan(settings, close, warm_up, services.mediation.upstream),
        validate_responses=validate_responses,
    )
    relay = _relay(services, gates.records, metrics, security)
    system = System(services.health, metrics, security, services.signer)
    shown = tuple(published(contract, settings.public_url) for contract in contracts)
    dispatcher = Dispatcher(
        system,
        shown,
        api=api,
        relay=relay,
        suite=SuiteRoutes(api, security),
        pages=None if pages is None else _asgi(pages),
    )
    limited = BodyLimit(
        dispatcher,
        max_body=settings.max_body_bytes,
        max_upload=settings.max_upload_bytes,
        max_relayed=settings.mediator_max_request_bytes,
    )
    relay.serve_own = limited
    routes = {name: path for contract in served for name, path in contract.operations().items()}
    if guests is not None:
        door = Door(limited, guests, settings.mediator_id)
        return Observed(door, metrics=metrics, routes=routes, ids=road_ids)
    return Observed(limited, metrics=metrics, routes=routes)


def factory() -> ASGIApp:
    """Return the service as the environment configures it. Raises: Misconfigured."""
    from jibu.web.app import Example, create_pages  # noqa: PLC0415 - as above
    from jibu.wiring.services import build  # noqa: PLC0415 - every adapter comes in, which only a server needs

    settings = load()
    logs.configure(settings)
    sys.setswitchinterval(SWITCH_S)
    stop_without_supervisor()
    stack = ExitStack()
    services = stack.enter_context(build(settings, follow=True))
    examples = [Example(text, language) for text, language in services.examples]
    pages = create_pages(catalogue=services.catalogue, mint_token=services.mint_token, examples=examples)
    return create_app(services, pages=pages, close=stack.close, warm_up=lambda: _settle(services.warm_up))


def inbound(settings: Settings) -> ASGIApp:
    """Return the service as an X-Road Security Server may call it. Raises: Misconfigured."""
    from jibu.wiring.services import build  # noqa: PLC0415 - as above
    from jibu.wiring.xroad import guests_of  # noqa: PLC0415 - as above

    sys.setswitchinterval(SWITCH_S)
    stack = ExitStack()
    services = stack.enter_context(build(settings, follow=True))
    warm_up = services.warm_up
    return create_app(
        services, close=stack.close, warm_up=lambda: _settle(warm_up), guests=guests_of(settings)
    )


def _settle(warm_up: Callable[[], None]) -> None:
    """Warm up, then leave what lives as long as the process out of garbage collections.

    Looking through all of it takes some 40 ms, in the middle of whatever question is being answered.
    """
    warm_up()
    gc.collect()
    gc.freeze()


def _gates(settings: Settings, metrics: Metrics) -> Gates:
    questions = Gate(
        "questions",
        running=settings.max_concurrent_queries,
        waiting=settings.max_waiting_queries,
        timeout_s=settings.query_timeout_s,
        metrics=metrics,
    )
    records = Gate(
        "records",
        running=RECORD_THREADS,
        waiting=RECORD_QUEUE,
        timeout_s=settings.query_timeout_s,
        metrics=metrics,
    )
    return Gates(questions, records)


def _relay(services: Services, gate: Gate, metrics: Metrics, security: BearerSecurity) -> ServiceRelay:
    settings, mediation = services.settings, services.mediation
    return ServiceRelay(
        mediation.admitting,
        mediation.upstream,
        security=security,
        gate=gate,
        journal=Journal(mediation.messages.keep),
        metrics=metrics,
        bounds=Bounds(
            exchanges=settings.mediator_max_exchanges,
            of_service=max(1, settings.mediator_max_exchanges * 3 // 4),
            request_bytes=settings.mediator_max_request_bytes,
            response_bytes=settings.mediator_max_response_bytes,
            seconds=settings.mediator_timeout_s,
        ),
    )


def _lifespan(
    settings: Settings,
    close: Callable[[], None] | None,
    warm_up: Callable[[], None] | None,
    upstream: Upstream,
) -> Callable[[Any], Any]:
    @asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[None]:
        _log.info("started", version=__version__, profile=settings.profile)
        if warm_up is not None:
            threading.Thread(target=_warm, args=(warm_up,), name="warm-up", daemon=True).start()
        try:
            yield
        finally:
            await upstream.close()
            if close is not None:
                await anyio.to_thread.run_sync(close)
            forget_process()
            _log.info("stopped")

    return lifespan


def _warm(warm_up: Callable[[], None]) -> None:
    """Load what the first question would wait for; what cannot be loaded is told to whoever asks."""
    try:
        warm_up()
    except JibuError as error:
        _log.warning("warm-up failed", reason=str(error))


def _asgi(pages: Pages) -> ASGIApp:
    return cast("ASGIApp", WSGIMiddleware(cast("Any", pages), workers=PAGE_THREADS))
