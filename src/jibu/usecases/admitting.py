"""Whether a call may pass the mediator.

What was found is remembered for a second, unless consent is needed: so a right that was taken away is gone at once in
the process that took it, and after a second in the others. Refusals are never remembered.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from jibu.domain.access import Caller
from jibu.domain.errors import Forbidden, InvalidInput, NotFound, UnknownProvider
from jibu.domain.mediation import AccessRight, ApplicationId, Endpoint, Service
from jibu.domain.personal import PersonalContext
from jibu.domain.targets import Target
from jibu.ports import Records
from jibu.usecases.consent_gate import Gate
from jibu.usecases.directory import OwnServices

MAX_INDIVIDUAL = 255
PURPOSE = "call service"
REMEMBER_S = 1.0
REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Admitted:
    """A call that may pass."""

    service: Service
    endpoint: Endpoint


class Admitting:
    """Decides by the directory, the rights and, where the service asks for it, the individual's consent."""

    def __init__(
        self,
        *,
        records: Records,
        own: OwnServices,
        consent: Gate,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._records = records
        self._own = own
        self._consent = consent
        self._monotonic = monotonic
        self._known: dict[tuple[ApplicationId, ApplicationId, str], tuple[float, Service, AccessRight]] = {}

    def forget(self) -> None:
        """Look everything up again: the directory was changed."""
        self._known = {}

    def recall(self, client: ApplicationId, target: Target, method: str) -> Admitted | None:
        """Decide without looking anything up; None where that cannot be. Never blocks.

        Raises: Forbidden (no such endpoint, no right to it).
        """
        own = self._own.find(target.provider, target.service)
        if own is not None:
            return Admitted(own, own.endpoint(method, target.segments))
        until, service, right = self._known.get((client, target.provider, target.service), (0.0, None, None))
        if service is None or right is None or self._monotonic() >= until:
            return None
        return _decided(client, service, right, method, target)

    def admit(
        self,
        caller: Caller,
        client: ApplicationId,
        target: Target,
        method: str,
        individual: str | None = None,
    ) -> Admitted:
        """Return the service and the endpoint that are meant.

        Where the service needs consent, that decision is kept before the call goes on.
        Raises: UnknownProvider; Forbidden (no such endpoint, no right); ConsentRequired; InvalidInput; Unavailable.
        """
        known = self._known
        service, right = self._looked_up(client, target)
        admitted = _decided(client, service, right, method, target)
        if service.agreement_id is not None:
            self._consent.admit(caller, _context(caller, individual, service.agreement_id), PURPOSE)
            return admitted
        if len(known) >= REMEMBERED:
            known.clear()
        # Into the table that was there before the look: where the directory changed meanwhile, that one is forgotten.
        known[client, target.provider, target.service] = (self._monotonic() + REMEMBER_S, service, right)
        return admitted

    def entitled(self, client: ApplicationId, target: Target, method: str) -> Admitted:
        """Decide by the directory and the rights alone: consent is the caller's to ask for.

        Raises: UnknownProvider; Forbidden (no such endpoint, no right to it).
        """
        service, right = self._looked_up(client, target)
        return _decided(client, service, right, method, target)

    def _looked_up(self, client: ApplicationId, target: Target) -> tuple[Service, AccessRight]:
        with self._records.read() as uow:
            try:
                service = uow.mediator.services.get(target.provider, target.service, described=False)
            except NotFound as error:
                raise UnknownProvider(f"no service {target.service_id}", "path") from error
            try:
                return service, uow.mediator.services.right(client, target.provider, target.service)
            except NotFound as error:
                raise Forbidden(str(error)) from error


def _context(caller: Caller, individual: str | None, agreement_id: str) -> PersonalContext:
    """Return whose data are asked for: the individual that is named, else the token's. Raises: InvalidInput."""
    named = individual if individual is not None else caller.subject
    if named is None or not 1 <= len(named) <= MAX_INDIVIDUAL:
        raise InvalidInput(
            f"this service needs to know whose consent: 1 to {MAX_INDIVIDUAL} characters", "X-Individual-Id"
        )
    return PersonalContext(named, agreement_id)


def _decided(
    client: ApplicationId, service: Service, right: AccessRight, method: str, target: Target
) -> Admitted:
    """Raises: Forbidden."""
    endpoint = service.endpoint(method, target.segments)
    if not right.covers(endpoint):
        raise Forbidden(f"{client} has no right to this endpoint of {service.service_id}")
    return Admitted(service, endpoint)
