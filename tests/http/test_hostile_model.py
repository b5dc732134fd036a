"""A misbehaving model behind the service as it is wired: whole answers, streams and what the metrics say."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from http_support import CLIENT, client_of

from jibu.domain.errors import Misconfigured
from jibu.http.app import create_app
from jibu.settings import Settings
from jibu.wiring.services import Services, build
from jibu.wiring.tokens import local_issuer

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.services.hostile_ollama import WRITES, Exchange, HostileOllama, claims_of

pytestmark = pytest.mark.anyio
VALID = "A passport for an adult is valid for ten years."
GUIDE = f"""# Passports

## Validity

{VALID} A passport for a child is valid for five years.
"""
QUESTION = {"question": "How long is an adult's passport valid?"}
STREAM = {"Accept": "text/event-stream"}
SCOPES = ("rag.query", "rag.ingest", "rag.admin", "metrics.read")


@pytest.fixture(scope="module")
def server() -> Iterator[HostileOllama]:
    """A model's server; each test says what it does."""
    with HostileOllama() as server:
        yield server


def settings_of(folder: Path, server: HostileOllama, **more: Any) -> Settings:
    """Return settings with the model as the generator."""
    return Settings(
        data_dir=folder,
        generator="ollama",
        ollama_hosts=server.url,
        ollama_generate_model=WRITES,
        ollama_first_token_timeout_s=4.0,
        ollama_generate_timeout_s=12.0,
        **more,
    )


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory, server: HostileOllama) -> Iterator[Services]:
    """The use cases as they are wired, with the guide loaded."""
    with build(settings_of(tmp_path_factory.mktemp("hostile"), server, answered_threshold=0.01)) as built:
        yield built


@pytest.fixture
async def client(services: Services, server: HostileOllama) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of a service that knows the guide; responses are checked against the contract."""
    server.scripts.clear()
    token = local_issuer(services.settings).issue(CLIENT, SCOPES)
    async with client_of(create_app(services, validate_responses=True), token) as client:
        if not (await client.get("/rag/v1/documents")).json()["total"]:
            await load(client)
            services.relay.run_until_idle()
        yield client


async def load(client: httpx.AsyncClient) -> None:
    """Hand in the guide."""
    await client.put("/rag/v1/collections/travel", json={"title": "Travel", "languages": ["en"]})
    guide = {"title": "Passport guide", "text": GUIDE, "mediaType": "text/markdown", "externalId": "guide"}
    await client.post("/rag/v1/collections/travel/documents", json=guide)


def events_of(response: httpx.Response) -> list[tuple[str, Any]]:
    """Return (name, data) of each event."""
    found = []
    for block in response.text.strip().split("\n\n"):
        name, _, data = block.partition("\ndata: ")
        if data:
            found.append((name.removeprefix("event: "), json.loads(data)))
    return found


async def exact(client: httpx.AsyncClient, answer: dict[str, Any]) -> bool:
    """Tell whether every quote stands where the answer says."""
    for citation in answer["citations"]:
        where = f"/rag/v1/documents/{citation['documentId']}/text?version={citation['documentVersion']}"
        text = (await client.get(where)).text
        if text[citation["start"] : citation["end"]] != citation["quote"]:
            return False
    return bool(answer["citations"])


async def test_a_model_that_behaves_is_streamed(client: httpx.AsyncClient, server: HostileOllama) -> None:
    """Tokens joined are the answer; none is empty; `model` names the model and `usage` what it took."""
    server.scripts["/api/chat"] = lambda exchange: exchange.write(
        json.dumps(claims_of(("An adult's passport is valid for ten years.", [(1, VALID)])))
    )
    events = events_of(await client.post("/rag/v1/query", json=QUESTION, headers=STREAM))
    answer = events[-1][1]
    tokens = [data["text"] for name, data in events if name == "token"]
    assert all(tokens)
    assert "".join(tokens) == answer["answer"] == "An adult's passport is valid for ten years."
    assert answer["model"] == {
        "generator": WRITES,
        "embedder": "multilingual-e5-small",
        "index": "embedded",
        "fallback": None,
    }
    assert answer["usage"] == {"promptTokens": 120, "completionTokens": 30}
    assert await exact(client, answer)


async def test_a_model_that_fails_is_replaced_and_counted(
    client: httpx.AsyncClient, server: HostileOllama
) -> None:
    """The answer is extractive, says why, and the metrics count the reason."""
    server.scripts["/api/chat"] = lambda exchange: exchange.write("The fee is whatever you like.")
    answer = (await client.post("/rag/v1/query", json=QUESTION)).json()
    assert (answer["model"]["generator"], answer["model"]["fallback"]) == ("extractive", "malformed")
    assert VALID in answer["answer"]
    assert await exact(client, answer)
    assert 'jibu_generator_fallbacks_total{reason="malformed"} 1.0' in (await client.get("/metrics")).text


async def test_a_silent_model_costs_a_stream_no_more_than_the_limit(
    client: httpx.AsyncClient, server: HostileOllama
) -> None:
    """The stream ends with an answer, not with an error."""
    server.scripts["/api/chat"] = lambda exchange: exchange.silence(60)
    events = events_of(await client.post("/rag/v1/query", json=QUESTION, headers=STREAM))
    assert [name for name, _ in events if name == "error"] == []
    assert events[-1][1]["model"]["fallback"] == "slow"
    assert await exact(client, events[-1][1])


async def test_half_a_stream_ends_as_partial(client: httpx.AsyncClient, server: HostileOllama) -> None:
    """What the client has read is what the answer says."""

    def half(exchange: Exchange) -> None:
        exchange.begin()
        exchange.say(json.dumps(claims_of((VALID, [(1, VALID)])))[:-2] + ", {")

    server.scripts["/api/chat"] = half
    events = events_of(await client.post("/rag/v1/query", json=QUESTION, headers=STREAM))
    answer = events[-1][1]
    assert "".join(data["text"] for name, data in events if name == "token") == answer["answer"] == VALID
    assert (answer["status"], answer["model"]["generator"]) == ("partial", WRITES)


async def test_readiness_names_a_missing_model_but_does_not_fail(
    client: httpx.AsyncClient, server: HostileOllama
) -> None:
    """Questions are still answered; the warning holds the command that mends it."""
    assert (await client.get("/health/ready")).json()["ready"] is True
    known = server.models.pop(WRITES)
    ready = await client.get("/health/ready")
    server.models[WRITES] = known
    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    assert f"jibu models pull {WRITES}" in ready.text


async def test_the_system_card_says_that_a_model_words_the_answers(client: httpx.AsyncClient) -> None:
    """And no longer that nothing is summarised."""
    card = (await client.get("/rag/v1/system-card")).json()
    assert WRITES in {component["name"] for component in card["components"]}
    assert any("language model words the answers" in limit for limit in card["limits"])
    assert not any("nothing is summarised" in limit for limit in card["limits"])


def test_times_that_leave_no_room_to_fall_back_are_refused(tmp_path: Path, server: HostileOllama) -> None:
    """At the start, with the names of both settings."""
    with (
        pytest.raises(Misconfigured, match="JIBU_OLLAMA_GENERATE_TIMEOUT_S has to be below"),
        build(settings_of(tmp_path, server, query_timeout_s=12.0)),
    ):
        pass
