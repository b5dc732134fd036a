"""What a configuration document asks for: checked as a whole before anything is fetched or changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from jibu.domain.configuration import (
    Configuration,
    ConfiguredApplication,
    ConfiguredMember,
    ConfiguredRight,
    ConfiguredService,
    Mode,
)
from jibu.domain.errors import Conflict, InvalidInput
from jibu.domain.mediation import (
    HTTPS,
    METASERVICES,
    ROOM_SERVICES,
    ApplicationId,
    MemberId,
    Service,
    check_code,
)
from jibu.domain.targets import check_base_url, check_document_url
from jibu.usecases.checks import check_line
from jibu.usecases.configuration_state import Key, Picture, Present, as_id, named

MAX_NAME = 200
MAX_FETCHED = 50
MAX_CHANGES = 5000
"""Things that one document may add and remove: others who write wait meanwhile, some 3 ms for each."""


@dataclass(frozen=True, slots=True)
class PlannedService:
    """A service as it is to be, and its place in the document.

    ``fetch``: its OpenAPI document has to be read, from an internal host too where ``fetch_private`` is true.
    """

    where: str
    key: Key
    base_url: str | None
    spec_url: str | None
    private_host: bool
    fetch: bool
    fetch_private: bool


@dataclass(slots=True)
class Plan:
    """What is to be there. In ``rights``, services of which the document says nothing are missing."""

    domain: str
    members: dict[MemberId, str] = field(default_factory=dict)
    applications: dict[ApplicationId, str | None] = field(default_factory=dict)
    services: dict[Key, PlannedService] = field(default_factory=dict)
    rights: dict[Key, set[ApplicationId]] = field(default_factory=dict)

    @property
    def fetched(self) -> list[PlannedService]:
        """Services whose documents have to be read."""
        return [one for one in self.services.values() if one.fetch]


class Planner:
    """Reads one document against what is there. ``known`` tells of applications of other instances."""

    def __init__(
        self, present: Present, picture: Picture, mode: Mode, known: Callable[[ApplicationId], bool]
    ) -> None:
        self._present = present
        self._picture = picture
        self._own = picture.own.application_id
        self._mode = mode
        self._known = known
        self._rights: list[tuple[str, Key, tuple[ConfiguredRight, ...]]] = []

    def plan(self, document: Configuration) -> Plan:
        """Raises: InvalidInput that names the place; Conflict where the document would remove this block itself."""
        instance = self._present.instance
        if document.instance != instance:
            raise InvalidInput(f"this mediator's instance is {instance}", "instance")
        check_line(document.domain, "domain", limit=253)
        plan = Plan(document.domain)
        for number, member in enumerate(document.members or ()):
            self._member(plan, member, f"members/{number}")
        if self._mode is Mode.REPLACE and self._own not in plan.applications:
            raise Conflict(
                f"the document leaves out this block itself, {self._own}: take it over as GET /api/v1/config shows it"
            )
        self._resolve(plan)
        if self._changes(plan) > MAX_CHANGES:
            raise InvalidInput(f"more than {MAX_CHANGES} changes; PATCH them in several calls", "members")
        if len(plan.fetched) > MAX_FETCHED:
            raise InvalidInput(
                f"more than {MAX_FETCHED} documents would have to be fetched; PATCH them in several calls",
                "members",
            )
        return plan

    def _changes(self, plan: Plan) -> int:
        """Return how many things would be added and, where all is replaced, removed."""
        present = self._present
        wanted = {(key, one) for key, some in plan.rights.items() for one in some}
        there = {(key, one) for key, some in present.rights.items() for one in some}
        pairs: list[tuple[AbstractSet[object], AbstractSet[object]]] = [
            (plan.members.keys(), present.members.keys()),
            (plan.applications.keys(), present.applications.keys()),
            (plan.services.keys(), present.services.keys()),
            (wanted, there),
        ]
        new = sum(len(described - known) for described, known in pairs)
        gone = sum(len(known - described) for described, known in pairs)
        return new + (gone if self._mode is Mode.REPLACE else 0)

    def _member(self, plan: Plan, member: ConfiguredMember, where: str) -> None:
        check_line(member.name, f"{where}/name", limit=MAX_NAME)
        name = MemberId(
            self._present.instance,
            check_code(member.member_class, f"{where}/class"),
            check_code(member.code, f"{where}/code"),
        )
        if name in plan.members:
            raise InvalidInput("this member is described twice", where)
        plan.members[name] = member.name
        for number, application in enumerate(member.applications or ()):
            self._application(plan, name, application, f"{where}/applications/{number}")

    def _application(
        self, plan: Plan, member: MemberId, application: ConfiguredApplication, where: str
    ) -> None:
        name = ApplicationId(member, check_code(application.code, f"{where}/id"))
        if name in plan.applications:
            raise InvalidInput("this application is described twice", where)
        plan.applications[name] = application.connection
        if name == self._own:
            self._check_own(application, where)
            return
        if application.connection is None and self._mode is not Mode.UPDATE:
            plan.applications[name] = HTTPS
        for number, service in enumerate(application.services or ()):
            self._service(plan, name, service, f"{where}/services/{number}")

    def _check_own(self, application: ConfiguredApplication, where: str) -> None:
        """Refuse what would change this block's own services, or leave one out where that would remove it."""
        expected = self._picture.own_application()
        there = {one.code: one for one in expected.services or ()}
        for number, service in enumerate(application.services or ()):
            plain = ConfiguredService(service.code, service.spec_url, service.base_url)
            if there.pop(service.code, None) != plain or service.rights or service.private_host:
                raise InvalidInput(
                    "this block's own services cannot be changed, and scopes guard them: "
                    "take them over as GET /api/v1/config shows them",
                    f"{where}/services/{number}",
                )
        if there and self._mode is Mode.REPLACE:
            raise Conflict(f"the document leaves out this block's own service {min(there)}")
        if application.connection not in {None, expected.connection}:
            raise InvalidInput("this is not how this block is reached", f"{where}/connection")

    def _service(self, plan: Plan, provider: ApplicationId, service: ConfiguredService, where: str) -> None:
        key = provider, check_code(service.code, f"{where}/id")
        if service.code in METASERVICES | ROOM_SERVICES:
            raise InvalidInput(f"{service.code} is the name of a metaservice", f"{where}/id")
        if key in plan.services:
            raise InvalidInput("this service is described twice", where)
        before = self._present.services.get(key)
        private = self._private(service, before)
        if (
            before is not None
            and service.base_url == self._picture.service_url(before)
            and not before.base_url
        ):
            url = None
        else:
            url = check_base_url(service.base_url, private=private, field=f"{where}/serviceUrl")
        spec: str | None = service.spec_url
        kept = before is not None and self._picture.spec_url(before) == spec
        inside = private and url is not None and origin(service.spec_url) == origin(url)
        if before is not None and kept:
            spec = before.spec_url
        else:
            check_document_url(service.spec_url, private=inside, field=f"{where}/specUrl")
        plan.services[key] = PlannedService(where, key, url, spec, private, not kept, inside)
        if service.rights is not None or self._mode is not Mode.UPDATE:
            self._rights.append((where, key, service.rights or ()))

    def _private(self, service: ConfiguredService, before: Service | None) -> bool:
        """Tell whether an internal host is meant: what was allowed lasts as long as the host, but for PUT."""
        if service.private_host is not None:
            return service.private_host
        if before is None or self._mode is Mode.REPLACE:
            return False
        return before.private_host and origin(before.base_url or "") == origin(service.base_url)

    def _resolve(self, plan: Plan) -> None:
        """Find out who the consumers are: names are those that members have afterwards."""
        names, applications = dict(plan.members), set(plan.applications)
        if self._mode is not Mode.REPLACE:
            names = self._picture.names(self._present) | names
            applications |= set(self._present.applications) | {self._own}
        holders = named(names)
        for where, key, rights in self._rights:
            found: set[ApplicationId] = set()
            for number, right in enumerate(rights):
                place = f"{where}/rights/{number}"
                consumer = _consumer(right, holders, place)
                foreign = consumer.member.instance != self._present.instance
                if not (self._known(consumer) if foreign else consumer in applications):
                    raise InvalidInput(f"no application {consumer}", f"{place}/application")
                if consumer in found:
                    raise InvalidInput("this consumer is listed twice", place)
                found.add(consumer)
            plan.rights[key] = found


def _consumer(right: ConfiguredRight, holders: Mapping[str, list[MemberId]], where: str) -> ApplicationId:
    check_code(right.application, f"{where}/application")
    return ApplicationId(member_of(right.member, holders, f"{where}/member"), right.application)


def member_of(text: str, holders: Mapping[str, list[MemberId]], where: str) -> MemberId:
    """Return the member that is meant by id or by a name that it alone has. Raises: InvalidInput."""
    found = as_id(text)
    if found is not None:
        return found
    who = holders.get(text, [])
    if len(who) != 1:
        raise InvalidInput(
            "several members have this name; write INSTANCE/CLASS/MEMBER"
            if who
            else "no member has this name",
            where,
        )
    return who[0]


def origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of a URL. Raises: InvalidInput."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidInput("this is no URL", "serviceUrl") from error
    return parts.scheme, parts.hostname or "", port or {"https": 443, "http": 80}.get(parts.scheme)
