"""The gate: whether personal data may be looked for, decided and written down before anything else happens."""

from __future__ import annotations

from typing import Protocol
from urllib.parse import quote
from uuid import uuid4

from jibu.domain.access import Caller
from jibu.domain.errors import ConsentRequired, Unavailable
from jibu.domain.personal import ConsentDecision, Permit, PersonalContext
from jibu.ports import Clock, Page, Records, UnitOfWork

GRANTED, STRANGER, NO_CONSENT = "consent", "not-this-individual", "no-consent"
ON_BEHALF = "consent.service"
"""The scope with which a client asks on behalf of any individual."""
DRAFT = "/consent/v1/service/individual/record/consent-record/draft/?dataAgreementId="
REFUSED = "there is no consent that lets this caller use these personal data"
"""One sentence for every reason: a stranger does not learn whether there is a consent."""


class Gate(Protocol):
    """What use cases ask before they look for personal data."""

    def admit(self, caller: Caller, context: PersonalContext, purpose: str) -> Permit:
        """Decide, and keep the decision. Raises: ConsentRequired; Unavailable when nobody can tell."""

    def still(self, context: PersonalContext) -> None:
        """Look again whether consent holds. Raises: ConsentRequired; Unavailable."""

    def holds(self, uow: UnitOfWork, context: PersonalContext) -> None:
        """Look again, in this transaction. Raises: ConsentRequired; Unavailable."""


class ConsentGate:
    """Asks the consent records."""

    def __init__(self, *, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    def admit(self, caller: Caller, context: PersonalContext, purpose: str) -> Permit:
        """Decide, and keep the decision before anything is embedded, searched or read.

        Raises: ConsentRequired; Unavailable.
        """
        at = self._clock()
        with self._records.write() as uow:
            reason = self._reason(uow, caller, context)
            decision = ConsentDecision(
                decision_id=uuid4().hex,
                decided_at=at,
                granted=reason == GRANTED,
                reason=reason,
                individual_id=context.individual_id,
                agreement_id=context.agreement_id,
                client=caller.client,
                subject=caller.subject,
                purpose=purpose,
            )
            uow.decisions.add(decision)
            uow.commit()
        if not decision.granted:
            raise _refusal(context)
        return Permit(context, decision.decision_id)

    def _reason(self, uow: UnitOfWork, caller: Caller, context: PersonalContext) -> str:
        if caller.subject != context.individual_id and ON_BEHALF not in caller.scopes:
            return STRANGER
        return GRANTED if self._governs(uow, context) else NO_CONSENT

    def _governs(self, uow: UnitOfWork, context: PersonalContext) -> bool:
        return uow.consent.governs(context.individual_id, context.agreement_id, self._clock())

    def still(self, context: PersonalContext) -> None:
        """Look again whether consent holds. Raises: ConsentRequired; Unavailable."""
        with self._records.read() as uow:
            self.holds(uow, context)

    def holds(self, uow: UnitOfWork, context: PersonalContext) -> None:
        """Look again, in this transaction. Raises: ConsentRequired; Unavailable."""
        if not self._governs(uow, context):
            raise _refusal(context)


class ClosedGate:
    """For a service without consent records: nobody passes."""

    def admit(self, caller: Caller, context: PersonalContext, purpose: str) -> Permit:  # noqa: ARG002
        """Raises: Unavailable."""
        raise Unavailable("this service holds no consent records, so it cannot use personal data")

    def still(self, context: PersonalContext) -> None:  # noqa: ARG002
        """Raises: Unavailable."""
        raise Unavailable("this service holds no consent records, so it cannot use personal data")

    def holds(self, uow: UnitOfWork, context: PersonalContext) -> None:  # noqa: ARG002
        """Raises: Unavailable."""
        self.still(context)


CLOSED = ClosedGate()


class Decisions:
    """The log of decisions, for the auditor."""

    def __init__(self, *, records: Records) -> None:
        self._records = records

    def page(self, *, offset: int, limit: int) -> Page[ConsentDecision]:
        """List decisions, newest first. Raises: Unavailable."""
        with self._records.read() as uow:
            return uow.decisions.page(offset=offset, limit=limit)


def _refusal(context: PersonalContext) -> ConsentRequired:
    return ConsentRequired(REFUSED, link=DRAFT + quote(context.agreement_id, safe=""))
