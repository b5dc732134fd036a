"""The directory: who offers which service, and what a caller may use of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from jibu.domain.access import Caller
from jibu.domain.errors import Forbidden, InvalidInput, NotFound, UnknownProvider
from jibu.domain.mediation import (
    AccessRight,
    ApplicationId,
    ClientLine,
    Endpoint,
    Service,
    application_id,
)
from jibu.ports import Page, Records


@dataclass(frozen=True, slots=True)
class OwnServices:
    """This block as the directory shows it: an application whose services are never stored, so never wrong."""

    application_id: ApplicationId
    name: str
    services: tuple[Service, ...]

    def find(self, provider: ApplicationId, code: str) -> Service | None:
        """Return one of this block's services."""
        if provider != self.application_id:
            return None
        return next((one for one in self.services if one.code == code), None)


def client_of(caller: Caller, govstack: str | None, xroad: str | None = None) -> ApplicationId:
    """Return who calls: what the headers say and the token proves.

    Raises: InvalidInput (no header, two that differ, not a name); Forbidden when the token is another client's.
    """
    if govstack is not None and xroad is not None and govstack != xroad:
        raise InvalidInput(
            "X-GovStack-Client and X-Road-Client name two different clients", "X-GovStack-Client"
        )
    named = govstack if govstack is not None else xroad
    if named is None:
        raise InvalidInput("say who calls: INSTANCE/CLASS/MEMBER/APPLICATION", "X-GovStack-Client")
    found = application_id(named, "X-GovStack-Client")
    if named != caller.client:
        raise Forbidden("the token was issued to another client than X-GovStack-Client names")
    return found


class Directory:
    """Answers the metaservices."""

    def __init__(self, *, records: Records, own: OwnServices) -> None:
        self._records = records
        self._own = own

    def clients(self, instance: str | None, *, offset: int, limit: int) -> Page[ClientLine]:
        """List members and applications, of one instance or all. Raises: UnknownProvider for an unknown instance."""
        own = self._own
        with self._records.read() as uow:
            found = uow.mediator.members.clients(
                own.application_id, own.name, offset=offset, limit=limit, instance=instance
            )
        if instance is not None and not found.total:
            raise UnknownProvider("this mediator knows no such instance", "instanceId")
        return found

    def methods(self, provider: ApplicationId, code: str | None) -> list[Service]:
        """List services with the endpoints that are on. Raises: UnknownProvider."""
        services = self._services(provider)
        if code is not None:
            services = [one for one in services if one.code == code]
            if not services:
                raise UnknownProvider(f"no service {provider}/{code[:64]}", "serviceId")
        return [_shown(one) for one in services if one.enabled]

    def allowed(self, client: ApplicationId, provider: ApplicationId, code: str | None) -> list[Service]:
        """List what this client may call. Raises: UnknownProvider."""
        found = []
        for service in self.methods(provider, code):
            right = self._right(client, service)
            if right is not None:
                endpoints = tuple(one for one in service.endpoints if right.covers(one))
                found.append(replace(service, endpoints=endpoints))
        return [one for one in found if one.endpoints]

    def description(self, provider: ApplicationId, code: str) -> str:
        """Return a service's OpenAPI document as it was registered. Raises: UnknownProvider."""
        for service in self._services(provider):
            if service.code == code and service.description is not None:
                return service.description
        raise UnknownProvider(f"no OpenAPI document of {provider}/{code[:64]}", "serviceCode")

    def _services(self, provider: ApplicationId) -> list[Service]:
        if provider == self._own.application_id:
            return list(self._own.services)
        with self._records.read() as uow:
            try:
                uow.mediator.members.application(provider)
            except NotFound as error:
                raise UnknownProvider(str(error), "applicationCode") from error
            return uow.mediator.services.of(provider)

    def _right(self, client: ApplicationId, service: Service) -> AccessRight | None:
        if service.own:
            return AccessRight(client, service.application_id, service.code)
        with self._records.read() as uow:
            try:
                return uow.mediator.services.right(client, service.application_id, service.code)
            except NotFound:
                return None


def _shown(service: Service) -> Service:
    on: tuple[Endpoint, ...] = tuple(sorted(one for one in service.endpoints if one.enabled))
    return replace(service, endpoints=on)
