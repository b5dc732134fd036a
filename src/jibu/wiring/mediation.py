"""Builds the information mediator."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from jibu.domain.errors import InvalidInput, Misconfigured
from jibu.domain.mediation import ApplicationId, Endpoint, Service, application_id
from jibu.http.contracts import METHODS, Contract, load_contracts
from jibu.ports import Clock, Records
from jibu.ports.mediation import Upstream
from jibu.settings import Settings
from jibu.usecases.administering import Administration, Drafting
from jibu.usecases.admitting import Admitting
from jibu.usecases.allowing import Allowing
from jibu.usecases.configuring import Configuring
from jibu.usecases.consent_gate import ConsentGate
from jibu.usecases.directory import Directory, OwnServices
from jibu.usecases.exchanges import MessageLog, Monitoring
from jibu.usecases.fetching import Fetching
from jibu.usecases.mediation import Mediation, Watch
from jibu.usecases.registering import Registrations
from jibu.usecases.sealing import Sealing
from jibu.wiring.parts import Parts
from jibu.wiring.xroad import road_maker

NAME = "Jibu: answers from documents, with proof"


def make_mediation(settings: Settings, records: Records, clock: Clock) -> Mediation:
    """Return the mediator's use cases. Raises: Misconfigured."""
    from jibu.adapters.host.machine import Machine
    from jibu.adapters.mediator.late import LateUpstream
    from jibu.adapters.mediator.openapi import OpenApiReader

    own = own_services(settings)
    admitting = Admitting(records=records, own=own, consent=ConsentGate(records=records, clock=clock))
    drafting = Drafting(OpenApiReader(), addressed=settings.mediator == "local")
    parts: dict[str, Any] = {"records": records, "own": own, "clock": clock}
    changing: dict[str, Any] = parts | {"changed": admitting.forget}
    return Mediation(
        directory=Directory(records=records, own=own),
        admitting=admitting,
        upstream=LateUpstream(upstream_maker(settings)),
        administration=Administration(drafting=drafting, **changing),
        registrations=Registrations(drafting=drafting, **changing),
        messages=MessageLog(records=records),
        monitoring=Monitoring(records=records, probe=Machine(settings.data_dir), clock=clock),
        made=Watch(),
        configuring=Configuring(drafting=drafting, address=_address(settings), **changing),
        allowing=Allowing(**changing),
        fetching=Fetching(_fetcher),
    )


def _address(settings: Settings) -> str:
    """Return where callers reach this block, as far as is known."""
    return settings.public_url or f"http://{settings.host}:{settings.port}"


def _fetcher() -> Upstream:
    """Return what fetches OpenAPI documents: never through another mediator."""
    from jibu.adapters.mediator.local import HttpUpstream

    return HttpUpstream(connections=8)


def make_sealing(p: Parts) -> Sealing:
    """Return what signs the message log."""
    keep = timedelta(days=p.settings.message_retention_days)
    return Sealing(records=p.records, signer=p.signer, clock=p.clock, keep=keep)


def make_upstream(settings: Settings) -> Upstream:
    """Return what calls services. It belongs to the event loop that first uses it. Raises: Misconfigured."""
    return upstream_maker(settings)()


def upstream_maker(settings: Settings) -> Callable[[], Upstream]:
    """Return what makes it, once all settings and files were looked at. Raises: Misconfigured."""
    from jibu.adapters.mediator.local import HttpUpstream

    if settings.mediator == "xroad":
        return road_maker(settings)
    return lambda: HttpUpstream(connections=settings.mediator_max_exchanges)


def own_services(settings: Settings) -> OwnServices:
    """Return this block as an application: one service for each contract under a base path. Raises: Misconfigured."""
    try:
        name = application_id(settings.mediator_id)
    except InvalidInput as error:
        raise Misconfigured(f"JIBU_MEDIATOR_ID: {error}") from error
    contracts = [one for one in load_contracts() if one.is_openapi and one.base_path]
    return OwnServices(name, NAME, tuple(_own(name, contract) for contract in contracts))


def _own(name: ApplicationId, contract: Contract) -> Service:
    code, _, rest = contract.base_path.strip("/").partition("/")
    endpoints = tuple(
        Endpoint(f"/{rest}{path}", method.upper())
        for path, item in contract.document["paths"].items()
        for method in METHODS
        if method in item
    )
    return Service(
        application_id=name,
        code=code,
        title=contract.title,
        base_url=None,
        own=True,
        endpoints=tuple(sorted(endpoints)),
        description=contract.text.decode(),
        version=str(contract.document["info"]["version"]),
    )
