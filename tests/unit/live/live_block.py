"""A block that may ask a registry about Amina on behalf of a portal: records, rights, consent and a real socket."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "http"))

from registry_stand_in import Registry

from jibu.adapters.mediator.asking import UpstreamMediator
from jibu.adapters.mediator.local import HttpUpstream
from jibu.adapters.mediator.openapi import OpenApiReader
from jibu.adapters.mediator.resting import RestingMediator
from jibu.adapters.store.sql import SqlRecords
from jibu.adapters.store.sqlite import open_sqlite
from jibu.domain.access import Caller
from jibu.domain.consent.values import ConsentRecord, Individual
from jibu.domain.exchanges import Exchange, ExchangeFilter
from jibu.domain.live import Asked, LiveData
from jibu.domain.mediation import AccessRight, Application, Endpoint, Member, Service, application_id
from jibu.domain.personal import ConsentDecision, PersonalContext
from jibu.testing.records_consent import AGREEMENT
from jibu.testing.records_samples import NOW
from jibu.usecases.asking import Limits, LiveServices
from jibu.usecases.consent_gate import ConsentGate
from jibu.usecases.directory import OwnServices
from jibu.usecases.live import LivePlan

OWN, PORTAL = application_id("JIBU/DEV/BLOCK/jibu"), application_id("ZZ/GOV/agency/portal")
OFFICE = application_id("ZZ/GOV/office/registry")
PERSON, BY_PATH, TAX = f"{OFFICE}/person", f"{OFFICE}/by-path", f"{OFFICE}/tax"
AMINA = Caller(str(PORTAL), frozenset({"rag.query"}), subject="amina")
MINE = PersonalContext("amina", "benefits")
ASKED = Asked("question-1", "4bf92f3577b34da6a3ce929d0e0e4736")


def document(path: str, **more: Any) -> str:
    """Return an OpenAPI document whose operation at a path is marked."""
    schema = {"properties": {"dob": {"title": "Date of birth"}}}
    answer = {"description": "A person", "content": {"application/json": {"schema": schema}}}
    operation = {"x-jibu-individual": True, "responses": {"200": answer}}
    said = {"openapi": "3.0.3", "info": {"title": "Registry", "version": "1"}}
    return json.dumps(said | {"paths": {path: {"get": operation}, **more}})


def service(code: str, path: str, agreement: str | None, **changes: Any) -> Service:
    """Return a service of the registry that may be on an internal host."""
    given: dict[str, Any] = {
        "application_id": OFFICE,
        "code": code,
        "title": f"Registry: {code}",
        "base_url": "http://127.0.0.1:1",
        "endpoints": (Endpoint(path, "GET"),),
        "description": document(path),
        "agreement_id": agreement,
        "private_host": True,
        "updated_at": NOW,
    }
    return Service(**(given | changes))


SERVICES = (
    service("person", "/person", "benefits"),
    service("by-path", "/persons/{id}", "benefits"),
    service("tax", "/person", "taxes"),
)


def consented(individual: str, agreement: str, *, opt_in: bool = True) -> ConsentRecord:
    """Return what an individual says."""
    name = f"{individual}.{agreement}"
    return ConsentRecord(agreement, f"{agreement}.v1", "f" * 64, individual, opt_in, NOW, record_id=name)


def prepared(folder: Path, *, port: int = 1) -> Path:
    """Return a database in which everybody has every right, and Amina consents to benefits alone."""
    records = open_sqlite(folder / "prepared.db")
    with records.write() as uow:
        for name in (OWN, PORTAL, OFFICE):
            uow.mediator.members.put(Member(name.member, "A member", NOW))
            uow.mediator.members.put_application(Application(name, "An application", NOW))
        for one in SERVICES:
            uow.mediator.services.put(replace(one, base_url=f"http://127.0.0.1:{port}"))
            for consumer in (OWN, PORTAL):
                uow.mediator.services.grant(AccessRight(consumer, OFFICE, one.code, (), NOW))
        for agreement in ("benefits", "taxes"):
            made = replace(AGREEMENT, agreement_id=agreement)
            uow.agreements.put_agreement(made, accepts=(f"{agreement}.v1",), at=NOW)
        for name in ("amina", "a?b=c&d #e%"):
            uow.consent.put_individual(Individual(name, name, "id", "idp", ()), at=NOW)
        uow.consent.put_record(consented("amina", "benefits"), at=NOW)
        uow.commit()
    records.close()
    return folder / "prepared.db"


class LiveBlock:
    """The use case over a copy of such a database, and a registry that runs."""

    def __init__(self, prepared: Path, folder: Path, registry: Registry, **limits: Any) -> None:
        self.path = folder / "jibu.db"
        shutil.copy(prepared, self.path)
        self.records: SqlRecords = open_sqlite(self.path)
        self.registry = registry
        self.watched: list[Exchange] = []
        self.gate = ConsentGate(records=self.records, clock=lambda: NOW)
        self.live = LiveServices(
            records=self.records,
            own=OwnServices(OWN, "Jibu", ()),
            consent=self.gate,
            mediator=RestingMediator(UpstreamMediator(HttpUpstream)),
            reader=OpenApiReader(),
            limits=Limits(**({"seconds": 10.0, "max_bytes": 10_000} | limits)),
            watch=self.watched.append,
        )

    def put(self, code: str, **changes: Any) -> None:
        """Change a service; it is where the registry runs unless told."""
        given = next(one for one in SERVICES if one.code == code)
        with self.records.write() as uow:
            url = {"base_url": f"http://127.0.0.1:{self.registry.port}"}
            uow.mediator.services.put(replace(given, **(url | changes)))
            uow.commit()

    def revoke(self, consumer: Any, code: str) -> None:
        """Take a right away."""
        with self.records.write() as uow:
            uow.mediator.services.revoke(consumer, OFFICE, code)
            uow.commit()

    def grant(self, consumer: Any, code: str, *endpoints: Endpoint) -> None:
        """Give a right to endpoints."""
        with self.records.write() as uow:
            uow.mediator.services.grant(AccessRight(consumer, OFFICE, code, endpoints, NOW))
            uow.commit()

    def consent(self, individual: str, agreement: str, *, opt_in: bool = True) -> None:
        """Record what an individual says."""
        with self.records.write() as uow:
            uow.consent.put_record(consented(individual, agreement, opt_in=opt_in), at=NOW)
            uow.commit()

    def plan(self, *services: str, caller: Caller = AMINA, context: PersonalContext = MINE) -> LivePlan:
        """Admit."""
        return self.live.admit(caller, context, services or (PERSON,), ASKED)

    def ask(self, *services: str) -> LiveData:
        """Admit and fetch."""
        return self.live.fetch(self.plan(*services))

    def decisions(self) -> list[ConsentDecision]:
        """Return the log of decisions, oldest first."""
        with self.records.read() as uow:
            return list(reversed(uow.decisions.page(offset=0, limit=100_000).items))

    def exchanges(self) -> list[Exchange]:
        """Return the message log."""
        with self.records.read() as uow:
            found = uow.mediator.exchanges.page(ExchangeFilter(), offset=0, limit=100_000).items
        return [one.exchange for one in found]
