"""What the information mediator keeps, and what it needs from the outside."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from jibu.domain.errors import UpstreamError
from jibu.domain.exchanges import Batch, Exchange, ExchangeFilter, LoggedExchange, Traffic
from jibu.domain.mediation import (
    AccessRight,
    Application,
    ApplicationId,
    ClientLine,
    Endpoint,
    Member,
    MemberId,
    Registration,
    RightFilter,
    Service,
)
from jibu.domain.shapes import UNKNOWN, Shape
from jibu.ports.documents import Page


class MemberRecords(Protocol):
    """Members and their applications."""

    def put(self, member: Member) -> bool:
        """Create or rename; return whether it is new."""

    def get(self, member_id: MemberId) -> Member:
        """Raises: NotFound."""

    def page(self, *, offset: int, limit: int, instance: str | None = None) -> Page[Member]:
        """List members, of one instance or all, by id."""

    def delete(self, member_id: MemberId) -> None:
        """Raises: NotFound; Conflict while it has applications."""

    def put_application(self, application: Application) -> bool:
        """Create or rename; return whether it is new. Raises: NotFound when the member is not registered."""

    def application(self, application_id: ApplicationId) -> Application:
        """Raises: NotFound."""

    def applications(
        self, member_id: MemberId | None, *, offset: int, limit: int, instance: str | None = None
    ) -> Page[Application]:
        """List applications, of one member, one instance or all, by id."""

    def clients(
        self, own: ApplicationId, name: str, *, offset: int, limit: int, instance: str | None = None
    ) -> Page[ClientLine]:
        """List members, each before its applications, by id.

        ``own`` is listed, with ``name`` for it and for its member, where they are not registered.
        """

    def domain(self, instance: str) -> str | None:
        """Return the domain that an instance runs in, None where nobody has said."""

    def put_domain(self, instance: str, domain: str, *, at: datetime) -> None:
        """Say in which domain an instance runs."""

    def delete_application(self, application_id: ApplicationId) -> None:
        """Remove it with its rights to call others. Raises: NotFound; Conflict while it has services."""


class ServiceRecords(Protocol):
    """Services and who may call them."""

    def put(self, service: Service) -> bool:
        """Create or replace; return whether it is new. Raises: NotFound when the application is not registered."""

    def get(self, provider: ApplicationId, code: str, *, described: bool = True) -> Service:
        """Return one, without its OpenAPI document where ``described`` is False. Raises: NotFound."""

    def of(self, provider: ApplicationId) -> list[Service]:
        """Return an application's services, by code."""

    def listed(self, instance: str) -> list[Service]:
        """Return the services of an instance without their OpenAPI documents, by application and code."""

    def delete(self, provider: ApplicationId, code: str) -> None:
        """Remove it with the rights to call it. Raises: NotFound."""

    def grant(self, right: AccessRight) -> bool:
        """Create or replace; return whether it is new. Raises: NotFound for an unknown service or consumer."""

    def revoke(self, consumer: ApplicationId, provider: ApplicationId, code: str) -> None:
        """Raises: NotFound."""

    def right(self, consumer: ApplicationId, provider: ApplicationId, code: str) -> AccessRight:
        """Raises: NotFound."""

    def rights(
        self, provider: ApplicationId | None, code: str | None, *, offset: int, limit: int
    ) -> Page[AccessRight]:
        """List rights, of one provider, one service or all, by service and consumer."""

    def rights_after(
        self, wanted: RightFilter, last: tuple[str, str, str] | None, *, limit: int
    ) -> list[AccessRight]:
        """List rights by provider, service and consumer, those behind ``last`` (the same three, as text)."""


class RegistrationRecords(Protocol):
    """What clients asked to be registered."""

    def put(self, registration: Registration) -> None:
        """Create or replace."""

    def get(self, registration_id: str) -> Registration:
        """Raises: NotFound."""

    def page(
        self, applicant: ApplicationId | None, status: str | None, *, offset: int, limit: int
    ) -> Page[Registration]:
        """List requests, of one applicant or all, newest first."""


class ExchangeRecords(Protocol):
    """The message log."""

    def add(self, exchanges: Sequence[Exchange]) -> None:
        """Append. The rows wait to be chained."""

    def page(self, wanted: ExchangeFilter, *, offset: int, limit: int) -> Page[LoggedExchange]:
        """List exchanges, newest first."""

    def get(self, message_id: str) -> LoggedExchange:
        """Raises: NotFound."""

    def waiting(self, *, limit: int) -> list[Exchange]:
        """Return exchanges that are in no batch yet, in the order they were added."""

    def seal(self, batch: Batch, links: Sequence[tuple[str, int, str]]) -> None:
        """Keep a signed batch and give its exchanges (message id) their sequence and link.

        Raises: Conflict when one of them is already in a batch or the batch exists.
        """

    def batches(self, *, offset: int, limit: int, newest_first: bool = False) -> Page[Batch]:
        """List batches by number."""

    def batch(self, number: int) -> Batch:
        """Raises: NotFound."""

    def of_batch(self, number: int) -> list[LoggedExchange]:
        """Return a batch's exchanges in order."""

    def count(self) -> tuple[int, int]:
        """Return how many exchanges there are, and how many of them are in no batch."""

    def old(self, *, before: datetime, limit: int) -> list[Batch]:
        """Return batches signed before this whose exchanges are still there, oldest first."""

    def drop(self, batch: Batch) -> int:
        """Remove a batch's exchanges and keep the batch as it is given; return how many."""

    def traffic(
        self, by: Literal["service", "client"], wanted: ExchangeFilter, *, offset: int, limit: int
    ) -> Page[Traffic]:
        """Return figures for each service or client, by name."""


