"""What was given up or put aside, over the API."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from http_support import TestServices, app_of, client_of, consent_services

from jibu.domain.access import Caller
from jibu.domain.arrivals import DeadLetter
from jibu.domain.consent.values import Delivery, Webhook
from jibu.testing.records_samples import NOW, event

pytestmark = pytest.mark.anyio
PATH = "/mediator/v1/parked"
OFFICER = Caller("ZZ/GOV/dpo/desk", frozenset({"consent.config"}))
SECRET = "never shown"
WEBHOOK = Webhook("w", "https://example.org/", "application/json", "s" * 16)


@pytest.fixture
def parked(services: TestServices, tmp_path: Path) -> TestServices:
    """Return services with one parked thing of three kinds."""
    consent_services(services.mediation_records, tmp_path).webhooks.create(OFFICER, WEBHOOK)
    given_up = Delivery("d", "w", SECRET, NOW, 8, None, dead=True, error="HTTP status 500")
    with services.mediation_records.write() as uow:
        for number in (1, 2):
            uow.outbox.emit(event(number, key="d1"))
        uow.outbox.hold(event(1, key="d1"), at=NOW, delay_s=0, reason="too-large", park=True)
        uow.incoming.bury(DeadLetter("jibu.source/0/17", "not-json", 12, "a" * 64), at=NOW)
        uow.webhooks.leave(given_up)
        uow.webhooks.failed(given_up)
        uow.commit()
    return services


async def test_each_kind_is_listed_shown_and_says_nothing_of_its_content(
    parked: TestServices, client: httpx.AsyncClient
) -> None:
    """Whose, why, how often, since when; never what it says."""
    for kind, name, behind in (("event", "e1", 1), ("webhook", "d", 0), ("message", "jibu.source~0~17", 0)):
        listed = await client.get(f"{PATH}/{kind}")
        shown = await client.get(f"{PATH}/{kind}/{name}")
        assert listed.json() == {"items": [shown.json()], "total": 1, "offset": 0, "limit": 50}
        assert (shown.json()["itemId"], shown.json()["behind"]) == (name, behind)
        assert SECRET not in shown.text
    assert (await client.get(f"{PATH}/event", params={"key": "other"})).json()["total"] == 0
    assert (await client.get(f"{PATH}/push")).json()["items"] == []
    assert (await client.get(f"{PATH}/event/e2")).status_code == 404
    assert (await client.get(f"{PATH}/job")).status_code == 400
    assert parked.mediation_records is not None


async def test_retrying_and_dropping(parked: TestServices, client: httpx.AsyncClient) -> None:
    """Once; what cannot be retried says why."""
    assert (await client.post(f"{PATH}/event/e1/retry")).status_code == 204
    assert (await client.post(f"{PATH}/event/e1/retry")).status_code == 404
    refused = await client.post(f"{PATH}/message/jibu.source~0~17/retry")
    assert (refused.status_code, "send it again" in refused.json()["detail"]) == (409, True)
    assert (await client.post(f"{PATH}/message/retry")).json() == {"retried": 0, "left": 1}
    assert (await client.delete(f"{PATH}/message/jibu.source~0~17")).status_code == 204
    assert (await client.delete(f"{PATH}/message/jibu.source~0~17")).status_code == 404
    assert (await client.post(f"{PATH}/webhook/retry")).json() == {"retried": 1, "left": 0}
    with parked.mediation_records.read() as uow:
        assert [e.event_id for e in uow.outbox.publishable(at=NOW, limit=9)][:2] == ["e1", "e2"]
        waiting = uow.webhooks.next("w")
        assert waiting is not None
        assert (waiting.delivery_id, waiting.attempts) == ("d", 0)


async def test_what_is_done_is_in_the_signed_log(parked: TestServices, client: httpx.AsyncClient) -> None:
    """Who, what and when; and the log still proves right."""
    assert (await client.delete(f"{PATH}/webhook/d")).status_code == 204
    assert (await client.post(f"{PATH}/event/e1/retry")).status_code == 204
    assert (await client.post(f"{PATH}/event/e1/retry")).status_code == 404
    with parked.mediation_records.read() as uow:
        last = uow.audit.entries()[-2:]
    assert [(one.action, one.object_id) for one in last] == [
        ("delivery.dropped", "w"),
        ("event.retried", "e1"),
    ]
    assert {one.client for one in last} == {"ZZ/GOV/portal-agency/portal"}
    assert parked.consent.auditing.verify().intact
    changes = (await client.get("/mediator/v1/changes")).json()
    assert "event.retried" in str(changes)


@pytest.mark.parametrize(
    ("scope", "sees"), [("mediator.admin", {"event", "push", "message"}), ("consent.config", {"webhook"})]
)
async def test_each_kind_needs_its_scope(parked: TestServices, scope: str, sees: set[str]) -> None:
    """Webhooks are consent's, the rest is the mediator's; for every operation."""
    names = {"event": "e1", "push": "s~e", "webhook": "d", "message": "jibu.source~0~17"}
    async with client_of(app_of(parked), parked.token(scope)) as client:
        for kind, name in names.items():
            answers = [
                await client.get(f"{PATH}/{kind}"),
                await client.get(f"{PATH}/{kind}/{name}"),
                await client.post(f"{PATH}/{kind}/{name}/retry"),
                await client.post(f"{PATH}/{kind}/retry"),
                await client.delete(f"{PATH}/{kind}/{name}"),
            ]
            assert {one.status_code == 403 for one in answers} == {kind not in sees}, kind
