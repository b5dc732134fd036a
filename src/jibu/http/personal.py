"""On whose behalf a call asks: in the body of a question, in headers elsewhere, never in an address."""

from __future__ import annotations

from jibu.domain.errors import InvalidInput
from jibu.domain.mediation import application_id, check_code
from jibu.domain.personal import PersonalContext
from jibu.http.call import Call

INDIVIDUAL = "X-ConsentBB-IndividualId"
AGREEMENT = "X-ConsentBB-DataAgreementId"
SERVICES = "personalContext/services"
MOST_SERVICES = 8
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
    """Read the ids of ``personalContext``."""
    found = call.body.get("personalContext")
    return None if found is None else PersonalContext(found["individualId"], found["dataAgreementId"])


def services_in_body(call: Call) -> tuple[str, ...]:
    """Read ``personalContext.services``. Raises: InvalidInput for too many, doubles, or what is no service's id."""
    named = tuple((call.body.get("personalContext") or {}).get("services") or ())
    if len(named) > MOST_SERVICES:
        raise InvalidInput(f"at most {MOST_SERVICES} services are asked for one question", SERVICES)
    if len(set(named)) < len(named):
        raise InvalidInput("a service is named twice", SERVICES)
    for name in named:
        application, slash, code = name.rpartition("/")
        if not slash:
            raise InvalidInput("a service is named INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE", SERVICES)
        application_id(application, SERVICES)
        check_code(code, SERVICES)
    return named


def refuse_services(call: Call) -> None:
    """Raises: InvalidInput where a search names services: it finds passages of documents."""
    if (call.body.get("personalContext") or {}).get("services"):
        raise InvalidInput("a search asks no services; name them in a question (/query)", SERVICES)
