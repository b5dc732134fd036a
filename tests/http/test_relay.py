"""The relay over real sockets behind it: what passes, what does not, and how trouble is told apart."""

from __future__ import annotations

import asyncio
import hashlib
import re
import socket
import sqlite3
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from echo import Echo, echoing
from http_support import TestServices, app_of, client_of, eventually, make_services
from mediated import PORTAL, PROVIDER, R1, headers, register

from jibu.domain.exchanges import ExchangeFilter
from jibu.domain.mediation import Endpoint, application_id
from jibu.http.app import create_app
from jibu.testing.records_consent import RECORD, consented

pytestmark = pytest.mark.anyio
OWN = "/r1/JIBU/DEV/BLOCK/jibu"


@pytest.fixture(scope="module")
def echo() -> Iterator[Echo]:
    """Return a service."""
    with echoing() as found:
        yield found


@pytest.fixture
async def services(tmp_path: Any, echo: Echo) -> AsyncIterator[TestServices]:
    """Return services of a mediator with small bounds."""
    echo.seen.clear()
    found = make_services(tmp_path, mediator_max_request_bytes=100_000, mediator_max_response_bytes=200_000)
    register(found, f"http://127.0.0.1:{echo.port}", timeout_s=0.3)
    yield found
    await found.mediation.upstream.close()
    found.mediation_records.close()


@pytest.fixture
async def portal(services: TestServices) -> AsyncIterator[httpx.AsyncClient]:
    """Return the portal."""
    app = create_app(services, validate_responses=False)
    async with client_of(app) as client:
        client.headers.update(headers(services))
        yield client


def records_of(services: TestServices) -> Any:
    """Return the mediator's records, consent among them."""
    return services.mediation_records


def logged(services: TestServices) -> list[Any]:
    """Return the message log, oldest first."""
    with services.mediation_records.read() as uow:
        found = uow.mediator.exchanges.page(ExchangeFilter(), offset=0, limit=100).items
    return [one.exchange for one in reversed(found)]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"])
async def test_any_method_body_and_query_pass(
    portal: httpx.AsyncClient, services: TestServices, echo: Echo, method: str
) -> None:
    """As they came, byte for byte; the log has their sizes and sums."""
    body = b"" if method in {"GET", "HEAD", "OPTIONS"} else b"\x00\xff body"
    target = "/a/b%20c/;v=1?x=1&y=%C3%A9&z"
    answer = await portal.request(method, R1 + target, content=body or None)
    assert answer.status_code == 200
    head, received = echo.seen[-1]
    assert head.startswith(f"{method} {target} HTTP/1.1\r\n".encode())
    assert received == body
    entry = logged(services)[-1]
    assert (entry.method, entry.status, entry.outcome, entry.endpoint) == (method, 200, "ok", "/**")
    assert entry.request_sha256 == hashlib.sha256(f"{method} {target}\n".encode() + body).hexdigest()
    assert entry.response_sha256 == hashlib.sha256(answer.content).hexdigest()
    assert (entry.request_bytes, entry.response_bytes) == (len(body), len(answer.content))
    assert (entry.consumer, entry.provider, entry.service) == (PORTAL, PROVIDER, "registry")


