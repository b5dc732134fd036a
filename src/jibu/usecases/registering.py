"""Requests to be registered: a client asks, an administrator approves or declines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

from jibu.domain.access import Caller
from jibu.domain.consent.values import Schema
from jibu.domain.errors import Conflict, Forbidden, NotFound
from jibu.domain.mediation import (
    Application,
    ApplicationId,
    Registration,
    RegistrationStatus,
    application_id,
)
from jibu.domain.targets import check_base_url
from jibu.ports import Clock, Page, Records, UnitOfWork
from jibu.usecases.administering import MAX_NAME, Drafting, WantedService
from jibu.usecases.checks import check_line
from jibu.usecases.consent.noting import Actor
from jibu.usecases.directory import OwnServices
from jibu.usecases.directory_changes import DirectoryChanges, connection_of

MAX_PENDING = 20


class Registrations:
    """Asking and deciding. A client asks for itself alone, and sees its own requests.

    ``changed`` is called after each approval: it may replace a service.
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

    def ask(
        self, caller: Caller, name: str, wanted: WantedService | None, code: str | None = None
    ) -> Registration:
        """Ask to be registered as the application that the token names, or to offer a service of it.

        An internal base URL may be asked for; the administrator has to allow it.
        Raises: InvalidInput; Conflict when too many requests wait already, or for this block itself.
        """
        check_line(name, "name", limit=MAX_NAME)
        applicant = application_id(caller.client, "client")
        if applicant == self._own.application_id:
            raise Conflict("this is the block itself")
        service = None
        if wanted is not None and code is not None:
            drafted = self._drafting.service(applicant, code, replace(wanted, private_host=True))
            service = replace(drafted, private_host=False)
        asked = Registration(uuid4().hex, applicant, name, service, RegistrationStatus.PENDING, self._clock())
        with self._records.write() as uow:
            found = uow.mediator.registrations.page(applicant, "pending", offset=0, limit=1)
            if found.total >= MAX_PENDING:
                raise Conflict(f"{found.total} requests wait already")
            uow.mediator.registrations.put(asked)
            uow.commit()
        return asked

    def get(self, caller: Caller, registration_id: str) -> Registration:
        """Raises: NotFound, also for another client's."""
        with self._records.read() as uow:
            found = uow.mediator.registrations.get(registration_id)
        if "mediator.admin" not in caller.scopes and str(found.application_id) != caller.client:
            raise NotFound(f"no registration {registration_id!r}")
        return found

    def page(self, caller: Caller, status: str | None, *, offset: int, limit: int) -> Page[Registration]:
        """List one's own requests, or all for an administrator, newest first. Raises: InvalidInput."""
        applicant: ApplicationId | None = None
        if "mediator.admin" not in caller.scopes:
            applicant = application_id(caller.client, "client")
        with self._records.read() as uow:
            return uow.mediator.registrations.page(applicant, status, offset=offset, limit=limit)

    def approve(self, caller: Caller, registration_id: str, *, private_host: bool) -> Registration:
        """Register what was asked for. The member must be registered already.

        Raises: NotFound; Conflict when it was decided before or the member is unknown; InvalidInput for an
        internal base URL that is not allowed; Forbidden for one's own request.
        """
        with self._records.write() as uow:
            found = self._pending(caller, uow, registration_id)
            changes = DirectoryChanges(uow, Actor.of(caller), self._clock())
            self._apply(uow, changes, found, private_host=private_host)
            decided = self._decided(found, caller, RegistrationStatus.APPROVED, None)
            uow.mediator.registrations.put(decided)
            changes.act("registration.approved", Schema.REGISTRATION, registration_id)
            uow.commit()
        self._changed()
        return decided

    def decline(self, caller: Caller, registration_id: str, reason: str) -> Registration:
        """Say no, and why. Raises: NotFound; Conflict; InvalidInput; Forbidden."""
        check_line(reason, "reason", limit=1000)
        with self._records.write() as uow:
            found = self._pending(caller, uow, registration_id)
            decided = self._decided(found, caller, RegistrationStatus.DECLINED, reason)
            uow.mediator.registrations.put(decided)
            changes = DirectoryChanges(uow, Actor.of(caller), self._clock())
            changes.act("registration.declined", Schema.REGISTRATION, registration_id)
            uow.commit()
        return decided

    def _pending(self, caller: Caller, uow: UnitOfWork, registration_id: str) -> Registration:
        found = uow.mediator.registrations.get(registration_id)
        if found.status is not RegistrationStatus.PENDING:
            raise Conflict(f"this request was {found.status.value} already")
        if str(found.application_id) == caller.client:
            raise Forbidden("nobody decides on a request of their own")
        return found

    def _apply(
        self, uow: UnitOfWork, changes: DirectoryChanges, asked: Registration, *, private_host: bool
    ) -> None:
        try:
            member = uow.mediator.members.get(asked.application_id.member)
        except NotFound as error:
            raise Conflict(f"{error}: register the member first") from error
        at = self._clock()
        if asked.service is None:
            name = asked.application_id
            changes.put_application(Application(name, asked.name, at, connection_of(uow, name)))
            return
        try:
            uow.mediator.members.application(asked.application_id)
        except NotFound as error:
            raise Conflict(f"{error}: register the application of {member.name} first") from error
        if asked.service.base_url is not None:
            check_base_url(asked.service.base_url, private=private_host)
        changes.put_service(replace(asked.service, private_host=private_host, updated_at=at))

    def _decided(
        self, asked: Registration, caller: Caller, status: RegistrationStatus, reason: str | None
    ) -> Registration:
        return replace(
            asked, status=status, decided_at=self._clock(), decided_by=caller.client, reason=reason
        )
