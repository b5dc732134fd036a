"""X-Road from end to end: Jibu, a stand-in of the Security Servers, and the door of another Jibu.

Everything between them is real: sockets, mutual TLS, two apps. The stand-in is that of
``tests/services/security_server.py``.
"""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from echo import Echo, echoing
from http_support import TestServices, client_of, eventually, make_services
from starlette.types import ASGIApp

from jibu.domain.exchanges import ExchangeFilter
from jibu.domain.mediation import Endpoint, application_id
from jibu.http.app import create_app
from jibu.http.inbound import server_of
from jibu.usecases.administering import WantedService
from jibu.wiring.xroad import guests_of, inbound_tls

sys.path.insert(0, str(Path(__file__).parents[2]))  # not that folder itself: it holds a module called kafka

from tests.services.certificates import Authority, Pair
from tests.services.security_server import Offer, SecurityServer, running

pytestmark = pytest.mark.anyio
PORTAL = "ZZ/GOV/agency/portal"
STRANGER = "ZZ/GOV/agency/stranger"
LOADER = "ZZ/GOV/agency/loader"
HERE = "ZZ/GOV/agency/jibu"
THERE = "ZZ/GOV/library/jibu"
REGISTRY = "ZZ/GOV/office/registry"
QUESTION = {"question": "How much is an adult passport?"}


