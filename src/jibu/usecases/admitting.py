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
from jibu.domain.targets import Target
from jibu.ports import Clock, Records, UnitOfWork
from jibu.usecases.directory import OwnServices

MAX_INDIVIDUAL = 255
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
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._records = records
        self._own = own
        self._clock = clock
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

        Raises: UnknownProvider; Forbidden (no such endpoint, no right, no consent); InvalidInput; Unavailable.
        """
        known = self._known
        with self._records.read() as uow:
            try:
                service = uow.mediator.services.get(target.provider, target.service, described=False)
            except NotFound as error:
                raise UnknownProvider(f"no service {target.service_id}", "path") from error
            try:
                right = uow.mediator.services.right(client, target.provider, target.service)
            except NotFound as error:
                raise Forbidden(str(error)) from error
            admitted = _decided(client, service, right, method, target)
            if service.agreement_id is not None:
                self._ask_consent(uow, caller, individual, service.service_id, service.agreement_id)
                return admitted
        if len(known) >= REMEMBERED:
            known.clear()
        # Into the table that was there before the look: where the directory changed meanwhile, that one is forgotten.
        known[client, target.provider, target.service] = (self._monotonic() + REMEMBER_S, service, right)
        return admitted

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


def _decided(
    client: ApplicationId, service: Service, right: AccessRight, method: str, target: Target
) -> Admitted:
    """Raises: Forbidden."""
    endpoint = service.endpoint(method, target.segments)
    if not right.covers(endpoint):
        raise Forbidden(f"{client} has no right to this endpoint of {service.service_id}")
    return Admitted(service, endpoint)