async def test_headers_on_the_way_there(portal: httpx.AsyncClient, echo: Echo) -> None:
    """Ids and who calls pass; credentials, hop-by-hop headers and tricks do not."""
    await portal.get(
        f"{R1}/x",
        headers={
            "X-Road-Id": "case-4711",
            "X-Road-UserId": "EE1234",
            "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "Cookie": "session=1",
            "Proxy-Authorization": "Basic x",
            "Connection": "keep-alive, X-Secret-Hop",
            "X-Secret-Hop": "1",
            "X_GovStack_Client": "ZZ/GOV/evil/evil",
            "X-Forwarded-For": "1.2.3.4",
            "X-HTTP-Method-Override": "DELETE",
            "X-Original-URL": "/admin",
            "Accept-Language": "sw",
            "X-Api-Key": "kept",
        },
    )
    lines = echo.seen[-1][0].decode().lower().split("\r\n")[1:-2]
    found = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    assert found["x-govstack-client"] == found["x-road-client"] == PORTAL.lower()
    assert found["x-road-id"] == found["x-request-id"] == "case-4711"
    assert found["x-road-service"] == f"{PROVIDER}/registry".lower()
    assert found["x-road-userid"] == "ee1234"
    assert found["traceparent"].startswith("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7")
    assert (found["accept-language"], found["x-api-key"]) == ("sw", "kept")
    assert found["host"] == f"127.0.0.1:{echo.port}"
    gone = {"authorization", "cookie", "proxy-authorization", "x-secret-hop", "x_govstack_client"}
    gone |= {"x-forwarded-for", "x-http-method-override", "x-original-url"}
    assert gone & set(found) == set()
    assert sum(line.startswith("x-govstack-client") for line in lines) == 1


@pytest.mark.parametrize("given", [None, "00-xx", "00-" + "0" * 32 + "-" + "1" * 16 + "-01"])
async def test_a_trace_that_is_none_is_replaced(
    portal: httpx.AsyncClient, services: TestServices, echo: Echo, given: str | None
) -> None:
    """The service gets a trace context that can be, and the log has the same."""
    await portal.get(f"{R1}/x", headers={} if given is None else {"traceparent": given})
    passed = re.findall(rb"(?im)^traceparent: 00-([0-9a-f]{32})-[0-9a-f]{16}-01\r$", echo.seen[-1][0])
    assert [one.decode() for one in passed] == [logged(services)[-1].trace_id]


async def test_headers_on_the_way_back(portal: httpx.AsyncClient) -> None:
    """What the service says passes; cookies, hop-by-hop headers and policies for browsers do not."""
    answer = await portal.post(f"{R1}/back", content=b"hello")
    assert (answer.status_code, answer.content, answer.headers["x-kept"]) == (201, b"hello", "yes")
    assert answer.headers["location"] == f"/r1/{PROVIDER}/registry/made/1"
    assert answer.headers["x-road-service"] == f"{PROVIDER}/registry"
    assert answer.headers["x-road-id"] == answer.headers["x-request-id"]
    assert {"set-cookie", "x-hop"} & set(answer.headers) == set()
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


async def call(services: TestServices, path: str) -> list[dict[str, Any]]:
    """Call the app without a client that mends or gathers anything; return what it sent."""
    sent: list[dict[str, Any]] = []
    received = [{"type": "http.request", "body": b"", "more_body": False}]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers(services).items()],
    }

    async def receive() -> dict[str, Any]:
        if received:
            return received.pop()
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await create_app(services)(scope, receive, send)  # type: ignore[arg-type]
    return sent


async def test_a_stream_is_passed_as_it_comes(services: TestServices) -> None:
    """The parts are sent one by one, not gathered."""
    first, *parts = await call(services, f"{R1}/stream")
    assert (b"content-type", b"text/event-stream") in first["headers"]
    assert [one["body"] for one in parts] == [b"0\r\n", b"1\r\n", b"2\r\n", b""]


async def test_redirects_are_answers(portal: httpx.AsyncClient, echo: Echo) -> None:
    """They are passed back, never followed."""
    answer = await portal.get(f"{R1}/redirect")
    assert (answer.status_code, answer.headers["location"]) == (302, "http://169.254.169.254/latest")
    assert len(echo.seen) == 1


