"""Pub/Sub over HTTP: a room from its making to a confirmed event, on the service as it is wired."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from http_support import client_of

from jibu.http.app import create_app
from jibu.http.contracts import load_contracts
from jibu.settings import Settings
from jibu.usecases.pubsub.publishing import FanOut
from jibu.wiring.parts import now, open_records
from jibu.wiring.services import Services, build
from jibu.wiring.tokens import local_issuer

pytestmark = pytest.mark.anyio
ROOM = "/r1/KLD/GOV/HEALTH/births"
ADMINISTERED = "/mediator/v1/rooms/KLD/GOV/HEALTH/births"
MANAGER, CLINIC, POLICE = "KLD/GOV/HEALTH/admin", "KLD/GOV/HEALTH/clinic", "KLD/GOV/POLICE/app"
TYPE = {"eventType": "newBirth", "schema": {"type": "object", "required": ["place"]}}
PUBLISHED = {
    "api/v1/eventType": {"post": {200, 400, 409, 500}, "get": {200, 204, 500}},
    "api/v1/eventType/{eventType}": {"get": {200, 204, 500}, "delete": {204, 404, 500}},
    "pub/v1/{eventType}": {"post": {201, 400, 404, 500}},
    "pub/v1/{eventType}/{eventId}": {"get": {200, 404, 500}, "delete": {204, 404, 500}},
    "api/v1/subs": {"get": {200, 404, 500}},
    "api/v1/subs/{eventType}": {
        "post": {200, 400, 409, 500}, "get": {200, 404, 500}, "patch": {201, 400, 404, 500}, "delete": {204, 404, 500},
    },
    "pull/v1/{eventType}": {"get": {200, 404, 409, 500}},
    "pull/v1/{eventType}/{eventId}": {"delete": {204, 404, 409}},
}  # fmt: skip
"""The operations of GovStack's Pub/Sub contract 2.0.0 and the statuses that each one names."""
FIELDS = {
    "EventType": {"eventType", "schema"},
    "PublishEvent": {"eventType", "event"},
    "PublishEventResult": {"id"},
    "SubscriptionRequest": {"id", "subscriberId", "eventType", "delivery", "options"},
    "SubscriptionItem": {"id", "subscriberId", "eventType", "delivery", "options"},
    "EventItem": {"id", "sequence", "publisherId", "eventType", "event"},
}
PREFIX = "/r1/{instanceId}/{memberClass}/{memberCode}/{applicationCode}/"


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """Return the real use cases over an empty data folder."""
    with build(Settings(data_dir=tmp_path)) as built:
        yield built


def make_deliveries(settings: Settings) -> None:
    """Do what the relay's process does after a publication."""
    records = open_records(settings)
    FanOut(records=records, clock=now).run_all()
    records.close()


class Clients:
    """Callers of one service; responses are checked against the contract."""

    def __init__(self, services: Services) -> None:
        self._issuer = local_issuer(services.settings)
        self._app = create_app(services, validate_responses=True)

    def client(self, name: str, *scopes: str) -> httpx.AsyncClient:
        """Return a client with a token of its own."""
        client = client_of(self._app, self._issuer.issue(name, ["mediator.client", *scopes]))
        client.headers["X-GovStack-Client"] = name
        return client


@pytest.fixture
async def clients(services: Services) -> Clients:
    """Return the callers, with a room in place."""
    found = Clients(services)
    room = {
        "title": "Births",
        "manager": MANAGER,
        "publishers": [CLINIC],
        "subscribers": [{"client": POLICE, "pushUrl": "https://police.example/events"}],
    }
    async with found.client("KLD/GOV/STATE/it", "mediator.admin") as admin:
        assert (await admin.put(ADMINISTERED, json=room)).status_code == 201
        assert (await admin.put(ADMINISTERED, json=room)).status_code == 200
    async with found.client(MANAGER) as manager:
        assert (await manager.get(f"{ROOM}/api/v1/eventType")).status_code == 204
        assert (await manager.post(f"{ROOM}/api/v1/eventType", json=TYPE)).status_code == 200
    return found


async def test_an_event_from_publishing_to_confirming(clients: Clients, services: Services) -> None:
    """As two clients see it."""
    async with clients.client(CLINIC) as clinic, clients.client(POLICE) as police:
        wanted = {"eventType": "newBirth", "delivery": "PULL", "options": {"TTL": 600, "FIFO": True}}
        subscription = (await police.post(f"{ROOM}/api/v1/subs/newBirth", json=wanted)).json()
        assert subscription["subscriberId"]["memberCode"] == "POLICE"
        assert (subscription["options"]["TTL"], subscription["options"]["FIFO"]) == (600, True)
        event = {"eventType": "newBirth", "event": {"place": "Mto", "weight": 3200}}
        published = await clinic.post(f"{ROOM}/pub/v1/newBirth", json=event)
        assert published.status_code == 201
        make_deliveries(services.settings)
        got = (await police.get(f"{ROOM}/pull/v1/newBirth")).json()
        assert (got["id"], got["event"], got["sequence"]) == (published.json()["id"], event["event"], 1)
        where = f"{ROOM}/pub/v1/newBirth/{got['id']}"
        assert (await clinic.get(where)).json()["deliveries"][0]["status"] == "pending"
        confirm = f"{ROOM}/pull/v1/newBirth/{got['id']}"
        assert [(await police.delete(confirm)).status_code for _ in range(2)] == [204, 404]
        assert (await police.get(f"{ROOM}/pull/v1/newBirth")).status_code == 404
        assert (await clinic.get(where)).json()["deliveries"][0]["status"] == "delivered"
        assert (await clinic.delete(where)).status_code == 204


