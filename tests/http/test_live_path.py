"""A question with a service's data over HTTP, with the real parts and a registry on a socket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from http_support import CLIENT, client_of
from registry_stand_in import Registry, registering

from jibu.domain.mediation import Endpoint, application_id
from jibu.http.app import create_app
from jibu.settings import Settings
from jibu.usecases.administering import WantedService
from jibu.wiring.services import Services, build
from jibu.wiring.tokens import local_issuer

pytestmark = pytest.mark.anyio
OFFICER = ("consent.config", "consent.service", "rag.ingest", "rag.admin", "audit.read", "rag.query")
RECORDS = "/consent/v1/service/individual/record"
PROVIDER = "ZZ/GOV/registry-office/citizens"
PERSON, BROKEN = f"{PROVIDER}/person", f"{PROVIDER}/broken"
RULE = {
    "title": "Old-age pension",
    "text": "The old-age pension is paid from the age of 60.",
    "language": "en",
}
SECRET = "Zanthoxylum"
SAID = {
    "dateOfBirth": "1961-04-17",
    "familyName": SECRET,
    "placeOfBirth": "Kisumu",
    "maritalStatus": "married",
    "mother": {"name": "Grace Wanjiru"},
    "address": {"street": "14 Lake Road", "town": "Kisumu"},
    "birthCertificate": {"number": "KIS-1961-004417"},
}
LOG = ("audit.read",)
PENSION = "Am I old enough for the old-age pension?"


def document(path: str) -> str:
    """Return an OpenAPI document with one marked operation."""
    operation = {"x-jibu-individual": True, "responses": {"200": {"description": "A person"}}}
    info = {"title": "Civil registry", "version": "1"}
    return json.dumps({"openapi": "3.0.3", "info": info, "paths": {path: {"get": operation}}})


def register(services: Services, registry: Registry) -> None:
    """Register the registry, which answers about persons and drips elsewhere; both sides may call it."""
    administration = services.mediation.administration
    own = application_id(services.settings.mediator_id)
    for text in (CLIENT, PROVIDER):
        name = application_id(text)
        administration.put_member(name.member, "A member")
        administration.put_application(name, "An application")
    for code, path in (("person", "/person"), ("broken", "/drip")):
        wanted = WantedService(
            title="Civil registry",
            base_url=f"http://127.0.0.1:{registry.port}",
            endpoints=(Endpoint(path, "GET"),),
            description=document(path),
            agreement_id="pensions",
            private_host=True,
        )
        administration.put_service(application_id(PROVIDER), code, wanted)
        for consumer in (application_id(CLIENT), own):
            administration.grant(consumer, application_id(PROVIDER), code, ())


class Block:
    """The service and those who call it."""

    def __init__(self, services: Services, registry: Registry) -> None:
        self.services = services
        self.registry = registry
        self.app = create_app(services, validate_responses=True)
        self.issuer = local_issuer(services.settings)

    def client(self, who: str | None = None, *scopes: str, of: str = CLIENT) -> httpx.AsyncClient:
        """Return a client with a token."""
        return client_of(self.app, self.issuer.issue(of, scopes or ("rag.query",), who))

    async def ask(self, question: str, *named: str, who: str = "amina", **more: Any) -> httpx.Response:
        """Ask on behalf of Amina."""
        context = {"individualId": "amina", "dataAgreementId": "pensions", "services": named or (PERSON,)}
        async with self.client(who, *more.pop("scopes", ()), of=more.pop("of", CLIENT)) as client:
            body = {"question": question, "personalContext": context}
            return await client.post("/rag/v1/query", json=body, **more)


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Return the real use cases over an empty data folder; a service that drips is given up soon."""
    with build(Settings(data_dir=tmp_path_factory.mktemp("live"), live_timeout_s=1.0)) as built:
        yield built


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    """Return a registry that runs."""
    with registering() as found:
        yield found


