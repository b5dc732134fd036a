"""The mediator's administration: members, applications, services, and who may call them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from jibu.domain.consent.values import MEDIATED, AuditEntry
from jibu.domain.errors import Conflict, InvalidInput
from jibu.domain.mediation import (
    METASERVICES,
    ROOM_SERVICES,
    AccessRight,
    Application,
    ApplicationId,
    Endpoint,
    Member,
    MemberId,
    Service,
)
from jibu.domain.targets import check_base_url
from jibu.ports import Clock, Page, Records, UnitOfWork
from jibu.ports.mediation import DescriptionReader
from jibu.usecases.checks import check_line
from jibu.usecases.consent.noting import Actor
from jibu.usecases.directory import OwnServices
from jibu.usecases.directory_changes import BLOCK, DirectoryChanges, connection_of

MAX_NAME = 200
MAX_ENDPOINTS = 2000


@dataclass(frozen=True, slots=True)
class WantedService:
    """A service as somebody wants it. ``endpoints`` None: all that the OpenAPI document has.

    ``disabled`` lists (method, path) of endpoints that are to be off.
    """

    title: str | None
    base_url: str | None
    description: str | None
    endpoints: tuple[Endpoint, ...] | None = None
    disabled: tuple[Endpoint, ...] = ()
    version: str | None = None
    timeout_s: float = 30.0
    agreement_id: str | None = None
    private_host: bool = False
    enabled: bool = True


class Drafting:
    """Turns what somebody wants into a service that can be registered.

    ``addressed``: a service needs a base URL; where X-Road finds the services, it may have none.
    """

    def __init__(self, reader: DescriptionReader, *, addressed: bool = True) -> None:
        self.reader = reader
        self._addressed = addressed

    def service(self, provider: ApplicationId, code: str, wanted: WantedService) -> Service:
        """Raises: InvalidInput (URL, document, endpoints)."""
        if code in METASERVICES | ROOM_SERVICES:
            raise InvalidInput(f"{code} is the name of a metaservice", "serviceCode")
        check_line(wanted.title, "title", limit=MAX_NAME)
        check_line(wanted.agreement_id, "dataAgreementId", limit=255)
        if wanted.base_url is None and self._addressed:
            raise InvalidInput("say where the service is", "baseUrl")
        url = (
            None if wanted.base_url is None else check_base_url(wanted.base_url, private=wanted.private_host)
        )
        said = None if wanted.description is None else self.reader.read(wanted.description)
        endpoints = wanted.endpoints if wanted.endpoints is not None else said.endpoints if said else None
        if endpoints is None:
            raise InvalidInput("give an OpenAPI document or the list of endpoints", "openapi")
        title = wanted.title or (said.title[:MAX_NAME] if said else None)
        return Service(
            application_id=provider,
            code=code,
            title=title or code,
            base_url=url,
            endpoints=_switched(endpoints, wanted.disabled),
            description=wanted.description,
            version=wanted.version or (said.version[:50] if said else None),
            timeout_s=wanted.timeout_s,
            agreement_id=wanted.agreement_id,
            private_host=wanted.private_host,
            enabled=wanted.enabled,
        )


class Administration:
    """What an administrator changes. ``changed`` is called after each change of services and rights.

    ``by`` is who asks; the audit log names them.
    """

    def __init__(
        self,
        *,
        records: Records,
        drafting: Drafting,
        own: OwnServices,
        clock: Clock,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._changed = changed
        self._records = records
        self._drafting = drafting
        self._own = own
        self._clock = clock

    # --- members and applications ---

    def put_member(self, member_id: MemberId, name: str, *, by: Actor = BLOCK) -> tuple[Member, bool]:
        """Create or rename; return it and whether it is new. Raises: InvalidInput."""
        check_line(name, "name", limit=MAX_NAME)
        with self._records.write() as uow:
            new = self._changes(uow, by).put_member(Member(member_id, name, self._clock()))
            found = uow.mediator.members.get(member_id)
            uow.commit()
        return found, new

    def member(self, member_id: MemberId) -> Member:
        """Raises: NotFound."""
        with self._records.read() as uow:
            return uow.mediator.members.get(member_id)

    def members(self, *, offset: int, limit: int) -> Page[Member]:
        """List members by id."""
        with self._records.read() as uow:
            return uow.mediator.members.page(offset=offset, limit=limit)

    def delete_member(self, member_id: MemberId, *, by: Actor = BLOCK) -> None:
        """Raises: NotFound; Conflict while it has applications."""
        with self._records.write() as uow:
            self._changes(uow, by).delete_member(member_id)
            uow.commit()

    def put_application(
        self, application_id: ApplicationId, name: str, *, by: Actor = BLOCK
    ) -> tuple[Application, bool]:
        """Create or rename; return it and whether it is new. Raises: InvalidInput; NotFound; Conflict."""
        check_line(name, "name", limit=MAX_NAME)
        self._refuse_own(application_id)
        with self._records.write() as uow:
            changes, members = self._changes(uow, by), uow.mediator.members
            connection = connection_of(uow, application_id)
            new = changes.put_application(Application(application_id, name, self._clock(), connection))
            found = members.application(application_id)
            uow.commit()
        return found, new

    def application(self, application_id: ApplicationId) -> Application:
        """Raises: NotFound."""
        with self._records.read() as uow:
            return uow.mediator.members.application(application_id)

    def applications(self, member_id: MemberId, *, offset: int, limit: int) -> Page[Application]:
        """List a member's applications by id. Raises: NotFound."""
        with self._records.read() as uow:
            uow.mediator.members.get(member_id)
            return uow.mediator.members.applications(member_id, offset=offset, limit=limit)

    def delete_application(self, application_id: ApplicationId, *, by: Actor = BLOCK) -> None:
        """Raises: NotFound; Conflict while it has services."""
        with self._records.write() as uow:
            self._changes(uow, by).delete_application(application_id)
            uow.commit()
        self._changed()

    # --- services ---

    def put_service(
        self, provider: ApplicationId, code: str, wanted: WantedService, *, by: Actor = BLOCK
    ) -> tuple[Service, bool]:
        """Create or replace; return it and whether it is new. Raises: InvalidInput; NotFound; Conflict."""
        self._refuse_own(provider)
        service = replace(self._drafting.service(provider, code, wanted), updated_at=self._clock())
        with self._records.write() as uow:
            new = self._changes(uow, by).put_service(service)
            uow.commit()
        self._changed()
        return service, new

    def service(self, provider: ApplicationId, code: str) -> Service:
        """Raises: NotFound."""
        own = self._own.find(provider, code)
        if own is not None:
            return own
        with self._records.read() as uow:
            return uow.mediator.services.get(provider, code)

    def individual(self, service: Service) -> Endpoint | None:
        """Return the operation that answers about one individual, None where there is none that can."""
        if service.own or service.description is None:
            return None
        try:
            found = self._drafting.reader.read(service.description).individual
        except InvalidInput:  # from before a rule that it breaks
            return None
        return None if found is None else found.endpoint

    def services(self, provider: ApplicationId, *, offset: int, limit: int) -> Page[Service]:
        """List an application's services by code. Raises: NotFound."""
        if provider == self._own.application_id:
            found: Sequence[Service] = self._own.services
        else:
            with self._records.read() as uow:
                uow.mediator.members.application(provider)
                found = uow.mediator.services.of(provider)
        return Page(tuple(found[offset : offset + limit]), len(found))

    def delete_service(self, provider: ApplicationId, code: str, *, by: Actor = BLOCK) -> None:
        """Raises: NotFound; Conflict."""
        self._refuse_own(provider)
        with self._records.write() as uow:
            self._changes(uow, by).delete_service(provider, code)
            uow.commit()
        self._changed()

    # --- rights ---

    def grant(
        self,
        consumer: ApplicationId,
        provider: ApplicationId,
        code: str,
        endpoints: tuple[Endpoint, ...],
        *,
        by: Actor = BLOCK,
    ) -> tuple[AccessRight, bool]:
        """Let a consumer call a service, or these endpoints alone. Raises: InvalidInput; NotFound; Conflict.

        This block itself may be the consumer, without having been registered: it asks for live data.
        """
        self._refuse_own(provider)
        with self._records.write() as uow:
            changes = self._changes(uow, by)
            if consumer == self._own.application_id:
                changes.enrol(consumer, self._own.name)
            right = AccessRight(consumer, provider, code, endpoints, self._clock())
            new = changes.grant(right)
            found = uow.mediator.services.right(consumer, provider, code)
            uow.commit()
        self._changed()
        return found, new

    def revoke(
        self, consumer: ApplicationId, provider: ApplicationId, code: str, *, by: Actor = BLOCK
    ) -> None:
        """Raises: NotFound."""
        with self._records.write() as uow:
            self._changes(uow, by).revoke(consumer, provider, code)
            uow.commit()
        self._changed()

    def rights(self, provider: ApplicationId, code: str, *, offset: int, limit: int) -> Page[AccessRight]:
        """List who may call a service, by consumer. Raises: NotFound."""
        self.service(provider, code)
        with self._records.read() as uow:
            return uow.mediator.services.rights(provider, code, offset=offset, limit=limit)

    # --- the trail ---

    def changes(self, object_id: str | None, *, offset: int, limit: int) -> Page[AuditEntry]:
        """List who changed what, newest first, of one thing or all."""
        with self._records.read() as uow:
            return uow.audit.of_objects(offset=offset, limit=limit, object_id=object_id, schemas=MEDIATED)

    def _changes(self, uow: UnitOfWork, by: Actor) -> DirectoryChanges:
        return DirectoryChanges(uow, by, self._clock())

    def _refuse_own(self, provider: ApplicationId) -> None:
        if provider == self._own.application_id:
            raise Conflict(
                "these are the block's own services: they cannot be changed, and scopes guard them"
            )


def _switched(endpoints: tuple[Endpoint, ...], disabled: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
    """Return the endpoints, those that are listed switched off. Raises: InvalidInput."""
    named = {(one.method, one.path): one for one in endpoints}
    if len(named) < len(endpoints):
        raise InvalidInput("an endpoint is listed twice", "endpoints")
    if not named or len(named) > MAX_ENDPOINTS:
        raise InvalidInput(f"a service has 1 to {MAX_ENDPOINTS} endpoints", "endpoints")
    for number, one in enumerate(disabled):
        if (one.method, one.path) not in named:
            raise InvalidInput("the service has no such endpoint", f"disabled/{number}")
        named[one.method, one.path] = replace(one, enabled=False)
    return tuple(sorted(named.values()))