TROUBLE = [
    ("slow", 504, "upstream-timeout", "answer"),
    ("noise", 502, "upstream-bad-answer", "answer"),
    ("hangup", 502, "upstream-bad-answer", "answer"),
    ("heads", 502, "upstream-bad-answer", "answer"),
    ("split", 502, "upstream-bad-answer", "answer"),
    ("huge", 502, "upstream-bad-answer", "answer"),
    ("drip-head", 504, "upstream-timeout", "answer"),
    ("continues", 504, "upstream-timeout", "answer"),
    ("switch", 502, "upstream-bad-answer", "answer"),
    ("lengths", 502, "upstream-bad-answer", "answer"),
    ("coded", 502, "upstream-bad-answer", "answer"),
    ("uncoded", 502, "upstream-bad-answer", "answer"),
    ("many-heads", 502, "upstream-bad-answer", "answer"),
]


@pytest.mark.parametrize("trouble", TROUBLE, ids=[one[0] for one in TROUBLE])
async def test_bad_services_are_told_apart(
    portal: httpx.AsyncClient, services: TestServices, trouble: tuple[str, int, str, str]
) -> None:
    """Each kind of trouble has its problem, with whose and at what; the log has it too."""
    path, status, kind, stage = trouble
    answer = await portal.get(f"{R1}/{path}")
    found = answer.json()
    assert (answer.status_code, found["type"].rpartition(":")[2], found["stage"]) == (status, kind, stage)
    assert found["service"] == f"{PROVIDER}/registry"
    assert [(one.status, one.outcome) for one in logged(services)] == [(status, kind)]


async def test_what_comes_behind_an_answer_is_none_of_it(portal: httpx.AsyncClient) -> None:
    """Trailers are dropped, and so is a body to HEAD."""
    answer = await portal.get(f"{R1}/trailers")
    assert (answer.status_code, answer.content) == (200, b"ok")
    assert {"x-injected", "set-cookie"} & set(answer.headers) == set()
    bodiless = await portal.head(f"{R1}/headless")
    assert (bodiless.status_code, bodiless.content) in {(200, b""), (502, b"")}


async def test_the_time_for_headers_counts_from_the_end_of_the_body(
    portal: httpx.AsyncClient, services: TestServices
) -> None:
    """A long upload is not cut short; a service that drips its headers afterwards is."""

    async def slowly() -> AsyncIterator[bytes]:
        for _ in range(8):
            await asyncio.sleep(0.1)
            yield b"x"

    assert (await portal.post(f"{R1}/x", content=slowly())).json()["size"] == 8
    assert (await portal.post(f"{R1}/drip-head", content=b"x")).status_code == 504
    assert logged(services)[0].duration_ms >= 700


async def test_nobody_listens_or_cannot_be_found(portal: httpx.AsyncClient, services: TestServices) -> None:
    """Refused and unreachable are two things."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    for url, kind in (
        (f"http://127.0.0.1:{port}", "upstream-refused"),
        ("http://no-such-host.invalid", "upstream-unreachable"),
    ):
        register(services, url)
        answer = await portal.get(f"{R1}/x")
        found = answer.json()
        assert (answer.status_code, found["type"].rpartition(":")[2]) == (502, kind)
        assert (found["service"], found["stage"]) == (f"{PROVIDER}/registry", "connect")


async def test_a_name_that_leads_inside_is_not_called(
    portal: httpx.AsyncClient, services: TestServices, echo: Echo
) -> None:
    """A public-looking name at a loopback address: refused where it was not allowed."""
    register(services, f"http://localhost:{echo.port}", private_host=False)
    answer = await portal.get(f"{R1}/x")
    assert answer.json()["type"].endswith("upstream-unreachable")
    assert echo.seen == []


@pytest.mark.parametrize("path", ["endless", "short"])
async def test_answers_that_end_badly_are_cut(
    portal: httpx.AsyncClient, services: TestServices, path: str
) -> None:
    """The caller can tell that the answer is not whole; the log says that it was not."""
    with pytest.raises(AssertionError):  # the transport's: the response was never completed
        await portal.get(f"{R1}/{path}")
    entry = logged(services)[-1]
    assert entry.outcome == "upstream-bad-answer"
    assert entry.response_bytes <= 300_000


async def test_an_answer_of_500_is_an_answer(portal: httpx.AsyncClient, services: TestServices) -> None:
    """The service's own errors pass as they are; figures count them as failures."""
    answer = await portal.get(f"{R1}/error")
    assert (answer.status_code, answer.content) == (500, b"no")
    assert logged(services)[-1].outcome == "ok"


