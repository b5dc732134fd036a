"""Changes of the mediator's directory: whoever makes one leaves a line in the audit log, in the same transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from jibu.domain.consent.canonical import Json, canonical, digest
from jibu.domain.consent.values import Schema
from jibu.domain.errors import InvalidInput, NotFound
from jibu.domain.mediation import (
    HTTPS,
    AccessRight,
    Application,
    ApplicationId,
    Endpoint,
    Member,
    MemberId,
    Service,
)
from jibu.ports import UnitOfWork
from jibu.usecases.consent.noting import Actor, Noting

BLOCK = Actor("jibu")
"""Who acts where nobody asked over the API: the block itself, or its operator at the console."""
MAX_OBJECT = 255
T = TypeVar("T")


class DirectoryChanges:
    """All changes of one transaction. Others wait until it ends, so what is read here stays true while it writes."""

    def __init__(self, uow: UnitOfWork, by: Actor, at: datetime) -> None:
        uow.mediator.hold()
        self._uow = uow
        self._noting = Noting(uow, by, at)
        self._at = at
        self.count = 0

    def put_domain(self, instance: str, domain: str) -> None:
        """Say where an instance runs."""
        before = self._uow.mediator.members.domain(instance)
        self._uow.mediator.members.put_domain(instance, domain, at=self._at)
        self.note(Schema.INSTANCE, instance, before, domain)

    def put_member(self, member: Member) -> bool:
        """Create or rename; return whether it is new."""
        members, name = self._uow.mediator.members, member.member_id
        before = _found(lambda: members.get(name), _member)
        new = members.put(member)
        self.note(Schema.MEMBER, str(name), before, _member(member))
        return new

    def delete_member(self, name: MemberId) -> None:
        """Raises: NotFound; Conflict while it has applications."""
        self._uow.mediator.members.delete(name)
        self.note(Schema.MEMBER, str(name), "", None)

    def put_application(self, application: Application) -> bool:
        """Create or change; return whether it is new. Raises: NotFound."""
        members, name = self._uow.mediator.members, application.application_id
        before = _found(lambda: members.application(name), _application)
        new = members.put_application(application)
        self.note(Schema.APPLICATION, str(name), before, _application(application))
        return new

    def enrol(self, own: ApplicationId, name: str) -> None:
        """Write this block itself down as an application, so that rights can name it; nothing where it is."""
        members = self._uow.mediator.members
        if _found(lambda: members.get(own.member), _member) is None:
            self.put_member(Member(own.member, name, self._at))
        if _found(lambda: members.application(own), _application) is None:
            self.put_application(Application(own, name, self._at))

    def delete_application(self, name: ApplicationId) -> None:
        """Remove it with its rights to call others. Raises: NotFound; Conflict while it has services."""
        self._uow.mediator.members.delete_application(name)
        self.note(Schema.APPLICATION, str(name), "", None)

    def put_service(self, service: Service) -> bool:
        """Create or replace; return whether it is new. Raises: NotFound."""
        services = self._uow.mediator.services
        before = _found(lambda: services.get(service.application_id, service.code), _service)
        new = services.put(service)
        self.note(Schema.SERVICE, service.service_id, before, _service(service))
        return new

    def delete_service(self, provider: ApplicationId, code: str) -> None:
        """Remove it with the rights to call it. Raises: NotFound."""
        self._uow.mediator.services.delete(provider, code)
        self.note(Schema.SERVICE, f"{provider}/{code}", "", None)

    def grant(self, right: AccessRight) -> bool:
        """Create or replace; return whether it is new. Raises: NotFound; InvalidInput for an unknown endpoint."""
        services, consumer, provider = self._uow.mediator.services, right.consumer, right.provider
        known = {(one.method, one.path) for one in services.get(provider, right.service).endpoints}
        for number, one in enumerate(right.endpoints):
            if (one.method, one.path) not in known:
                raise InvalidInput("the service has no such endpoint", f"endpoints/{number}")
        before = _found(lambda: services.right(consumer, provider, right.service), _endpoints_of)
        new = services.grant(right)
        self.note(Schema.RIGHT, _right(right), before, _endpoints_of(right))
        return new

    def revoke(self, consumer: ApplicationId, provider: ApplicationId, code: str) -> None:
        """Raises: NotFound."""
        self._uow.mediator.services.revoke(consumer, provider, code)
        self.note(Schema.RIGHT, _right(AccessRight(consumer, provider, code)), "", None)

    def note(self, schema: Schema, name: str, before: Json, after: Json) -> None:
        """Leave a line, unless nothing changed. None stands for what is not there."""
        if before == after:
            return
        change = "created" if before is None else "deleted" if after is None else "updated"
        content = None if after is None else digest(canonical(after))
        self.act(f"{_word(schema)}.{change}", schema, name, content)

    def act(self, action: str, schema: Schema, name: str, content_hash: str | None = None) -> None:
        """Leave a line."""
        self._noting.note(action, schema, _object(name), content_hash=content_hash)
        self.count += 1


def connection_of(uow: UnitOfWork, name: ApplicationId) -> str:
    """Return the protocol that an application was registered with; that of a new one where it is unknown."""
    try:
        return uow.mediator.members.application(name).connection
    except NotFound:
        return HTTPS


def _found(look: Callable[[], T], view: Callable[[T], Json]) -> Json:
    try:
        return view(look())
    except NotFound:
        return None


def _word(schema: Schema) -> str:
    return "right" if schema is Schema.RIGHT else schema.value.lower()


def _object(name: str) -> str:
    """Return what stands for a thing in the log: its name or, where that is very long, how it begins and its hash."""
    return name if len(name) <= MAX_OBJECT else f"{name[:180]}…{digest(name)}"


def _right(right: AccessRight) -> str:
    return f"{right.provider}/{right.service} < {right.consumer}"


def _member(one: Member) -> Json:
    return {"name": one.name}


def _endpoints_of(one: AccessRight) -> Json:
    return _endpoints(one.endpoints)


def _application(one: Application) -> Json:
    return {"name": one.name, "connection": one.connection}


def _endpoints(found: tuple[Endpoint, ...]) -> Json:
    return [[one.method, one.path, one.enabled] for one in found]


def _service(one: Service) -> Json:
    return {
        "title": one.title,
        "version": one.version,
        "baseUrl": one.base_url,
        "endpoints": _endpoints(one.endpoints),
        "openapi": None if one.description is None else digest(one.description),
        "specUrl": one.spec_url,
        "timeoutMs": round(1000 * one.timeout_s),
        "dataAgreementId": one.agreement_id,
        "allowPrivateHost": one.private_host,
        "enabled": one.enabled,
    }
