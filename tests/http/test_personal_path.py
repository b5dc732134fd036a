"""A document of an individual over HTTP with the real parts: consent, questions, withdrawal, erasure, receipt."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from http_support import CLIENT, client_of

from jibu.cli import cli
from jibu.http.app import create_app
from jibu.settings import Settings
from jibu.wiring.services import Services, build
from jibu.wiring.tokens import local_issuer

pytestmark = pytest.mark.anyio
OFFICER = ("consent.config", "consent.service", "consent.audit", "rag.ingest", "rag.admin")
RECORDS = "/consent/v1/service/individual/record"
MINE = {"individualId": "amina", "dataAgreementId": "benefits"}
HERS = {"X-ConsentBB-IndividualId": "amina", "X-ConsentBB-DataAgreementId": "benefits"}
ASKED = {"question": "How much is the allowance a month?"}
LETTER = {"title": "Your allowance", "text": "The allowance is 77 crowns a month.", "language": "en"}


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Return the real use cases over an empty data folder."""
    with build(Settings(data_dir=tmp_path_factory.mktemp("personal"))) as built:
        yield built


async def nothing_is_to_be_kept(amina: httpx.AsyncClient, answer_id: str, document: str) -> None:
    """Every way to what is hers says that no cache may keep it, also where the answer is a problem."""
    made = (await amina.post("/rag/v1/conversations", json={})).json()["conversationId"]
    talk = {"conversationId": made, "personalContext": MINE}
    stream = {"Accept": "text/event-stream"}
    found = [await amina.post("/rag/v1/query", json=ASKED | talk, headers=one) for one in ({}, stream)]
    found.append(await amina.post("/rag/v1/search", json={"query": "allowance", "personalContext": MINE}))
    paths = ("", "/text", "/passages")
    paths = (*(document + one for one in paths), "/rag/v1/documents", f"/rag/v1/answers/{answer_id}")
    for path in (*paths, "/rag/v1/conversations", f"/rag/v1/conversations/{made}"):
        found += [await amina.get(path, headers=one) for one in (HERS, {})]
    assert sum("77 crowns" in one.text for one in found) >= 7
    assert [one.headers["cache-control"] for one in found] == ["no-store"] * len(found)
    assert ["etag" in one.headers for one in found] == [False] * len(found)


async def test_the_whole_path_of_a_personal_document(services: Services, tmp_path: Path) -> None:
    """Found while consent holds, by her alone; not after she withdraws; gone, with proof, when she is forgotten."""
    app, issuer = create_app(services, validate_responses=True), local_issuer(services.settings)
    async with AsyncExitStack() as stack:
        officer = await stack.enter_async_context(client_of(app, issuer.issue(CLIENT, OFFICER)))
        amina, other = [
            await stack.enter_async_context(client_of(app, issuer.issue(CLIENT, ("rag.query",), who)))
            for who in ("amina", "other")
        ]
        policy = {"id": "privacy", "name": "Privacy", "version": "1", "url": "https://health.example.org/p"}
        agreement = {"id": "benefits", "version": "1", "policy": {"id": "privacy"}, "purpose": "Allowances"}
        agreement |= {"lawfulBasis": "consent", "dpia": "https://health.example.org/d"}
        for where, body in (
            ("/consent/v1/config/policy/", {"policy": policy}),
            ("/consent/v1/config/data-agreement/", {"dataAgreement": agreement}),
            ("/consent/v1/service/individual/", {"individual": {"id": "amina"}}),
        ):
            assert (await officer.post(where, json=body)).status_code == 200
        await officer.put("/rag/v1/collections/letters", json={"title": "Letters", "languages": ["en"]})
        loaded = await officer.post("/rag/v1/collections/letters/documents", json=LETTER | MINE)
        assert loaded.status_code == 202
        services.relay.run_until_idle()

        async def asked(client: httpx.AsyncClient = amina, **more: object) -> tuple[int, str]:
            response = await client.post("/rag/v1/query", json=ASKED | more)
            return response.status_code, response.text

        assert (await asked(personalContext=MINE))[0] == 403  # nobody has said yes
        said = await amina.post(f"{RECORDS}/data-agreement/benefits/", params={"individualId": "amina"})
        record = said.json()["consentRecord"]
        status, text = await asked(personalContext=MINE)
        assert (status, json.loads(text)["answer"]) == (200, LETTER["text"])
        await nothing_is_to_be_kept(amina, json.loads(text)["answerId"], loaded.headers["location"])
        assert "77 crowns" not in (await asked())[1]
        assert (await asked(other, personalContext=MINE))[0] == 403
        changed = {"consentRecord": record | {"optIn": False}}
        assert (await amina.put(f"{RECORDS}/consent-record/{record['id']}/", json=changed)).status_code == 200
        status, text = await asked(personalContext=MINE)
        assert (status, "77 crowns" in text) == (403, False)
        receipt = (await amina.delete(f"{RECORDS}/")).json()["receipt"]
        assert receipt["documents"] == [loaded.json()["documentId"]]
        assert (await officer.get(loaded.headers["location"])).status_code == 404
        told = (await officer.get(f"/rag/v1/receipts/{receipt['receiptId']}")).text
        (tmp_path / "receipt.json").write_text(told, encoding="utf-8")
        keys = (await officer.get("/.well-known/jwks.json")).text
        (tmp_path / "keys.json").write_text(keys, encoding="utf-8")
        assert (await officer.get("/consent/v1/audit/verification/")).json()["intact"] is True
    verify = ["receipt", "verify", str(tmp_path / "receipt.json"), "--keys", str(tmp_path / "keys.json")]
    assert CliRunner().invoke(cli, [*verify, "--individual", "amina"]).exit_code == 0
    assert CliRunner().invoke(cli, [*verify, "--individual", "other"]).exit_code != 0
