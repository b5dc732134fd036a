"""Live data over HTTP, as everything is wired: who may have it, what it leaves behind, and who waits for whom."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from http_support import client_of
from registry_stand_in import Registry, registering
from structlog.testing import capture_logs

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "live"))
from live_block import BY_PATH, OFFICE, OWN, PERSON, PORTAL, TAX, prepared

from jibu.domain.access import Caller
from jibu.domain.exchanges import ExchangeFilter
from jibu.http.app import create_app
from jibu.settings import Settings
from jibu.wiring.services import Services, build
from jibu.wiring.tokens import local_issuer

pytestmark = pytest.mark.anyio
SECRET = "zebrafish"
BODY = json.dumps({"dob": f"1990-01-02 {SECRET}"}).encode()
QUESTION = "What is my date of birth?"


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    """Return a running registry."""
    with registering() as found:
        yield found


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory, registry: Registry) -> Iterator[Services]:
    """The use cases as they are wired; Amina consents to benefits, and everybody has the rights."""
    folder = tmp_path_factory.mktemp("live")
    data = folder / "data"
    data.mkdir()
    shutil.copy(prepared(folder, port=registry.port), data / "jibu.db")
    with build(Settings(data_dir=data, live_timeout_s=20.0)) as built:
        yield built


@pytest.fixture
async def amina(services: Services, registry: Registry) -> AsyncIterator[httpx.AsyncClient]:
    """Return Amina's client at the portal; responses are checked against the contract."""
    registry.forget()
    registry.says(BODY)
    token = local_issuer(services.settings).issue(str(PORTAL), ["rag.query", "metrics.read"], "amina")
    async with client_of(create_app(services, validate_responses=True), token) as client:
        yield client


async def ask(
    client: httpx.AsyncClient, *named: str, context: dict[str, Any] | None = None, **headers: str
) -> httpx.Response:
    """Ask on behalf of Amina."""
    personal = {"individualId": "amina", "dataAgreementId": "benefits", "services": list(named)} | (
        context or {}
    )
    body = {"question": QUESTION, "personalContext": personal}
    return await client.post("/rag/v1/query", json=body, headers=headers)


def exchanges(services: Services, request_id: str) -> list[Any]:
    """Return what the message log has of a question."""
    auditor = Caller("ZZ/GOV/audit/office", frozenset({"audit.read"}))
    wanted = ExchangeFilter(request_id=request_id)
    found = services.mediation.messages.page(auditor, wanted, offset=0, limit=10).items
    return [one.exchange for one in found]


async def test_a_question_is_found_in_the_message_log_by_its_id(
    amina: httpx.AsyncClient, services: Services, registry: Registry
) -> None:
    """One line for each service, and the same ids at the services; what they said is nowhere but in the answer."""
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    with capture_logs() as lines:
        headers = {"X-Request-Id": "case-77", "traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
        answer = await ask(amina, PERSON, BY_PATH, **headers)
    assert answer.status_code == 200
    kept = exchanges(services, "case-77")
    assert {(one.consumer, one.service, one.trace_id) for one in kept} == {
        (str(OWN), "person", trace),
        (str(OWN), "by-path", trace),
    }
    heads = [head.lower() for head, _ in registry.seen]
    assert len(heads) == 2
    assert all(b"\r\nx-road-id: case-77\r\n" in head and trace.encode() in head for head in heads)
    assert SECRET in answer.text
    assert SECRET not in str(lines)
    assert "amina" not in str(lines)
    figures = (await amina.get("/metrics")).text
    assert f'jibu_exchanges_total{{outcome="ok",service="{OFFICE}/by-path"}}' in figures
    assert f'jibu_exchanges_by_client_total{{client="{OWN}",outcome="ok"}}' in figures
    assert SECRET not in figures
    assert "amina" not in figures
    files = [path for path in services.settings.data_dir.rglob("*") if path.is_file()]
    assert b"case-77" in b"".join(path.read_bytes() for path in files)
    assert [path.name for path in files if SECRET.encode() in path.read_bytes()] == []


@pytest.mark.parametrize(
    ("named", "context", "told"),
    [
        ((f"{OFFICE}/nothing",), {}, (422, "invalid-input")),
        ((f"{OWN}/rag",), {}, (422, "invalid-input")),
        ((TAX,), {}, (403, "consent-required")),
        ((PERSON,), {"individualId": "bob"}, (403, "consent-required")),
        ((PERSON,), {"dataAgreementId": "taxes"}, (403, "consent-required")),
    ],
)
async def test_refusals_have_their_problem(
    amina: httpx.AsyncClient,
    registry: Registry,
    named: tuple[str, ...],
    context: dict[str, Any],
    told: tuple[int, str],
) -> None:
    """As the contract has it, and nothing reached the registry."""
    found = await ask(amina, *named, context=context)
    assert (found.status_code, found.json()["type"].rpartition(":")[2]) == told
    assert registry.seen == []


async def test_another_application_needs_its_own_right(services: Services, registry: Registry) -> None:
    """Amina's consent is not a right of whichever portal she uses."""
    registry.forget()
    token = local_issuer(services.settings).issue("ZZ/GOV/other/portal", ["rag.query"], "amina")
    async with client_of(create_app(services, validate_responses=True), token) as client:
        found = await ask(client, PERSON)
    assert (found.status_code, found.json()["type"].rpartition(":")[2]) == (403, "forbidden")
    assert registry.seen == []


async def test_nobody_else_waits_for_a_service(amina: httpx.AsyncClient, registry: Registry) -> None:
    """While the registry keeps a question waiting, the server answers others."""
    asked, released = threading.Event(), threading.Event()

    def wait(_head: bytes) -> None:
        asked.set()
        released.wait(20)

    registry.asked = wait
    question = asyncio.create_task(ask(amina, PERSON))
    try:
        await asyncio.to_thread(asked.wait, 20)
        assert (await amina.get("/health/live")).status_code == 200
        assert (await amina.get("/rag/v1/collections")).status_code == 200
        assert not question.done()
    finally:
        released.set()
    assert (await question).status_code == 200


async def test_many_ask_at_once(amina: httpx.AsyncClient, services: Services) -> None:
    """Each has its own exchanges, under its own id."""
    asked = [ask(amina, PERSON, BY_PATH, **{"X-Request-Id": f"many-{n}"}) for n in range(8)]
    answers = await asyncio.gather(*asked)
    assert [one.status_code for one in answers] == [200] * 8
    for n in range(8):
        assert sorted(one.service for one in exchanges(services, f"many-{n}")) == ["by-path", "person"]
