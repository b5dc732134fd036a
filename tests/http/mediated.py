"""A mediator with a portal that may call a registry, for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from http_support import TestServices

from jibu.domain.access import Caller
from jibu.domain.mediation import Endpoint, application_id
from jibu.usecases.administering import WantedService

PORTAL = "ZZ/GOV/portal-agency/portal"
PROVIDER = "ZZ/GOV/registry-office/citizens"
R1 = f"/r1/{PROVIDER}/registry"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
PORTAL_CALLER = Caller(PORTAL, frozenset({"mediator.client"}))


def register(services: TestServices, base_url: str, **wanted: Any) -> None:
    """Register both, the service at ``base_url`` with any method and path, and the right to call it."""
    administration = services.mediation.administration
    for text in (PORTAL, PROVIDER):
        name = application_id(text)
        administration.put_member(name.member, "A member")
        administration.put_application(name, "An application")
    given: dict[str, Any] = {"endpoints": (Endpoint("/**", "*"),), "private_host": True} | wanted
    service = WantedService(title="Registry", base_url=base_url, description=None, **given)
    administration.put_service(application_id(PROVIDER), "registry", service)
    administration.grant(application_id(PORTAL), application_id(PROVIDER), "registry", ())


def headers(services: TestServices, **more: str) -> dict[str, str]:
    """Return the portal's headers."""
    token = services.token("mediator.client", client=PORTAL)
    return {"Authorization": f"Bearer {token}", "X-GovStack-Client": PORTAL, **more}
