"""On whose behalf a call asks: in the body of a question, in headers elsewhere, never in an address."""

from __future__ import annotations

from jibu.domain.errors import InvalidInput
from jibu.domain.personal import PersonalContext
from jibu.http.call import Call

INDIVIDUAL = "X-ConsentBB-IndividualId"
AGREEMENT = "X-ConsentBB-DataAgreementId"
UNCACHED = {"Cache-Control": "no-store"}


def context_of(call: Call) -> PersonalContext | None:
    """Read the headers. Raises: InvalidInput where one of the two is missing."""
    individual, agreement = call.headers.get(INDIVIDUAL.lower()), call.headers.get(AGREEMENT.lower())
    if individual is None and agreement is None:
        return None
    if not individual or not agreement:
        missing = AGREEMENT if individual else INDIVIDUAL
        raise InvalidInput(f"{INDIVIDUAL} and {AGREEMENT} belong together", missing)
    return PersonalContext(individual, agreement)


def context_in_body(call: Call) -> PersonalContext | None:
    """Read ``personalContext``. Raises: InvalidInput for what is not built yet."""
    found = call.body.get("personalContext")
    if found is None:
        return None
    if found.get("services"):
        raise InvalidInput(
            "data of other services cannot be fetched yet; leave services out", "personalContext/services"
        )
    return PersonalContext(found["individualId"], found["dataAgreementId"])
