"""Whether a call may pass the mediator. Looked up for every call: a right that was taken away is gone at once."""

from __future__ import annotations

from dataclasses import dataclass

from jibu.domain.access import Caller
from jibu.domain.errors import Forbidden, InvalidInput, NotFound, UnknownProvider
from jibu.domain.mediation import ApplicationId, Endpoint, Service
from jibu.domain.targets import Target
from jibu.ports import Clock, Records, UnitOfWork
from jibu.usecases.directory import OwnServices

MAX_INDIVIDUAL = 255


@dataclass(frozen=True, slots=True)
class Admitted:
    """A call that may pass."""

    service: Service
    endpoint: Endpoint


class Admitting:
    """Decides by the directory, the rights and, where the service asks for it, the individual's consent."""

    def __init__(self, *, records: Records, own: OwnServices, clock: Clock) -> None:
        self._records = records
        self._own = own
        self._clock = clock

    def admit(
        self,
        caller: Caller,
        client: ApplicationId,
        target: Target,
        method: str,
        individual: str | None = None,
    ) -> Admitted:
        """Return the service and the endpoint that are meant.

        Raises: UnknownProvider; Forbidden (no such endpoint, no right, no consent); InvalidInput; Unavailable.
        """
        own = self._own.find(target.provider, target.service)
        if own is not None:
            return Admitted(own, own.endpoint(method, target.segments))
        with self._records.read() as uow:
            try:
                service = uow.mediator.services.get(target.provider, target.service, described=False)
            except NotFound as error:
                raise UnknownProvider(f"no service {target.service_id}", "path") from error
            try:
                right = uow.mediator.services.right(client, target.provider, target.service)
            except NotFound as error:
                raise Forbidden(str(error)) from error
            endpoint = service.endpoint(method, target.segments)
            if not right.covers(endpoint):
                raise Forbidden(f"{client} has no right to this endpoint of {service.service_id}")
            if service.agreement_id is not None:
                self._ask_consent(uow, caller, individual, service.service_id, service.agreement_id)
        return Admitted(service, endpoint)

    def _ask_consent(
        self, uow: UnitOfWork, caller: Caller, individual: str | None, service: str, agreement_id: str
    ) -> None:
        """Raises: Forbidden unless the individual's consent under the agreement holds now; InvalidInput."""
        if individual is not None and caller.subject is not None and individual != caller.subject:
            raise Forbidden("X-Individual-Id names somebody else than the token")
        named = individual if individual is not None else caller.subject
        if named is None:
            raise InvalidInput(f"{service} needs to know whose consent: X-Individual-Id", "X-Individual-Id")
        if not 1 <= len(named) <= MAX_INDIVIDUAL:
            raise InvalidInput(f"an individual's id has 1 to {MAX_INDIVIDUAL} characters", "X-Individual-Id")
        if not uow.consent.governs(named, agreement_id, self._clock()):
            raise Forbidden(f"{service} needs the individual's consent under the agreement {agreement_id}")
