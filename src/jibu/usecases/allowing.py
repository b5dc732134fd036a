"""Who may call which service, as lists that are read in pages and changed in parts."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from jibu.domain.consent.canonical import canonical, digest
from jibu.domain.errors import Conflict, InvalidInput, NotFound
from jibu.domain.mediation import AccessRight, ApplicationId, MemberId, RightFilter, check_code
from jibu.ports import Clock, Records, UnitOfWork
from jibu.usecases.configuration_plan import MAX_CHANGES
from jibu.usecases.configuration_state import Key, as_id, load, named
from jibu.usecases.consent.noting import Actor
from jibu.usecases.directory import OwnServices
from jibu.usecases.directory_changes import DirectoryChanges

Place = tuple[str, str, str]
"""Provider, service and consumer of the last right on a page."""


@dataclass(frozen=True, slots=True)
class NamedConsumer:
    """A consumer as a caller names it: the member by name or id, or by class and code; all that is given has to fit."""

    member: str | None
    application: str | None
    member_class: str | None
    member_code: str | None
    application_id: str | None


@dataclass(frozen=True, slots=True)
class ServiceConsumers:
    """A service of this instance and consumers that are to be allowed or denied."""

    member_class: str
    member_code: str
    application: str
    service: str
    consumers: tuple[NamedConsumer, ...]


@dataclass(frozen=True, slots=True)
class AllowedConsumer:
    """A consumer that may call. ``member``: its name; the id for one of another instance."""

    application_id: ApplicationId
    member: str


@dataclass(frozen=True, slots=True)
class AllowPage:
    """Services with consumers that may call them; ``token`` leads to the next page, None on the last one."""

    services: tuple[tuple[Key, tuple[AllowedConsumer, ...]], ...]
    token: str | None


class Allowing:
    """Reads and changes access rights to the services of this mediator's instance."""

    def __init__(
        self,
        *,
        records: Records,
        own: OwnServices,
        clock: Clock,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._records = records
        self._own = own
        self._instance = own.application_id.member.instance
        self._clock = clock
        self._changed = changed

    def page(self, wanted: RightFilter, *, size: int, token: str | None) -> AllowPage:
        """Return ``size`` pairs of service and consumer. Raises: InvalidInput for a token of another list."""
        wanted = replace(wanted, instance=self._instance)
        last = None if token is None else _place(token, wanted)
        with self._records.read() as uow:
            found = uow.mediator.services.rights_after(wanted, last, limit=size + 1)
            more, found = len(found) > size, found[:size]
            groups = groupby(found, key=lambda one: (one.provider, one.service))
            services = tuple((key, tuple(self._shown(uow, one) for one in some)) for key, some in groups)
        return AllowPage(services, _token(found[-1], wanted) if more else None)

    def _shown(self, uow: UnitOfWork, right: AccessRight) -> AllowedConsumer:
        member = right.consumer.member
        if member.instance != self._instance:
            return AllowedConsumer(right.consumer, str(member))
        return AllowedConsumer(right.consumer, uow.mediator.members.get(member).name)

    def allow(self, wanted: Sequence[ServiceConsumers], *, by: Actor) -> None:
        """Give rights; one that is there stays as it is. Raises: InvalidInput that names the place; Conflict."""

        def grant(changes: DirectoryChanges, uow: UnitOfWork, right: AccessRight) -> None:
            if right.consumer == self._own.application_id:
                changes.enrol(right.consumer, self._own.name)
            if not _has(uow, right):
                changes.grant(right)

        self._change(wanted, by, grant)

    def deny(self, wanted: Sequence[ServiceConsumers], *, by: Actor) -> None:
        """Take rights away; one that is not there is no fault. Raises: InvalidInput that names the place; Conflict."""

        def revoke(changes: DirectoryChanges, uow: UnitOfWork, right: AccessRight) -> None:
            if _has(uow, right):
                changes.revoke(right.consumer, right.provider, right.service)

        self._change(wanted, by, revoke)

    def _change(
        self,
        wanted: Sequence[ServiceConsumers],
        by: Actor,
        change: Callable[[DirectoryChanges, UnitOfWork, AccessRight], None],
    ) -> None:
        at = self._clock()
        if sum(len(one.consumers) for one in wanted) > MAX_CHANGES:
            raise InvalidInput(f"more than {MAX_CHANGES} rights; send them in several calls")
        with self._records.write() as uow:
            changes = DirectoryChanges(uow, by, at)
            who = _Who(uow, self._own, self._instance)
            for number, one in enumerate(wanted):
                provider, code = self._service(uow, one, str(number))
                for place, consumer in enumerate(one.consumers):
                    name = who.named(consumer, f"{number}/rights/{place}")
                    change(changes, uow, AccessRight(name, provider, code, (), at))
            uow.commit()
        self._changed()

    def _service(self, uow: UnitOfWork, one: ServiceConsumers, where: str) -> Key:
        for name, code in (
            ("memberClass", one.member_class),
            ("memberCode", one.member_code),
            ("applicationId", one.application),
            ("serviceId", one.service),
        ):
            check_code(code, f"{where}/{name}")
        provider = ApplicationId(MemberId(self._instance, one.member_class, one.member_code), one.application)
        if provider == self._own.application_id:
            raise Conflict("these are the block's own services: scopes guard them")
        try:
            uow.mediator.services.get(provider, one.service, described=False)
        except NotFound as error:
            raise InvalidInput(str(error), f"{where}/serviceId") from error
        return provider, one.service


class _Who:
    """Finds out which consumers are meant."""

    def __init__(self, uow: UnitOfWork, own: OwnServices, instance: str) -> None:
        self._uow = uow
        self._own = own
        self._instance = instance
        self._holders: dict[str, list[MemberId]] | None = None

    def named(self, one: NamedConsumer, where: str) -> ApplicationId:
        """Raises: InvalidInput."""
        code = one.application_id or one.application
        if code is None:
            raise InvalidInput("say which application: applicationId", f"{where}/applicationId")
        if one.application not in {None, code}:
            raise InvalidInput("application and applicationId are two different ones", f"{where}/application")
        name = ApplicationId(self._member(one, where), check_code(code, f"{where}/applicationId"))
        if name != self._own.application_id:
            try:
                self._uow.mediator.members.application(name)
            except NotFound as error:
                raise InvalidInput(str(error), f"{where}/applicationId") from error
        return name

    def _member(self, one: NamedConsumer, where: str) -> MemberId:
        parts = one.member_class, one.member_code
        if one.member is None:
            if one.member_class is None or one.member_code is None:
                raise InvalidInput("say which member: memberClass and memberCode", where)
            return MemberId(
                self._instance,
                check_code(one.member_class, f"{where}/memberClass"),
                check_code(one.member_code, f"{where}/memberCode"),
            )
        known = as_id(one.member)
        found = [known] if known is not None else self._holding(one.member)
        found = [
            name
            for name in found
            if all(
                part is None or part == there
                for part, there in zip(parts, (name.member_class, name.member_code), strict=True)
            )
        ]
        if len(found) != 1:
            raise InvalidInput(
                "several members have this name; say memberClass and memberCode too"
                if found
                else "no member has this name, class and code",
                f"{where}/member",
            )
        return found[0]

    def _holding(self, name: str) -> list[MemberId]:
        if self._holders is None:
            present = load(self._uow, self._instance)
            names = {self._own.application_id.member: self._own.name}
            names |= {member: one.name for member, one in present.members.items()}
            self._holders = named(names)
        return self._holders.get(name, [])


def _has(uow: UnitOfWork, right: AccessRight) -> bool:
    try:
        uow.mediator.services.right(right.consumer, right.provider, right.service)
    except NotFound:
        return False
    return True


def _sum(wanted: RightFilter) -> str:
    return digest(canonical(list(wanted.parts)))[:16]


def _token(right: AccessRight, wanted: RightFilter) -> str:
    said = [_sum(wanted), str(right.provider), right.service, str(right.consumer)]
    return base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")


def _place(token: str, wanted: RightFilter) -> Place:
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        said = json.loads(text)
    except (binascii.Error, ValueError, RecursionError) as error:
        raise InvalidInput("this is no token of a page", "nextPageToken") from error
    if not (
        isinstance(said, list)
        and len(said) == 4
        and all(isinstance(one, str) and one.isprintable() for one in said)
    ):
        raise InvalidInput("this is no token of a page", "nextPageToken")
    if said[0] != _sum(wanted):
        raise InvalidInput("this token is of a list with other filters", "nextPageToken")
    return said[1], said[2], said[3]
