"""The service as it is wired: a document goes in over HTTP, an answer with its quotes comes out."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from http_support import CLIENT, client_of

from jibu.http.app import create_app
from jibu.settings import Settings
from jibu.wiring.services import Services, build
from jibu.wiring.tokens import local_issuer

pytestmark = pytest.mark.anyio
GUIDE = """# Passports

## Validity

A passport for an adult is valid for ten years. A passport for a child is valid for five years.

## Fees

| Passport | Fee |
| --- | --- |
| Adult | 120 dollars |
| Child | 60 dollars |
"""
SCOPES = ("rag.query", "rag.ingest", "rag.admin", "audit.read", "metrics.read")


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Return the real use cases over an empty data folder."""
    folder: Path = tmp_path_factory.mktemp("whole")
    with build(Settings(data_dir=folder)) as built:
        yield built


@pytest.fixture
async def client(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client that may do everything; responses are checked against the contract."""
    token = local_issuer(services.settings).issue(CLIENT, SCOPES)
    async with client_of(create_app(services, validate_responses=True), token) as client:
        yield client


@pytest.fixture
async def guide(client: httpx.AsyncClient, services: Services) -> str:
    """Load the guide; return where it is."""
    await client.put("/rag/v1/collections/travel", json={"title": "Travel", "languages": ["en"]})
    response = await client.post(
        "/rag/v1/collections/travel/documents",
        files={"file": ("guide.md", GUIDE.encode(), "text/markdown")},
        data={"title": "Passport guide", "externalId": "guide"},
    )
    assert response.status_code == 202
    services.relay.run_until_idle()
    return str(response.headers["location"])


async def test_a_document_is_received_indexed_and_described(client: httpx.AsyncClient, guide: str) -> None:
    """Its state says what was found in it."""
    document = (await client.get(guide)).json()
    assert (document["status"], document["failure"], document["liveVersion"]) == (
        "indexed",
        None,
        document["version"],
    )
    assert document["passages"] == (await client.get(f"{guide}/passages")).json()["total"] > 0
    listed = (await client.get("/rag/v1/documents?collectionId=travel&status=indexed")).json()
    assert guide in [one["links"]["self"] for one in listed["items"]]


async def test_every_quote_is_the_slice_that_it_names(client: httpx.AsyncClient, guide: str) -> None:
    """Whole and streamed, for an answer and for the nearest passages of a "not found"."""
    for question in (
        "How long is a passport for an adult valid?",
        "What is the fee for a child?",
        "Who won the cup?",
    ):
        answer = (await client.post("/rag/v1/query", json={"question": question})).json()
        streamed = await client.post(
            "/rag/v1/query", json={"question": question}, headers={"Accept": "text/event-stream"}
        )
        last = json.loads(streamed.text.strip().split("\n\n")[-1].split("data: ", 1)[1])
        for citation in [*answer["citations"], *last["citations"]]:
            where = f"/rag/v1/documents/{citation['documentId']}/text?version={citation['documentVersion']}"
            text = (await client.get(where)).text
            assert text[citation["start"] : citation["end"]] == citation["quote"]
        for claim in answer["claims"]:
            assert answer["answer"][claim["start"] : claim["end"]] == claim["text"]
        assert last["answer"] == answer["answer"]
    assert guide


async def test_search_and_erasure(client: httpx.AsyncClient, guide: str) -> None:
    """What is erased is gone from search at once."""
    body = {"query": "How long is a passport valid?", "limit": 5}
    document_id = guide.rsplit("/", 1)[1]
    found: Any = (await client.post("/rag/v1/search", json=body)).json()["passages"]
    assert document_id in {one["documentId"] for one in found}
    receipt = (await client.delete(guide)).json()
    assert receipt["documentId"] == document_id
    found = (await client.post("/rag/v1/search", json=body)).json()["passages"]
    assert document_id not in {one["documentId"] for one in found}
    assert (await client.get(guide)).status_code == 404


async def test_a_conversation_keeps_both_sides(client: httpx.AsyncClient, guide: str) -> None:
    """A question in a conversation adds two turns; another's conversation is not found."""
    where = (await client.post("/rag/v1/conversations")).headers["location"]
    name = where.rsplit("/", 1)[1]
    answer = await client.post(
        "/rag/v1/query", json={"question": "How long is a passport valid?", "conversationId": name}
    )
    turns = (await client.get(where)).json()["turns"]
    assert [turn["role"] for turn in turns] == ["user", "assistant"]
    assert turns[1]["answerId"] == answer.json()["answerId"]
    unknown = await client.post("/rag/v1/query", json={"question": "passport", "conversationId": "unknown"})
    assert unknown.status_code == 404
    assert guide


async def test_probes_and_figures(client: httpx.AsyncClient) -> None:
    """The service is ready, says what is embedded, and counts."""
    ready = await client.get("/health/ready")
    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    assert ready.json()["embedded"]
    assert "jibu_relay_jobs" in (await client.get("/metrics")).text
    assert (await client.get("/rag/v1/system-card")).json()["name"] == "Jibu"