@pytest.fixture(scope="module")
def once() -> list[dict[str, Any]]:
    """Return Amina's consent record once the block is prepared."""
    return []


@pytest.fixture
async def block(services: Services, registry: Registry, once: list[dict[str, Any]]) -> Block:
    """Return a block in which Amina consents; it is prepared once."""
    registry.says(json.dumps(SAID).encode(), "Content-Language: en")
    made = Block(services, registry)
    async with made.client(None, *OFFICER) as officer, made.client("amina") as amina:
        if not once:
            register(services, registry)
            await prepare(officer)
            services.relay.run_until_idle()
            where, who = f"{RECORDS}/data-agreement/pensions/", {"individualId": "amina"}
            once.append((await amina.post(where, params=who)).json()["consentRecord"])
    return made


async def prepare(officer: httpx.AsyncClient) -> None:
    """Make the agreement, Amina, and a collection with the rule."""
    policy = {"id": "privacy", "name": "Privacy", "version": "1", "url": "https://pensions.example.org/p"}
    agreement = {"id": "pensions", "version": "1", "policy": {"id": "privacy"}, "purpose": "Pensions"}
    agreement |= {"lawfulBasis": "consent", "dpia": "https://pensions.example.org/d"}
    for where, body in (
        ("/consent/v1/config/policy/", {"policy": policy}),
        ("/consent/v1/config/data-agreement/", {"dataAgreement": agreement}),
        ("/consent/v1/service/individual/", {"individual": {"id": "amina"}}),
    ):
        assert (await officer.post(where, json=body)).status_code == 200
    await officer.put("/rag/v1/collections/rules", json={"title": "Rules", "languages": ["en"]})
    assert (await officer.post("/rag/v1/collections/rules/documents", json=RULE)).status_code == 202


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file by name."""
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def live(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the quotes of an answer's live citations by field."""
    return {one["fieldPath"]: one["quote"] for one in answer["citations"] if one["kind"] == "service"}


@pytest.mark.parametrize(
    "question",
    ["What is my date of birth?", "Quelle est ma date de naissance ?", "Tarehe yangu ya kuzaliwa ni ipi?"],
)
async def test_a_question_in_any_language_is_answered_from_the_registry(block: Block, question: str) -> None:
    """The value is cited with service, field, time and exchange; the message log has the exchange."""
    response = await block.ask(question, headers={"X-Request-Id": "question-7"})
    answer = response.json()
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    assert live(answer)["/dateOfBirth"] == "1961-04-17"
    assert SECRET not in response.text
    [source] = answer["liveSources"]
    assert (source["serviceId"], source["outcome"], source["reason"]) == (PERSON, "ok", None)
    async with block.client(None, *LOG) as admin:
        log = await admin.get("/mediator/v1/messages", params={"requestId": "question-7"})
    assert source["messageId"] in {one["messageId"] for one in log.json()["items"]}


async def test_rule_and_registry_in_one_stream(block: Block) -> None:
    """The sources say both kinds before the text, and the answer cites both."""
    response = await block.ask(PENSION, headers={"Accept": "text/event-stream"})
    events = dict(part.split("\n", 1) for part in response.text.split("\n\n") if part.startswith("event"))
    told = {name[7:]: json.loads(data.removeprefix("data: ")) for name, data in events.items()}
    for part in (told["sources"], told["done"]):
        assert live(part) == {"/dateOfBirth": "1961-04-17"}
        assert [one["outcome"] for one in part["liveSources"]] == ["ok"]
    kinds = {one["kind"] for one in told["done"]["citations"]}
    assert (kinds, told["done"]["status"]) == ({"service", "document"}, "answered")
    assert "age of 60" in told["done"]["answer"]


@pytest.mark.parametrize(
    "question", ["When was the town founded?", "Where is the nearest library?", "Nani aliandika kitabu hiki?"]
)
async def test_a_question_about_something_else_shows_nothing_personal(block: Block, question: str) -> None:
    """The registry was asked, and nothing that it said is in the answer."""
    response = await block.ask(question)
    assert (response.json()["status"], live(response.json())) == ("not_found", {})
    assert not [value for value in ("1961", SECRET, "Lake Road", "Wanjiru") if value in response.text]