async def test_bodies_are_bounded(portal: httpx.AsyncClient, services: TestServices, echo: Echo) -> None:
    """Declared, or in chunks that never end."""
    assert (await portal.post(f"{R1}/x", content=b"x" * 100_001)).status_code == 413

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 10_000

    assert (await portal.post(f"{R1}/x", content=endless())).status_code == 413
    assert echo.seen == []


@pytest.mark.parametrize(
    "path",
    [
        "/../x",
        "/a/../../x",
        "/%2e%2e/x",
        "/%2E./x",
        "/a%2f..%2fb",
        "/a%2Fb",
        "/a%5cb",
        "/a\\b",
        "/..;/admin",
        "/.;x/admin",
        "/%252e%252e/x",
        "/a%252fb",
        "/a%00b",
        "/a%0d%0aX-Injected:%201",
        "/a%0ab",
        "//evil.example.org/x",
        "/a//b",
        "/./x",
        "/%ff",
        "/a%zz",
    ],
)
async def test_paths_with_two_meanings_are_refused(services: TestServices, echo: Echo, path: str) -> None:
    """Before anything is looked up or called."""
    sent = await call(services, R1 + path)
    assert sent[0]["status"] == 400
    assert echo.seen == []
    assert logged(services) == []


async def test_rights_are_by_endpoint(portal: httpx.AsyncClient, services: TestServices, echo: Echo) -> None:
    """Only what is granted and on; the most exact endpoint decides; the log tells of what was denied."""
    endpoints = (
        Endpoint("/citizens/{id}", "GET"),
        Endpoint("/citizens/secret", "GET"),
        Endpoint("/new", "POST"),
    )
    off = (Endpoint("/new", "POST"),)
    register(services, f"http://127.0.0.1:{echo.port}", endpoints=endpoints, disabled=off)
    administration = services.mediation.administration
    names = application_id(PORTAL), application_id(PROVIDER)
    administration.grant(*names, "registry", (Endpoint("/citizens/{id}", "GET"), Endpoint("/new", "POST")))
    asked = [("GET", "/citizens/12"), ("HEAD", "/citizens/12"), ("GET", "/citizens/secret"), ("POST", "/new")]
    asked += [
        ("DELETE", "/citizens/12"),
        ("GET", "/citizens/12/x"),
        ("GET", ""),
        ("GET", "/citizens/%73ecret"),
    ]
    found = [(await portal.request(method, R1 + path)).status_code for method, path in asked]
    assert found == [200, 200, 403, 403, 403, 403, 403, 403]
    assert [one.outcome for one in logged(services)] == ["ok"] * 2 + ["denied"] * 6
    administration.revoke(*names, "registry")
    assert (await portal.get(f"{R1}/citizens/12")).status_code == 403, "at once"


async def test_who_may_call(services: TestServices, portal: httpx.AsyncClient) -> None:
    """A token, its scope, its client; an unknown service is 400."""
    app = create_app(services)
    async with client_of(app) as nobody:
        assert (await nobody.get(f"{R1}/x")).status_code == 401
    async with client_of(app, services.token("rag.query", client=PORTAL)) as other:
        assert (await other.get(f"{R1}/x", headers={"X-GovStack-Client": PORTAL})).status_code == 403
    async with client_of(app, services.token("mediator.client", client=PORTAL)) as client:
        assert (await client.get(f"{R1}/x")).status_code == 400
        assert (await client.get(f"{R1}/x", headers={"X-Road-Client": PORTAL})).status_code == 200
        assert (await client.get(f"{R1}/x", headers={"X-Road-Client": PROVIDER})).status_code == 403
        twice = [("X-GovStack-Client", PORTAL), ("X-GovStack-Client", PROVIDER)]
        assert (await client.get(f"{R1}/x", headers=twice)).status_code == 400
    assert (await portal.get(f"/r1/{PROVIDER}/nothing/x")).status_code == 400
    assert (await portal.request("TRACE", f"{R1}/x")).status_code == 405
    assert (await portal.get(f"{R1}/x", headers={"X-Road-Id": "x" * 129})).status_code == 400


