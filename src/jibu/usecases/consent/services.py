"""The jobs of the consent building block, ready to call."""

from __future__ import annotations

from dataclasses import dataclass

from jibu.usecases.consent.agreements import Agreements
from jibu.usecases.consent.auditing import Auditing
from jibu.usecases.consent.checking import Checking
from jibu.usecases.consent.consenting import Consenting
from jibu.usecases.consent.forgetting import Forgetting
from jibu.usecases.consent.individuals import Individuals
from jibu.usecases.consent.policies import Policies
from jibu.usecases.consent.signing import Signing
from jibu.usecases.consent.webhooks import Webhooks


@dataclass(frozen=True, slots=True)
class ConsentServices:
    """One of each."""

    policies: Policies
    agreements: Agreements
    individuals: Individuals
    webhooks: Webhooks
    consenting: Consenting
    signing: Signing
    forgetting: Forgetting
    checking: Checking
    auditing: Auditing