async def test_who_may_not_learns_nothing_and_nothing_is_sent(block: Block) -> None:
    """A stranger, a token without the scope, an application without a right, a service without one."""
    block.registry.seen.clear()
    other = "ZZ/GOV/portal-agency/other"
    for response, status, kind in (
        (await block.ask(PENSION, who="bob"), 403, "consent-required"),
        (await block.ask(PENSION, scopes=("rag.ingest",)), 403, "forbidden"),
        (await block.ask(PENSION, of=other), 403, "forbidden"),
        (await block.ask(PENSION, f"{PROVIDER}/no-such"), 422, "invalid-input"),
    ):
        assert (response.status_code, response.json()["type"]) == (status, f"urn:problem-type:jibu:{kind}")
    assert block.registry.seen == []


async def test_a_search_asks_no_service(block: Block) -> None:
    """It says so, and names the field."""
    context = {"individualId": "amina", "dataAgreementId": "pensions", "services": [PERSON]}
    async with block.client("amina") as client:
        response = await client.post("/rag/v1/search", json={"query": "age", "personalContext": context})
    told = response.json()
    assert (response.status_code, told["field"]) == (422, "personalContext/services")
    assert "/query" in told["detail"]


async def test_a_service_that_does_not_answer(block: Block) -> None:
    """Partial where documents or another service help; else 504 that names the service and the stage."""
    helped = (await block.ask(PENSION, PERSON, BROKEN)).json()
    assert (helped["status"], helped["reason"]) == ("partial", "service-unavailable")
    assert [one["outcome"] for one in helped["liveSources"]] == ["ok", "failed"]
    alone = await block.ask("Nani aliandika kitabu hiki?", BROKEN)
    told = alone.json()
    assert (alone.status_code, told["type"]) == (504, "urn:problem-type:jibu:upstream-timeout")
    assert (told["service"], told["stage"]) == (BROKEN, "answer")


async def test_what_is_kept_after_a_restart(block: Block) -> None:
    """The same data folder read anew: the outline, the exchange, and no byte of the value in any file."""
    answer = (await block.ask("What is my family name?")).json()
    assert SECRET in answer["answer"]
    folder = Path(str(block.services.settings.data_dir))
    files = contents(folder)
    assert "jibu.db" in files
    assert [name for name, data in files.items() if SECRET.encode() in data] == []
    with build(Settings(data_dir=folder), follow=True) as again:
        made = Block(again, block.registry)
        headers = {"X-ConsentBB-IndividualId": "amina", "X-ConsentBB-DataAgreementId": "pensions"}
        async with made.client("amina") as client:
            kept = (await client.get(f"/rag/v1/answers/{answer['answerId']}", headers=headers)).json()
    assert (kept["answer"], kept["claims"], kept["reason"]) == ("", [], "live-data-not-kept")
    told, left = ([one for one in a["citations"] if one["kind"] == "service"] for a in (answer, kept))
    assert {(one["quote"], one["fieldPath"]) for one in left} == {(None, None)}
    assert [one["messageId"] for one in left] == [one["messageId"] for one in told]


async def test_after_a_withdrawal_nothing_is_asked(block: Block, once: list[dict[str, Any]]) -> None:
    """The record is withdrawn: 403, and the registry hears nothing."""
    async with block.client("amina") as amina:
        [record] = once
        changed = {"consentRecord": record | {"optIn": False}}
        put = await amina.put(f"{RECORDS}/consent-record/{record['id']}/", json=changed)
        assert put.status_code == 200
    block.registry.seen.clear()
    response = await block.ask(PENSION)
    assert (response.status_code, "consent" in response.json()) == (403, True)
    assert block.registry.seen == []
