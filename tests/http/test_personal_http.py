"""On whose behalf a call asks, over HTTP: body, headers, refusals, and streams whose consent ends."""

from __future__ import annotations

import httpx
import pytest
from http_support import TestServices, app_of, client_of

from jibu.domain.errors import ConsentRequired
from jibu.domain.personal import PersonalContext

pytestmark = pytest.mark.anyio
MINE = {"individualId": "amina", "dataAgreementId": "benefits"}
HEADERS = {"X-ConsentBB-IndividualId": "amina", "X-ConsentBB-DataAgreementId": "benefits"}
LINK = "/consent/v1/service/individual/record/consent-record/draft/?dataAgreementId=benefits"


class Ending:
    """A gate whose consent ends after some looks."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    def still(self, context: PersonalContext) -> None:
        """Look once more."""
        assert context == PersonalContext("amina", "benefits")
        self.looks -= 1
        if self.looks < 0:
            raise ConsentRequired("no consent", LINK)


async def load(client: httpx.AsyncClient) -> str:
    """Load a document; return its id."""
    body = {"title": "Fees", "text": "passport fees are 60 crowns at every counter"}
    return str((await client.post("/rag/v1/collections/travel/documents", json=body)).json()["documentId"])


@pytest.mark.parametrize("looks", [1, 3])
async def test_a_stream_whose_consent_ends_is_broken_off(services: TestServices, looks: int) -> None:
    """Each event waits for a look; then comes an error instead, and nothing else."""
    services.consent_gate = Ending(looks)
    async with client_of(app_of(services), services.token()) as client:
        await load(client)
        body = {"question": "passport fees", "personalContext": MINE}
        response = await client.post("/rag/v1/query", json=body, headers={"Accept": "text/event-stream"})
    events = [
        line.removeprefix("event: ") for line in response.text.splitlines() if line.startswith("event: ")
    ]
    assert (response.status_code, len(events), events[-1]) == (200, looks + 1, "error")
    assert "done" not in events
    assert "consent-required" in response.text


class Elsewhere:
    """A gate where consent under a service's own agreement is withdrawn after one look at it."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def still(self, context: PersonalContext) -> None:
        """Look once more."""
        self.seen.append(context.agreement_id)
        if self.seen.count("taxes") > 1:
            raise ConsentRequired("no consent", LINK)


async def test_a_stream_rests_on_every_agreement(services: TestServices) -> None:
    """What a service said rests on its own agreement too: looked at from the first event on, whatever waits."""
    services.consent_gate = Elsewhere()
    services.answering.contexts = tuple(PersonalContext("amina", one) for one in ("benefits", "taxes"))
    async with client_of(app_of(services), services.token()) as client:
        await load(client)
        body = {"question": "passport fees", "personalContext": MINE | {"services": ["a/b/c/d/e"]}}
        response = await client.post("/rag/v1/query", json=body, headers={"Accept": "text/event-stream"})
    assert [line for line in response.text.splitlines() if line.startswith("event")] == [
        "event: sources",
        "event: error",
    ]
    assert services.consent_gate.seen == ["benefits", "taxes"] * 2


async def test_a_stream_without_consent_never_begins(services: TestServices) -> None:
    """It is an ordinary problem that says where a consent can be given, and no word about scopes."""
    services.consent_gate = Ending(0)
    async with client_of(app_of(services), services.token()) as client:
        await load(client)
        body = {"question": "passport fees", "personalContext": MINE}
        response = await client.post("/rag/v1/query", json=body, headers={"Accept": "text/event-stream"})
    told = response.json()
    assert (response.status_code, told["type"]) == (403, "urn:problem-type:jibu:consent-required")
    assert told["consent"] == LINK
    assert "www-authenticate" not in response.headers


PATHS = ["documents", "documents/{id}", "documents/{id}/text", "documents/{id}/passages"]


@pytest.mark.parametrize("path", PATHS)
async def test_half_a_context_is_refused(client: httpx.AsyncClient, path: str) -> None:
    """Whichever half; the message names the other."""
    where = "/rag/v1/" + path.format(id=await load(client))
    for given, missing in (tuple(HEADERS), tuple(HEADERS)[::-1]):
        response = await client.get(where, headers={given: HEADERS[given]})
        assert (response.status_code, response.json()["field"]) == (422, missing)
    response = await client.get(where, headers=HEADERS | {"X-ConsentBB-IndividualId": "a b"})
    assert response.status_code == 400
