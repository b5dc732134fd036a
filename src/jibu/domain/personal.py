"""Personal data under consent: whose it is, under which agreement, and what was decided about using it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from jibu.domain.access import owner_key


@dataclass(frozen=True, slots=True)
class PersonalContext:
    """On behalf of whom, and under which data agreement, a caller asks."""

    individual_id: str
    agreement_id: str

    @property
    def owner(self) -> str:
        """The key that passages of this individual under this agreement carry."""
        return f"{owner_key(self.individual_id, self.agreement_id)}"


@dataclass(frozen=True, slots=True)
class ConsentDecision:
    """What was decided before personal data were looked for.

    ``reason``: "consent" where it was granted, else why not; ``purpose``: the operation that was asked for.
    ``individual_id`` says "erased:<receipt id>" once the individual was erased.
    """

    decision_id: str
    decided_at: datetime
    granted: bool
    reason: str
    individual_id: str
    agreement_id: str
    client: str
    subject: str | None
    purpose: str


@dataclass(frozen=True, slots=True)
class Permit:
    """A decision that granted, in the hands of the use case that asked for it."""

    context: PersonalContext
    decision_id: str