@dataclass(frozen=True)
class World:
    """Certificates."""

    authority: Authority
    block: Pair
    server: Pair
    door: Pair


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return them."""
    authority = Authority(tmp_path_factory.mktemp("certificates"), "authority")
    server = authority.issue("server", itself=True)
    return World(authority, authority.issue("block"), server, authority.issue("door", itself=True))


@pytest.fixture(scope="module")
def echo() -> Iterator[Echo]:
    """Return a service."""
    with echoing() as found:
        yield found


@dataclass(frozen=True)
class Library:
    """The other Jibu, and where its door is."""

    services: TestServices
    port: int


@contextmanager
def library(folder: Path, world: World, peers: Path) -> Iterator[Library]:
    """Run the other Jibu's door, for Security Servers with these certificates."""
    folder.mkdir(exist_ok=True)
    clients = folder / "clients"
    clients.write_text(
        f"{PORTAL} mediator.client rag.query\n{STRANGER} mediator.client\n{LOADER} rag.ingest\n"
    )
    services = make_services(
        folder,
        mediator_id=THERE,
        xroad_inbound_port=1,
        xroad_inbound_cert_file=world.door.cert,
        xroad_inbound_key_file=world.door.key,
        xroad_inbound_peers_file=peers,
        xroad_inbound_clients_file=clients,
    )
    app = create_app(services, guests=guests_of(services.settings))
    server = server_of(services.settings, app, *inbound_tls(services.settings))
    server.config.port = 0
    thread = threading.Thread(target=server.run, name="door")
    thread.start()
    try:
        assert eventually(lambda: server.started)
        yield Library(services, server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(10)
        services.mediation_records.close()


@pytest.fixture(scope="module")
def other(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """Return the other Jibu. A whole authority is among the peers, by somebody's mistake."""
    folder = tmp_path_factory.mktemp("library")
    peers = folder / "peers.pem"
    peers.write_bytes(world.server.cert.read_bytes() + world.authority.cert.read_bytes())
    with library(folder, world, peers) as found:
        body = {"title": "Passports", "text": "An adult passport costs 40 crowns.", "language": "en"}
        with knock(world, found, world.server) as client:
            url = "/rag/v1/collections/travel/documents"
            loaded = client.post(url, json=body, headers={"X-Road-Client": LOADER})
        assert loaded.status_code == 202
        yield found


@pytest.fixture(scope="module")
def standing(world: World, other: Library, echo: Echo) -> Iterator[SecurityServer]:
    """Return the Security Servers."""
    base = f"https://127.0.0.1:{other.port}"
    everybody = frozenset({PORTAL, STRANGER, HERE})
    server = SecurityServer(
        world.server,
        world.authority.cert,
        dict.fromkeys(everybody, frozenset({world.block.der})),
        {
            f"{THERE}/rag": Offer(f"{base}/r1/{THERE}/rag", everybody),
            f"{THERE}/direct": Offer(f"{base}/rag", everybody),
            f"{REGISTRY}/citizens": Offer(f"http://127.0.0.1:{echo.port}", frozenset({PORTAL}), timeout_s=2),
        },
        providers=world.door.cert,
    )
    with running(server):
        yield server


@pytest.fixture
def server(standing: SecurityServer) -> SecurityServer:
    """Return them in a good mood."""
    standing.mischief = ""
    standing.seen.clear()
    return standing


@dataclass(frozen=True)
class Agency:
    """This side's Jibu, which is slow to make and so is made once."""

    services: TestServices
    app: ASGIApp


@pytest.fixture(scope="module")
def agency(
    tmp_path_factory: pytest.TempPathFactory, world: World, standing: SecurityServer
) -> Iterator[Agency]:
    """Return a Jibu that calls through X-Road, where two applications have rights to everything by name."""
    found = make_services(
        tmp_path_factory.mktemp("agency"),
        mediator_id=HERE,
        mediator="xroad",
        mediator_timeout_s=2.0,
        xroad_url=standing.url,
        xroad_ca_file=world.server.cert,
        xroad_cert_file=world.block.cert,
        xroad_key_file=world.block.key,
    )
    administration = found.mediation.administration
    for text in (PORTAL, STRANGER, THERE, REGISTRY):
        name = application_id(text)
        administration.put_member(name.member, "A member")
        administration.put_application(name, "An application")
    wanted = WantedService(None, None, None, (Endpoint("/**", "*"),), timeout_s=1.0)
    for provider, code in ((THERE, "rag"), (THERE, "direct"), (REGISTRY, "citizens")):
        administration.put_service(application_id(provider), code, wanted)
        for consumer in (PORTAL, STRANGER):
            administration.grant(application_id(consumer), application_id(provider), code, ())
    yield Agency(found, create_app(found))
    found.mediation_records.close()


@pytest.fixture
def services(agency: Agency, server: SecurityServer) -> TestServices:
    """Return its services; the Security Server is in a good mood."""
    assert server.mischief == ""
    return agency.services


@pytest.fixture
async def portal(agency: Agency, services: TestServices) -> AsyncIterator[httpx.AsyncClient]:
    """Return the portal, which calls its own Jibu."""
    async with client_of(agency.app, services.token("mediator.client", client=PORTAL)) as client:
        client.headers["X-GovStack-Client"] = PORTAL
        yield client
    await services.mediation.upstream.close()


def logged(services: TestServices) -> list[Any]:
    """Return the message log, oldest first."""
    with services.mediation_records.read() as uow:
        found = uow.mediator.exchanges.page(ExchangeFilter(), offset=0, limit=100).items
    return [one.exchange for one in reversed(found)]


async def test_a_cited_answer_comes_through_x_road(
    portal: httpx.AsyncClient, services: TestServices, other: Library
) -> None:
    """Asked at one Jibu, answered by the other; both logs have the exchange under one id, with the same sums."""
    before = len(logged(other.services))
    answer = await portal.post(f"/r1/{THERE}/rag/v1/query", json=QUESTION, headers={"X-Road-Id": "case-1"})
    assert answer.status_code == 200
    assert answer.json()["citations"]
    assert len(answer.headers["X-Road-Request-Hash"]) == 88
    mine, (theirs,) = logged(services)[-1], logged(other.services)[before:]
    for one in (mine, theirs):
        assert (one.consumer, one.provider, one.service) == (PORTAL, THERE, "rag")
        assert (one.request_id, one.status, one.outcome) == ("case-1", 200, "ok")
        assert one.request_sha256 == mine.request_sha256
        assert one.response_sha256 == hashlib.sha256(answer.content).hexdigest()


async def test_a_service_may_be_open_without_the_other_log(portal: httpx.AsyncClient, other: Library) -> None:
    """Registered at /rag, calls are answered all the same; a problem has the id of X-Road."""
    before = len(logged(other.services))
    path = f"/r1/{THERE}/direct"
    assert (await portal.post(f"{path}/v1/query", json=QUESTION)).json()["citations"]
    refused = await portal.post(f"{path}/v1/query", json={}, headers={"X-Road-Id": "case-2"})
    assert (refused.status_code, refused.headers["X-Road-Id"]) == (400, "case-2")
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert logged(other.services)[before:] == []


async def test_scopes_are_what_the_list_says(
    portal: httpx.AsyncClient, services: TestServices, server: SecurityServer
) -> None:
    """X-Road lets the stranger call; the other Jibu's list gives it no scope for questions, whatever it sends along."""
    token = services.token("mediator.client", client=STRANGER)
    named = {"Authorization": f"Bearer {token}", "X-GovStack-Client": STRANGER}
    answer = await portal.post(f"/r1/{THERE}/rag/v1/query", json=QUESTION, headers=named)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:problem-type:jibu:forbidden")
    assert b"authorization" not in dict(server.seen[-1].headers)


async def test_every_method_passes(portal: httpx.AsyncClient, services: TestServices) -> None:
    """With its query, and a body where X-Road carries one."""
    for method in ("GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"):
        body = b"\x00\xff" if method in {"PUT", "POST", "PATCH"} else None
        path = f"/r1/{REGISTRY}/citizens/a%20b?x=%C3%A9"
        answer = await portal.request(method, path, content=body)
        assert (method, answer.status_code) == (method, 200)
        if method != "HEAD":
            told = answer.json()
            assert (told["method"], told["target"]) == (method, "/a%20b?x=%C3%A9")
            assert told["size"] == len(body or b"")
        assert (logged(services)[-1].method, logged(services)[-1].outcome) == (method, "ok")


async def test_large_bodies_pass_in_chunks(portal: httpx.AsyncClient) -> None:
    """Two megabytes there and back, and a status of the service's own."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(32):
            yield b"0123456789abcdef" * 4096

    answer = await portal.post(f"/r1/{REGISTRY}/citizens/back", content=chunks())
    assert (answer.status_code, len(answer.content)) == (201, 2_097_152)
    assert (await portal.get(f"/r1/{REGISTRY}/citizens/error")).status_code == 500


async def test_x_roads_trouble_is_not_the_services(
    portal: httpx.AsyncClient, services: TestServices, server: SecurityServer
) -> None:
    """It is a problem that names the service, X-Road's code and the case, and nobody's address."""
    server.offers[f"{REGISTRY}/citizens"].clients, before = (
        frozenset(),
        server.offers[f"{REGISTRY}/citizens"].clients,
    )
    try:
        answer = await portal.get(f"/r1/{REGISTRY}/citizens/x")
    finally:
        server.offers[f"{REGISTRY}/citizens"].clients = before
    told = answer.json()
    assert (answer.status_code, told["type"]) == (502, "urn:problem-type:jibu:upstream-denied")
    assert told["xRoadError"] == answer.headers["X-Road-Error"] == "Server.ServerProxy.AccessDenied"
    assert (told["service"], told["stage"], len(told["xRoadDetail"])) == (f"{REGISTRY}/citizens", "send", 36)
    assert (logged(services)[-1].status, logged(services)[-1].outcome) == (502, "upstream-denied")


async def test_mischief(portal: httpx.AsyncClient, server: SecurityServer) -> None:
    """Each has its problem."""
    for mischief, status, kind in (
        ("fault:Server.ClientProxy.OutdatedGlobalConf:10.1.2.3 is old", 502, "upstream-bad-answer"),
        ("fault:Server.ServerProxy.IOError:10.1.2.3 Read timed out", 504, "upstream-timeout"),
        ("change:x-road-id=another", 502, "upstream-bad-answer"),
        ("hangup", 502, "upstream-bad-answer"),
    ):
        server.mischief = mischief
        answer = await portal.get(f"/r1/{REGISTRY}/citizens/x")
        told = (answer.status_code, answer.json()["type"])
        assert told == (status, f"urn:problem-type:jibu:{kind}"), mischief
        assert "10.1.2.3" not in answer.text


async def test_an_answer_that_drips_ends(
    portal: httpx.AsyncClient, services: TestServices, server: SecurityServer
) -> None:
    """Every pause is short, the whole is not: the exchange has a time in all."""
    server.mischief = "drip"
    started = time.monotonic()
    with pytest.raises(AssertionError):  # the client's word for an answer that was cut off
        await portal.get(f"/r1/{REGISTRY}/citizens/x")
    assert time.monotonic() - started < 20
    assert (logged(services)[-1].status, logged(services)[-1].outcome) == (200, "upstream-timeout")


# --- the door by itself ---


def knock(world: World, other: Library, pair: Pair | None) -> httpx.Client:
    """Return a client with some certificate, as a Security Server would connect."""
    context = ssl.create_default_context(cafile=str(world.door.cert))
    if pair is not None:
        context.load_cert_chain(pair.cert, pair.key)
    return httpx.Client(base_url=f"https://127.0.0.1:{other.port}", verify=context, trust_env=False)


@pytest.mark.parametrize("who", ["nobody", "of the authority", "expired", "of a stranger"])
def test_only_the_security_server_gets_in(world: World, other: Library, tmp_path: Path, who: str) -> None:
    """Not even a certificate of an authority that is among the peers: it is not one of them."""
    pairs = {
        "nobody": lambda: None,
        "of the authority": lambda: world.block,
        "expired": lambda: world.authority.issue("old", expired=True),
        "of a stranger": lambda: Authority(tmp_path, "strangers").issue("strange"),
    }
    with knock(world, other, pairs[who]()) as client, pytest.raises(httpx.TransportError):
        client.get("/rag/v1/collections", headers={"X-Road-Client": PORTAL})
    with knock(world, other, world.server) as client:
        assert client.get("/rag/v1/collections", headers={"X-Road-Client": PORTAL}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([], 400),
        ([("X-Road-Client", PORTAL), ("X-Road-Client", STRANGER)], 400),
        ([("X-Road-Client", PORTAL), ("X-GovStack-Client", STRANGER)], 400),
        ([("X-GovStack-Client", PORTAL)], 400),
        ([("X-Road-Client", "ZZ/GOV/agency")], 400),
        ([("X-Road-Client", "ZZ/GOV/agency/p%6Frtal")], 200),
        ([("X-Road-Client", PORTAL), ("X-GovStack-Client", PORTAL)], 200),
        ([("X-Road-Client", STRANGER)], 403),
        ([("X-Road-Client", "ZZ/GOV/other/one")], 403),
        ([("X-Road-Client", PORTAL), ("Authorization", "Bearer forged")], 200),
    ],
)
def test_who_is_said_to_call(
    world: World, other: Library, headers: list[tuple[str, str]], status: int
) -> None:
    """One proven name, and no other beside it. Tokens do not count here."""
    with knock(world, other, world.server) as client:
        answer = client.post("/rag/v1/query", json=QUESTION, headers=[*headers, ("X-Road-Id", "case-9")])
    assert (answer.status_code, answer.headers["X-Request-Id"]) == (status, "case-9")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/metrics",
        "/health/ready",
        "/docs",
        "/openapi/rag.yaml",
        "/listClients",
        "/mediator/v1/messages",
        f"/r1/{REGISTRY}/citizens/x",
        f"/r1/{REGISTRY}/listMethods",
        f"/r1/{THERE}x/rag/v1/collections",
        f"/r1/{THERE}/listMethods",
        f"/r1/{THERE}/api/v1/subs",
        f"/r1/{THERE}/pull/v1/news",
        "/rag",
        "/ragged",
        "//rag/v1/collections",
    ],
)
def test_nothing_else_is_open(world: World, other: Library, path: str) -> None:
    """No administration, no page, and no way on to other blocks' services."""
    with knock(world, other, world.server) as client:
        answer = client.get(path, headers={"X-Road-Client": PORTAL})
    assert answer.status_code == 404


@pytest.mark.parametrize(("header", "trailer", "status"), [(PORTAL, STRANGER, 200), (None, PORTAL, 400)])
def test_a_trailer_names_nobody(
    world: World, other: Library, header: str | None, trailer: str, status: int
) -> None:
    """What comes behind a body is the consumer's, and no header: not beside the proven name, nor in its place."""
    named = "" if header is None else f"X-Road-Client: {header}\r\n"
    body = json.dumps(QUESTION)
    request = (
        f"POST /rag/v1/query HTTP/1.1\r\nHost: door\r\n{named}Content-Type: application/json\r\n"
        f"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n{len(body):x}\r\n{body}\r\n"
        f"0\r\nX-Road-Client: {trailer}\r\n\r\n"
    )
    context = ssl.create_default_context(cafile=str(world.door.cert))
    context.load_cert_chain(world.server.cert, world.server.key)
    with (
        socket.create_connection(("127.0.0.1", other.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as sealed,
    ):
        sealed.sendall(request.encode())
        answer = sealed.recv(100)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())


async def test_a_header_opens_nothing_on_the_ordinary_listener(agency: Agency) -> None:
    """X-Road-Client needs its token there, as before."""
    async with client_of(agency.app) as client:
        answer = await client.post("/rag/v1/query", json=QUESTION, headers={"X-Road-Client": PORTAL})
    assert answer.status_code == 401


# --- the stand-in's own strictness ---


@pytest.mark.parametrize(
    ("path", "headers", "code"),
    [
        (f"/r1/{THERE}/rag/x", [], "Client.BadRequest"),
        (
            f"/r1/{THERE}/rag/x",
            [("X-Road-Client", PORTAL), ("X-Road-Client", HERE)],
            "Client.BadRequest",
        ),
        (f"/r1/{THERE}/rag/x", [("X-Road-Client", "ZZ/GOV")], "Client.BadRequest"),
        (f"/r1/{THERE}/rag/x", [("X-Road-Client", "ZZ/GOV/a%zz/b")], "Client.BadRequest"),
        (
            f"/r1/{THERE}/rag/x",
            [("X-Road-Client", PORTAL), ("X-Road-Request-Hash", "x")],
            "Client.BadRequest",
        ),
        (f"/r2/{THERE}/rag/x", [("X-Road-Client", PORTAL)], "Client.BadRequest"),
        ("/r1/ZZ%2FGOV%2Flibrary%2Fjibu%2Frag/x", [("X-Road-Client", PORTAL)], "Client.BadRequest"),
        (f"/r1/{THERE}/rag/x", [("X-Road-Client", "ZZ/GOV/a/b")], "Server.ClientProxy.UnknownMember"),
        (f"/r1/{THERE}/none/x", [("X-Road-Client", PORTAL)], "Server.ServerProxy.UnknownService"),
        ("/r1/ZZ/GOV/no/one/x", [("X-Road-Client", PORTAL)], "Server.ClientProxy.UnknownMember"),
    ],
)
def test_the_stand_in_is_strict(
    world: World, server: SecurityServer, path: str, headers: list[tuple[str, str]], code: str
) -> None:
    """Or the tests above would show nothing."""
    context = ssl.create_default_context(cafile=str(world.server.cert))
    context.load_cert_chain(world.block.cert, world.block.key)
    with httpx.Client(base_url=server.url, verify=context, trust_env=False) as client:
        answer = client.get(path, headers=headers)
    assert (answer.status_code, answer.headers["X-Road-Error"]) == (
        400 if "Client." in code[:7] else 500,
        code,
    )
    assert set(json.loads(answer.text)) == {"type", "message", "detail"}