async def test_consent_is_asked_before_the_service(
    services: TestServices, portal: httpx.AsyncClient, echo: Echo
) -> None:
    """Without it, without a person to ask for it, or for somebody else: nothing reaches the service."""
    register(services, f"http://127.0.0.1:{echo.port}", agreement_id="a1")
    consented(records_of(services))
    assert (await portal.get(f"{R1}/x")).status_code == 422
    stranger = await portal.get(f"{R1}/x", headers={"X-Individual-Id": "i1"})
    assert (stranger.status_code, stranger.json()["type"].rpartition(":")[2]) == (403, "consent-required")
    for subject, named in (("i2", "i1"), ("i2", "i2"), ("i1", "i2")):
        token = services.token("mediator.client", client=PORTAL, subject=subject)
        theirs = {"Authorization": f"Bearer {token}", "X-Individual-Id": named}
        assert (await portal.get(f"{R1}/x", headers=theirs)).status_code == 403
    assert echo.seen == []
    with records_of(services).read() as uow:
        kept = uow.decisions.page(offset=0, limit=9).items
    assert [(one.individual_id, one.granted) for one in kept] == [
        ("i2", False),
        ("i2", False),
        ("i1", False),
        ("i1", False),
    ]


async def test_consent_opens_the_service_and_its_end_closes_it(
    services: TestServices, portal: httpx.AsyncClient, echo: Echo
) -> None:
    """Asked for every call: a withdrawal acts on the next one, whatever is remembered of rights."""
    register(services, f"http://127.0.0.1:{echo.port}", agreement_id="a1")
    consented(records_of(services))
    mine = {"Authorization": f"Bearer {services.token('mediator.client', client=PORTAL, subject='i1')}"}
    both = services.token("mediator.client", "consent.service", client=PORTAL)
    behalf = {"Authorization": f"Bearer {both}", "X-Individual-Id": "i1"}
    assert [(await portal.get(f"{R1}/x", headers=one)).status_code for one in (mine, behalf)] == [200, 200]
    with records_of(services).write() as uow:
        uow.consent.put_record(replace(RECORD, opt_in=False), at=datetime.now(UTC))
        uow.commit()
    assert [(await portal.get(f"{R1}/x", headers=one)).status_code for one in (mine, behalf)] == [403, 403]
    assert len(echo.seen) == 2


async def test_this_block_is_called_with_the_callers_own_scopes(
    services: TestServices, portal: httpx.AsyncClient
) -> None:
    """In process: its problems, its streams, its limits; and the exchange is in the log."""
    ask = {"json": {"question": "How long is a passport valid?"}}
    assert (await portal.post(f"{OWN}/rag/v1/query", **ask)).status_code == 403
    token = services.token("mediator.client", "rag.query", client=PORTAL)
    own = {"Authorization": f"Bearer {token}"}
    answer = await portal.post(f"{OWN}/rag/v1/query", headers=own, **ask)
    assert (answer.status_code, answer.json()["status"]) == (200, "not_found")
    stream = await portal.post(f"{OWN}/rag/v1/query", headers=own | {"Accept": "text/event-stream"}, **ask)
    assert "event: done" in stream.text
    bad = await portal.post(f"{OWN}/rag/v1/query", headers=own, json={"question": 1})
    assert bad.status_code == 400
    assert (await portal.get(f"{OWN}/rag/v1/nothing", headers=own)).status_code == 403
    assert [(one.endpoint, one.status, one.outcome) for one in logged(services)] == [
        ("/v1/query", 403, "ok"),
        ("/v1/query", 200, "ok"),
        ("/v1/query", 200, "ok"),
        ("/v1/query", 400, "ok"),
        ("", 403, "denied"),
    ]