async def test_a_subscription_is_changed_in_part(clients: Clients) -> None:
    """What a PATCH leaves out stays."""
    async with clients.client(POLICE) as police:
        where = f"{ROOM}/api/v1/subs/newBirth"
        first = {"eventType": "newBirth", "options": {"TTL": 60, "backoff": {"firstSeconds": 5}}}
        assert (await police.post(where, json=first)).json()["delivery"] == "PUSH"
        changed = await police.patch(where, json={"eventType": "newBirth", "options": {"FIFO": True}})
        assert changed.status_code == 201
        options = (await police.get(where)).json()["options"]
        assert (options["TTL"], options["FIFO"], options["backoff"]["firstSeconds"]) == (60, True, 5.0)
        assert (await police.get(f"{ROOM}/pull/v1/newBirth")).status_code == 409
        assert len((await police.get(f"{ROOM}/api/v1/subs")).json()) == 1
        assert (await police.delete(where)).status_code == 204
        assert (await police.get(where)).status_code == 404


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"eventType": "other"}, 400),
        ({"subscriberId": {"instanceId": "KLD", "memberCode": "x"}}, 400),
        ({"delivery": "POST"}, 400),
        ({"options": {"TTL": 0}}, 400),
        ({"options": {"backoff": {"firstSeconds": 100, "longestSeconds": 10}}}, 400),
        ({"more": 1}, 400),
    ],
)
async def test_a_wrong_subscription_is_400(clients: Clients, change: dict[str, Any], status: int) -> None:
    """As the published contract has it, with nothing done."""
    async with clients.client(POLICE) as police:
        answer = await police.post(f"{ROOM}/api/v1/subs/newBirth", json={"eventType": "newBirth"} | change)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert (await police.get(f"{ROOM}/api/v1/subs")).json() == []


async def test_wrong_events_and_callers(clients: Clients) -> None:
    """Each gets the status that the contract names."""
    right = {"eventType": "newBirth", "event": {"place": "Mto"}}
    async with clients.client(CLINIC) as clinic:
        address = f"{ROOM}/pub/v1/newBirth"
        assert (await clinic.post(address, json=right | {"event": {}})).status_code == 400
        assert (await clinic.post(address, json=right | {"eventType": "x"})).status_code == 400
        unknown = right | {"eventType": "death"}
        assert (await clinic.post(f"{ROOM}/pub/v1/death", json=unknown)).status_code == 404
        assert (await clinic.post("/r1/KLD/GOV/HEALTH/none/pub/v1/newBirth", json=right)).status_code == 404
        other = {"X-GovStack-Client": POLICE}
        assert (await clinic.post(address, json=right, headers=other)).status_code == 403
        del clinic.headers["X-GovStack-Client"]
        assert (await clinic.post(address, json=right)).status_code == 400
    async with clients.client(POLICE) as police:
        assert (await police.post(f"{ROOM}/pub/v1/newBirth", json=right)).status_code == 403
        assert (await police.post(f"{ROOM}/api/v1/eventType", json=TYPE)).status_code == 403
        assert (await police.put(ADMINISTERED, json={"title": "x", "manager": POLICE})).status_code == 403
        assert (await police.get(ADMINISTERED)).status_code == 200
    async with clients.client(MANAGER) as manager:
        assert (await manager.post(f"{ROOM}/api/v1/eventType", json=TYPE)).status_code == 409
        assert (await manager.get(f"{ROOM}/api/v1/eventType/none")).status_code == 204
        assert (await manager.get(f"{ROOM}/api/v1/eventType/newBirth")).json() == TYPE
    async with clients.client("KLD/GOV/TAX/app") as stranger:
        assert (await stranger.get(f"{ROOM}/api/v1/eventType")).status_code == 404
        assert (await stranger.get("/mediator/v1/rooms")).json()["total"] == 0


def test_the_contract_has_all_that_the_published_one_has() -> None:
    """Every operation with every status but one, and every field.

    Deliberate differences: errors are problems (RFC 9457) with more statuses (401, 403, 413, 415, 429, 503, and 404
    for a room that is not the caller's); ``options.backoff``, ``publishedAt``, ``stoppedAt`` and ``deliveries`` are
    additions.
    """
    document = next(contract for contract in load_contracts() if contract.name == "mediator").document
    for path, methods in PUBLISHED.items():
        for method, statuses in methods.items():
            declared = {int(status) for status in document["paths"][PREFIX + path][method]["responses"]}
            assert statuses <= declared, (path, method)
    for name, fields in FIELDS.items():
        assert fields <= set(document["components"]["schemas"][name]["properties"]), name
