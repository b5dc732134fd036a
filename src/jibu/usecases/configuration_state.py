"""The directory of one instance as it is, for the management of its configuration."""

from __future__ import annotations

from dataclasses import dataclass, field

from jibu.domain.configuration import (
    Configuration,
    ConfiguredApplication,
    ConfiguredMember,
    ConfiguredRight,
    ConfiguredService,
)
from jibu.domain.errors import InvalidInput
from jibu.domain.mediation import (
    HTTPS,
    AccessRight,
    Application,
    ApplicationId,
    Member,
    MemberId,
    RightFilter,
    Service,
    member_id,
)
from jibu.ports import UnitOfWork
from jibu.usecases.directory import OwnServices

AT_ONCE = 1000
Key = tuple[ApplicationId, str]
"""A service: whose it is, and its code."""


@dataclass(frozen=True, slots=True)
class Present:
    """What is registered. Services are without their documents; this block is in it where it was enrolled."""

    instance: str
    domain: str | None
    members: dict[MemberId, Member]
    applications: dict[ApplicationId, Application]
    services: dict[Key, Service] = field(default_factory=dict)
    rights: dict[Key, dict[ApplicationId, AccessRight]] = field(default_factory=dict)


def load(uow: UnitOfWork, instance: str) -> Present:
    """Read everything of an instance."""
    members, services = uow.mediator.members, uow.mediator.services
    found = Present(instance, members.domain(instance), {}, {})
    while page := members.page(offset=len(found.members), limit=AT_ONCE, instance=instance).items:
        found.members.update((one.member_id, one) for one in page)
    while lines := members.applications(
        None, offset=len(found.applications), limit=AT_ONCE, instance=instance
    ).items:
        found.applications.update((one.application_id, one) for one in lines)
    found.services.update(((one.application_id, one.code), one) for one in services.listed(instance))
    last: tuple[str, str, str] | None = None
    while rights := services.rights_after(RightFilter(instance=instance), last, limit=AT_ONCE):
        for one in rights:
            found.rights.setdefault((one.provider, one.service), {})[one.consumer] = one
        last = str(rights[-1].provider), rights[-1].service, str(rights[-1].consumer)
    return found


def named(names: dict[MemberId, str]) -> dict[str, list[MemberId]]:
    """Return who has which name."""
    found: dict[str, list[MemberId]] = {}
    for member, name in names.items():
        found.setdefault(name, []).append(member)
    return found


def as_id(text: str) -> MemberId | None:
    """Return the member that a text of three parts names, None where it is no such text."""
    try:
        return member_id(text)
    except InvalidInput:
        return None


class Picture:
    """Shows an instance as a document. ``address`` is where callers reach this block."""

    def __init__(self, own: OwnServices, address: str) -> None:
        self.own = own
        self.address = address.rstrip("/")

    def domain(self, present: Present) -> str:
        """Return where the instance runs; where nobody has said, the host of this block's address."""
        if present.domain is not None:
            return present.domain
        return self.address.partition("://")[2].partition("/")[0].rpartition("@")[2].partition(":")[0]

    def names(self, present: Present) -> dict[MemberId, str]:
        """Return the name of every member, this block's own included."""
        return {self.own.application_id.member: self.own.name} | {
            member: one.name for member, one in present.members.items()
        }

    def spec_url(self, service: Service) -> str:
        """Return where a service's document came from or, where it was sent along, where this block shows it."""
        if service.spec_url is not None:
            return service.spec_url
        return f"{self.address}/r1/{service.application_id}/getOpenAPI?serviceCode={service.code}"

    def service_url(self, service: Service) -> str:
        """Return where a service is called; where only X-Road knows that, where it is called through this block."""
        return service.base_url or f"{self.address}/r1/{service.service_id}"

    def document(self, present: Present) -> Configuration:
        """Return everything, in order of names."""
        names = self.names(present)
        holders = named(names)
        own = self.own.application_id
        services: dict[ApplicationId, list[ConfiguredService]] = {}
        for (provider, _), service in present.services.items():
            services.setdefault(provider, []).append(self._service(present, service, names, holders))
        applications: dict[MemberId, list[ConfiguredApplication]] = {}
        for name in sorted({own, *present.applications}):
            shown = (
                self.own_application()
                if name == own
                else ConfiguredApplication(
                    name.application, present.applications[name].connection, tuple(services.get(name, ()))
                )
            )
            applications.setdefault(name.member, []).append(shown)
        members = tuple(
            ConfiguredMember(names[one], one.member_class, one.member_code, tuple(applications.get(one, ())))
            for one in sorted(names)
        )
        return Configuration(self.domain(present), present.instance, members)

    def own_application(self) -> ConfiguredApplication:
        """Return this block itself: its services are always there, and scopes guard them."""
        services = tuple(
            ConfiguredService(one.code, self.spec_url(one), f"{self.address}/{one.code}")
            for one in sorted(self.own.services, key=lambda one: one.code)
        )
        connection = self.address.partition("://")[0] or HTTPS
        return ConfiguredApplication(self.own.application_id.application, connection, services)

    def _service(
        self,
        present: Present,
        service: Service,
        names: dict[MemberId, str],
        holders: dict[str, list[MemberId]],
    ) -> ConfiguredService:
        consumers = sorted(present.rights.get((service.application_id, service.code), {}))
        rights = tuple(ConfiguredRight(_text(one, names, holders), one.application) for one in consumers)
        return ConfiguredService(
            service.code, self.spec_url(service), self.service_url(service), rights, service.private_host
        )


def _text(consumer: ApplicationId, names: dict[MemberId, str], holders: dict[str, list[MemberId]]) -> str:
    """Return a consumer's member by name, or by id where the name could mean another."""
    name = names.get(consumer.member)
    if name is None or len(holders[name]) > 1 or as_id(name) is not None:
        return str(consumer.member)
    return name