async def test_an_answer_waits_for_the_log(
    services: TestServices, portal: httpx.AsyncClient, echo: Echo
) -> None:
    """While somebody else writes, the last byte is held back."""
    with services.mediation_records.write():
        task = asyncio.create_task(portal.get(f"{R1}/x"))
        assert await asyncio.to_thread(eventually, lambda: bool(echo.seen))
        await asyncio.sleep(0.2)
        assert not task.done()
    assert (await task).status_code == 200


async def test_what_cannot_be_kept_is_not_answered(services: TestServices, portal: httpx.AsyncClient) -> None:
    """Without its log the mediator gives nobody a whole answer."""
    assert (await portal.get(f"{R1}/x")).status_code == 200
    database = sqlite3.connect(services.settings.data_dir / "mediator.db")
    database.execute("DROP TABLE mediator_messages")
    database.close()
    sent = await call(services, f"{R1}/x")
    assert sent[0]["status"] == 200
    assert len(sent) == 1, "not a byte of the body, and no end"


async def test_figures_of_exchanges(services: TestServices, portal: httpx.AsyncClient) -> None:
    """By service and by client, over the API and as metrics."""
    for path in ("x", "x", "error", "slow"):
        await portal.get(f"{R1}/{path}")
    app = app_of(services)
    async with client_of(app, services.token("metrics.read", "mediator.admin")) as admin:
        found = (await admin.get("/mediator/v1/monitoring/services")).json()["items"]
        clients = (await admin.get("/mediator/v1/monitoring/clients")).json()["items"]
    assert [(one["name"], one["exchanges"], one["failures"]) for one in found] == [
        (f"{PROVIDER}/registry", 4, 2)
    ]
    assert [(one["name"], one["exchanges"]) for one in clients] == [(PORTAL, 4)]
    assert 0 <= found[0]["p50Ms"] <= found[0]["p95Ms"] <= found[0]["p99Ms"] <= found[0]["maxMs"]
    assert found[0]["maxMs"] >= 300
    async with client_of(portal._transport.app, services.token("metrics.read")) as client:  # type: ignore[attr-defined]  # noqa: SLF001
        text = (await client.get("/metrics")).text
    assert f'jibu_exchanges_total{{outcome="ok",service="{PROVIDER}/registry"}} 3.0' in text
    assert f'jibu_exchanges_by_client_total{{client="{PORTAL}",outcome="upstream-timeout"}} 1.0' in text


async def test_who_sees_which_exchanges(services: TestServices, portal: httpx.AsyncClient) -> None:
    """Consumer and provider see theirs, others nothing, an auditor all; filters narrow."""
    await portal.get(f"{R1}/x", headers={"X-Road-Id": "case-1"})
    await portal.get(f"{R1}/slow", headers={"X-Road-Id": "case-2"})
    app = app_of(services)
    for client, scope, total in (
        (PORTAL, "mediator.client", 2),
        (PROVIDER, "mediator.client", 2),
        ("ZZ/GOV/other/other", "mediator.client", 0),
        ("ZZ/GOV/other/other", "audit.read", 2),
    ):
        async with client_of(app, services.token(scope, client=client)) as one:
            found = (await one.get("/mediator/v1/messages")).json()
            assert found["total"] == total
            narrow = await one.get("/mediator/v1/messages", params={"requestId": "case-2"})
            assert narrow.json()["total"] == min(total, 1)
            if total:
                name = found["items"][0]["messageId"]
                assert (await one.get(f"/mediator/v1/messages/{name}")).json()[
                    "outcome"
                ] == "upstream-timeout"
