"""Who exchanges what: members, applications, services, their endpoints and who may call them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from jibu.domain.errors import Forbidden, InvalidInput

CODE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_~-]|\.(?!\.)){0,61}")
"""One part of an identifier: it can stand in a path as it is, and is never a step up."""
METASERVICES = frozenset({"listMethods", "allowedMethods", "getOpenAPI"})
ROOM_SERVICES = frozenset({"api", "pub", "pull"})
"""Where an application is a Pub/Sub room, these are its addresses; no service may have such a code."""
HTTPS = "https"
ANY_METHOD = "*"
ANY_REST = "/**"
"""At the end of an endpoint's path: whatever follows."""


def check_code(code: str, field: str) -> str:
    """Return the code. Raises: InvalidInput."""
    if not CODE.fullmatch(code):
        raise InvalidInput(
            "a code has 1 to 62 of A-Z, a-z, 0-9, '.', '_', '~' and '-', starts with a letter or digit "
            "and has no two dots together",
            field,
        )
    return code


@dataclass(frozen=True, slots=True, order=True)
class MemberId:
    """An organisation: INSTANCE/CLASS/MEMBER."""

    instance: str
    member_class: str
    member_code: str

    def __str__(self) -> str:
        return f"{self.instance}/{self.member_class}/{self.member_code}"


@dataclass(frozen=True, slots=True, order=True)
class ApplicationId:
    """An application of a member: INSTANCE/CLASS/MEMBER/APPLICATION. Callers and providers are applications."""

    member: MemberId
    application: str

    def __str__(self) -> str:
        return f"{self.member}/{self.application}"


def member_id(text: str, field: str = "memberId") -> MemberId:
    """Read INSTANCE/CLASS/MEMBER. Raises: InvalidInput."""
    parts = text.split("/")
    if len(parts) != 3:
        raise InvalidInput("a member is named INSTANCE/CLASS/MEMBER", field)
    return MemberId(*(check_code(part, field) for part in parts))


def application_id(text: str, field: str = "applicationId") -> ApplicationId:
    """Read INSTANCE/CLASS/MEMBER/APPLICATION. Raises: InvalidInput."""
    parts = text.split("/")
    if len(parts) != 4:
        raise InvalidInput("an application is named INSTANCE/CLASS/MEMBER/APPLICATION", field)
    instance, member_class, member_code, application = (check_code(part, field) for part in parts)
    return ApplicationId(MemberId(instance, member_class, member_code), application)


@dataclass(frozen=True, slots=True)
class Member:
    """A registered organisation."""

    member_id: MemberId
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Application:
    """A registered application. ``connection``: the protocol that its owner says it talks."""

    application_id: ApplicationId
    name: str
    created_at: datetime
    connection: str = HTTPS


@dataclass(frozen=True, slots=True)
class ClientLine:
    """A line of the list of clients: a member (``application`` is None) or one of its applications."""

    member_id: MemberId
    application: str | None
    name: str


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """A method and a path template of a service. ``{…}`` stands for one segment, ``/**`` at the end for any rest."""

    path: str
    method: str
    enabled: bool = True

    def matches(self, method: str, segments: tuple[str, ...]) -> bool:
        """Tell whether a call of this method and these decoded path segments is meant. HEAD asks as GET does."""
        if self.method not in {ANY_METHOD, method} and not (method == "HEAD" and self.method == "GET"):
            return False
        wanted = tuple(self.path.removesuffix(ANY_REST).split("/")[1:])
        if self.path.endswith(ANY_REST):
            segments = segments[: len(wanted)]
        return len(wanted) == len(segments) and all(map(_fits, wanted, segments))

    @property
    def weight(self) -> tuple[bool, int, bool]:
        """The most exact endpoint has the least: literal before template before wildcard, then by method."""
        return self.path.endswith(ANY_REST), self.path.count("{"), self.method == ANY_METHOD


def _fits(wanted: str, segment: str) -> bool:
    if "{" not in wanted:
        return wanted == segment
    pattern = "[^/]+".join(re.escape(part) for part in re.split(r"\{[^}]*\}", wanted))
    return re.fullmatch(pattern, segment) is not None


@dataclass(frozen=True, slots=True)
class Service:
    """A REST service of an application. Times in seconds.

    ``own``: this block itself serves it, and its own scopes guard it. ``base_url`` is None for those, and where X-Road
    knows where the service is. ``description`` is its OpenAPI document as it was registered.
    ``agreement_id``: calls need consent under this data agreement. ``private_host``: an administrator allows a base
    URL on an internal network. ``spec_url``: where the document was fetched from, if it was.
    """

    application_id: ApplicationId
    code: str
    title: str
    base_url: str | None
    endpoints: tuple[Endpoint, ...]
    description: str | None = None
    version: str | None = None
    timeout_s: float = 30.0
    agreement_id: str | None = None
    private_host: bool = False
    enabled: bool = True
    updated_at: datetime | None = None
    spec_url: str | None = None
    own: bool = False

    @property
    def service_id(self) -> str:
        """INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE."""
        return f"{self.application_id}/{self.code}"

    def endpoint(self, method: str, segments: tuple[str, ...]) -> Endpoint:
        """Return the most exact endpoint that a call means. Raises: Forbidden when there is none or it is off."""
        found = sorted(
            (one for one in self.endpoints if one.matches(method, segments)), key=lambda one: one.weight
        )
        if not found or not found[0].enabled or not self.enabled:
            raise Forbidden(f"{self.service_id} offers no such method and path")
        return found[0]


@dataclass(frozen=True, slots=True)
class AccessRight:
    """A consumer may call a service: all its endpoints, or those listed (method and path as the service has them)."""

    consumer: ApplicationId
    provider: ApplicationId
    service: str
    endpoints: tuple[Endpoint, ...] = ()
    created_at: datetime | None = None

    def covers(self, endpoint: Endpoint) -> bool:
        """Tell whether the right includes this endpoint."""
        named = {(one.method, one.path) for one in self.endpoints}
        return not named or (endpoint.method, endpoint.path) in named


@dataclass(frozen=True, slots=True)
class RightFilter:
    """Whose services' rights to list; what is None does not matter."""

    instance: str | None = None
    member_class: str | None = None
    member_code: str | None = None
    application: str | None = None
    service: str | None = None

    def fits(self, right: AccessRight) -> bool:
        """Tell whether the right is to a service that is meant."""
        provider = right.provider
        there = (*_parts(provider), right.service)
        return all(wanted is None or wanted == found for wanted, found in zip(self.parts, there, strict=True))

    @property
    def parts(self) -> tuple[str | None, ...]:
        """INSTANCE, CLASS, MEMBER, APPLICATION, SERVICE."""
        return self.instance, self.member_class, self.member_code, self.application, self.service


def _parts(name: ApplicationId) -> tuple[str, str, str, str]:
    return name.member.instance, name.member.member_class, name.member.member_code, name.application


class RegistrationStatus(Enum):
    """What became of a request to be registered."""

    PENDING = "pending"
    APPROVED = "approved"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Registration:
    """A client asks to be registered as an application (``service`` is None) or to offer a service."""

    registration_id: str
    application_id: ApplicationId
    name: str
    service: Service | None
    status: RegistrationStatus
    created_at: datetime
    decided_at: datetime | None = None
    decided_by: str | None = None
    reason: str | None = None
