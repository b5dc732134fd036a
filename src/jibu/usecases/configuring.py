"""Managing the configuration of this mediator's instance as one document: read, created, updated or replaced whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from jibu.domain.configuration import Configuration, Mode
from jibu.domain.errors import Conflict, InvalidInput, NotFound
from jibu.domain.mediation import HTTPS, AccessRight, Application, ApplicationId, Member, Service
from jibu.ports import Clock, Records, UnitOfWork
from jibu.usecases.administering import Drafting, WantedService
from jibu.usecases.configuration_plan import Plan, PlannedService, Planner
from jibu.usecases.configuration_state import Key, Picture, Present, load
from jibu.usecases.consent.noting import Actor
from jibu.usecases.directory import OwnServices
from jibu.usecases.directory_changes import DirectoryChanges

FIELDS = {"baseUrl": "serviceUrl", "openapi": "specUrl", "serviceCode": "id"}
"""What a service's fields are called in the document."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A document of a service that has to be fetched. ``where`` is the place that asks for it."""

    where: str
    service_id: str
    url: str
    private: bool


Texts = Mapping[str, tuple[str, str]]
"""What was fetched: by service id, from where and the text."""


@dataclass(frozen=True, slots=True)
class InstanceStatus:
    """How the mediator is. ``configured``: somebody has said where the instance runs."""

    instance: str
    configured: bool