class MediatorRecords(Protocol):
    """Everything that the mediator keeps."""

    def hold(self) -> None:
        """Keep others from changing members, applications, services and rights until this transaction ends."""

    @property
    def members(self) -> MemberRecords: ...
    @property
    def services(self) -> ServiceRecords: ...
    @property
    def registrations(self) -> RegistrationRecords: ...
    @property
    def exchanges(self) -> ExchangeRecords: ...


@dataclass(frozen=True, slots=True)
class IndividualOperation:
    """The operation that says what a service knows of one individual: a GET.

    Its path has at most one template parameter, which then takes the individual's reference. ``shape``: its answer's.
    """

    path: str
    shape: Shape = UNKNOWN

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint that it is."""
        return Endpoint(self.path, "GET")


@dataclass(frozen=True, slots=True)
class ApiDescription:
    """What an OpenAPI document says of a service. ``individual``: the operation marked ``x-jibu-individual: true``."""

    title: str
    version: str
    endpoints: tuple[Endpoint, ...]
    individual: IndividualOperation | None = None


class DescriptionReader(Protocol):
    """Reads OpenAPI documents that somebody else wrote."""

    def read(self, text: str) -> ApiDescription:
        """Raises: InvalidInput for what is no OpenAPI document, too large, too deep or uses aliases.

        So too where the mark for individuals is there twice, or at an operation that cannot be called for one.
        """


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request to a service. ``target`` is what follows its base URL, as it goes over the wire.

    A body whose length is not in ``headers`` goes in chunks. The service's ``timeout_s`` bounds connecting, each
    pause, and waiting for the answer.
    """

    service: Service
    method: str
    target: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: AsyncIterator[bytes] | None


class Incoming(Protocol):
    """An answer that is being read. ``status`` and ``headers`` are there; the body comes in chunks, undecoded."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]: ...

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body. Raises: UpstreamTimeout, UpstreamBadAnswer."""

    async def close(self) -> None:
        """Let go of the connection; safe to call twice."""


class Upstream(Protocol):
    """Calls services of other blocks."""

    async def send(self, outgoing: Outgoing) -> Incoming:
        """Send a request and return its answer once the headers are there; redirects are answers.

        Raises: UpstreamRefused, UpstreamUnreachable, UpstreamTimeout, UpstreamBadAnswer; what ``body`` raises.
        """

    async def close(self) -> None:
        """Close idle connections."""


@dataclass(frozen=True, slots=True)
class ServiceCall:
    """A question to a service about an individual: GET ``target`` below its base URL.

    ``reference``: the individual's, printable ASCII. ``client``: this block. ``represented``: the application for
    which it asks. The ids are those of the exchange in the message log.
    """

    service: Service
    target: str
    reference: str
    client: ApplicationId
    represented: ApplicationId
    request_id: str
    trace_id: str


@dataclass(frozen=True, slots=True)
class ServiceReply:
    """What came of a call. ``status`` is 0 where nothing came; ``body`` is what came of it, undecoded.

    ``media_type``, ``encoding`` and ``language`` are the headers Content-Type, Content-Encoding and Content-Language.
    ``error`` is there where the answer did not come whole. ``asked`` False: the service was not called at all.
    """

    started_at: datetime
    duration_ms: int
    status: int = 0
    media_type: str = ""
    encoding: str = ""
    language: str = ""
    body: bytes = b""
    error: UpstreamError | None = None
    asked: bool = True


class Mediator(Protocol):
    """Calls services for use cases that wait for the answers."""

    def ask(
        self, calls: Sequence[ServiceCall], *, seconds: float, max_bytes: int
    ) -> tuple[ServiceReply, ...]:
        """Call all at the same time; return their replies in the order of the calls after at most ``seconds``.

        No redirect is followed. A body of more than ``max_bytes`` is cut off and an error. Raises nothing: what goes
        wrong (UpstreamRefused, UpstreamUnreachable, UpstreamTimeout, UpstreamBadAnswer) is in the reply. May not be
        called where an event loop runs.
        """


@dataclass(frozen=True, slots=True)
class Environment:
    """How the machine is. Bytes; ``cpu_percent`` over all cores since the last look, ``load`` over one minute."""

    cpu_percent: float
    cpus: int
    load: float
    memory_total: int
    memory_available: int
    process_memory: int
    disk_total: int
    disk_free: int
    uptime_s: float


class EnvironmentProbe(Protocol):
    """Looks at the machine."""

    def look(self) -> Environment:
        """Raises: Unavailable."""