class Configuring:
    """The instance's configuration. Every change is one transaction: all of the document, or nothing."""

    def __init__(
        self,
        *,
        records: Records,
        drafting: Drafting,
        own: OwnServices,
        address: str,
        clock: Clock,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._records = records
        self._drafting = drafting
        self._own = own.application_id
        self._name = own.name
        self._picture = Picture(own, address)
        self._clock = clock
        self._changed = changed

    @property
    def _instance(self) -> str:
        return self._own.member.instance

    def read(self) -> Configuration:
        """Return the whole configuration. Raises: Unavailable."""
        with self._records.read() as uow:
            return self._picture.document(load(uow, self._instance))

    def status(self) -> InstanceStatus:
        """Tell whether there is a configuration. Raises: Unavailable."""
        with self._records.read() as uow:
            return InstanceStatus(self._instance, uow.mediator.members.domain(self._instance) is not None)

    def wanted(self, document: Configuration, mode: Mode) -> list[Wanted]:
        """Check a document, and return what has to be fetched for it. Raises: InvalidInput; Conflict."""
        with self._records.read() as uow:
            _, plan = self._planned(uow, document, mode)
        return [
            Wanted(f"{one.where}/specUrl", _id(one.key), one.spec_url or "", one.fetch_private)
            for one in plan.fetched
        ]

    def apply(self, document: Configuration, mode: Mode, texts: Texts, *, by: Actor) -> int:
        """Make the directory what the document says; return how many things changed.

        Raises: InvalidInput that names the place; Conflict: it is there already, it would remove this block itself,
        or it changed since ``wanted`` looked.
        """
        at = self._clock()
        with self._records.write() as uow:
            changes = DirectoryChanges(uow, by, at)
            present, plan = self._planned(uow, document, mode)
            if plan.domain != present.domain:
                changes.put_domain(self._instance, plan.domain)
            self._members(present, plan, changes)
            for one in plan.services.values():
                service = self._service(uow, present, one, texts)
                if service is not None:
                    changes.put_service(replace(service, updated_at=at))
            self._rights(present, plan, changes, mode)
            if mode is Mode.REPLACE:
                self._remove(present, plan, changes)
            uow.commit()
        self._changed()
        return changes.count

    def _planned(self, uow: UnitOfWork, document: Configuration, mode: Mode) -> tuple[Present, Plan]:
        present = load(uow, self._instance)
        others = set(present.members) - {self._own.member}
        if mode is Mode.CREATE and (present.domain is not None or others):
            raise Conflict(
                f"the instance {self._instance} is there already: PATCH changes it, PUT replaces it"
            )
        planner = Planner(present, self._picture, mode, lambda name: _registered(uow, name))
        return present, planner.plan(document)

    def _members(self, present: Present, plan: Plan, changes: DirectoryChanges) -> None:
        """Register and rename members and applications."""
        at, names = self._clock(), self._picture.names(present)
        for member, name in plan.members.items():
            if names.get(member) != name:
                changes.put_member(Member(member, name, at))
        for application, connection in plan.applications.items():
            there = present.applications.get(application)
            if application == self._own:
                continue
            if there is None:
                self._enrol_member(present, plan, application, changes)
                changes.put_application(
                    Application(application, application.application, at, connection or HTTPS)
                )
            elif connection not in {None, there.connection}:
                changes.put_application(replace(there, connection=connection or HTTPS))

    def _enrol_member(
        self, present: Present, plan: Plan, application: ApplicationId, changes: DirectoryChanges
    ) -> None:
        """Write this block's own member down where another application of it is registered."""
        member = application.member
        if (
            member == self._own.member
            and member not in present.members
            and plan.members[member] == self._name
        ):
            changes.put_member(Member(member, self._name, self._clock()))

    def _service(
        self, uow: UnitOfWork, present: Present, one: PlannedService, texts: Texts
    ) -> Service | None:
        """Return a service as it is to be, None where it is so already. Raises: InvalidInput; Conflict."""
        provider, code = one.key
        before = present.services.get(one.key)
        if one.fetch:
            url, text = texts.get(_id(one.key), ("", ""))
            if url != one.spec_url:
                raise Conflict("the directory changed meanwhile; send the document again")
            return self._drafted(uow, one, text, described=before is not None)
        if before is None or ((before.base_url, before.private_host) == (one.base_url, one.private_host)):
            return None
        whole = uow.mediator.services.get(provider, code)
        return replace(whole, base_url=one.base_url, private_host=one.private_host)

    def _drafted(self, uow: UnitOfWork, one: PlannedService, text: str, *, described: bool) -> Service:
        """Return a service with a document that was fetched; what the configuration has no word for stays."""
        provider, code = one.key
        wanted = WantedService(None, one.base_url, text, private_host=one.private_host)
        try:
            drafted = self._drafting.service(provider, code, wanted)
        except InvalidInput as error:
            field = FIELDS.get(error.field or "", "specUrl")
            raise InvalidInput(str(error), f"{one.where}/{field}") from error
        if not described:
            return replace(drafted, spec_url=one.spec_url)
        before = uow.mediator.services.get(provider, code)
        off = {(end.method, end.path) for end in before.endpoints if not end.enabled}
        return replace(
            drafted,
            spec_url=one.spec_url,
            timeout_s=before.timeout_s,
            agreement_id=before.agreement_id,
            enabled=before.enabled,
            endpoints=tuple(
                replace(end, enabled=(end.method, end.path) not in off) for end in drafted.endpoints
            ),
        )

    def _rights(self, present: Present, plan: Plan, changes: DirectoryChanges, mode: Mode) -> None:
        """Give rights that are described, take others away where all is replaced; what is there stays as it is."""
        for (provider, code), consumers in plan.rights.items():
            there = set(present.rights.get((provider, code), {}))
            for consumer in sorted(there - consumers) if mode is Mode.REPLACE else ():
                changes.revoke(consumer, provider, code)
            for consumer in sorted(consumers - there):
                if consumer == self._own:
                    changes.enrol(consumer, self._name)
                changes.grant(AccessRight(consumer, provider, code, (), self._clock()))

    def _remove(self, present: Present, plan: Plan, changes: DirectoryChanges) -> None:
        """Remove what is not described: services, then applications, then members."""
        for key in sorted(present.services.keys() - plan.services.keys()):
            changes.delete_service(*key)
        for application in sorted(set(present.applications) - set(plan.applications) - {self._own}):
            changes.delete_application(application)
        for member in sorted(set(present.members) - set(plan.members) - {self._own.member}):
            changes.delete_member(member)


def _id(key: Key) -> str:
    return f"{key[0]}/{key[1]}"


def _registered(uow: UnitOfWork, name: ApplicationId) -> bool:
    try:
        uow.mediator.members.application(name)
    except NotFound:
        return False
    return True
