"""Calling services through an X-Road Security Server: the contract, X-Road's errors, answers to something else.

The Security Server is a stand-in; see ``tests/services/security_server.py``.
"""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import ssl
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jibu.adapters.mediator.asking import UpstreamMediator
from jibu.adapters.mediator.road_errors import told
from jibu.adapters.mediator.tls import OwnCertificate, client_context
from jibu.adapters.mediator.xroad import RoadUpstream
from jibu.domain.errors import (
    UpstreamBadAnswer,
    UpstreamDenied,
    UpstreamError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from jibu.domain.mediation import application_id
from jibu.testing.mediator_contract import call
from jibu.testing.upstream_contract import UpstreamContract, body_of, outgoing, parts

sys.path.insert(0, str(Path(__file__).parents[1] / "http"))
sys.path.insert(0, str(Path(__file__).parents[2]))  # not that folder itself: it holds a module called kafka

from echo import Echo, echoing
from tests.services.certificates import Authority, Pair
from tests.services.security_server import Offer, SecurityServer, running

pytestmark = pytest.mark.anyio
OWN = "ZZ/GOV/agency/jibu"
SERVICE = "ZZ/GOV/office/registry/echo"
UNUSED = "http://nowhere.invalid"
"""A base URL: nobody looks at it where X-Road finds the service."""


@pytest.fixture
def anyio_backend() -> str:
    """Run async tests on asyncio."""
    return "asyncio"


@dataclass(frozen=True)
class World:
    """Certificates and what they are for."""

    authority: Authority
    block: Pair
    server: Pair

    def tls(self, own: Pair | None, trusted: Path | None = None) -> ssl.SSLContext:
        """Return the block's TLS."""
        mine = None if own is None else OwnCertificate(own.cert, own.key, None, "JIBU_XROAD")
        return client_context(mine, trusted or self.server.cert, "JIBU_XROAD_CA_FILE")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Return an authority, the block's certificate, and a self-signed one of the Security Server, as is usual."""
    authority = Authority(tmp_path_factory.mktemp("certificates"), "authority")
    return World(authority, authority.issue("block"), authority.issue("server", itself=True))


@pytest.fixture(scope="module")
def echo() -> Iterator[Echo]:
    """Return a service."""
    with echoing() as found:
        yield found


@pytest.fixture(scope="module")
def standing(world: World, echo: Echo) -> Iterator[SecurityServer]:
    """Return a Security Server that knows the block and the service."""
    server = SecurityServer(
        world.server,
        world.authority.cert,
        {OWN: frozenset({world.block.der})},
        {SERVICE: Offer(f"http://127.0.0.1:{echo.port}", frozenset({OWN}))},
    )
    with running(server):
        yield server


@pytest.fixture
def server(standing: SecurityServer, echo: Echo) -> SecurityServer:
    """Return it in its good mood."""
    standing.mischief, standing.snake = "", False
    standing.seen.clear()
    standing.offers[SERVICE] = Offer(f"http://127.0.0.1:{echo.port}", frozenset({OWN}))
    return standing


@pytest.fixture
def base_url(echo: Echo) -> str:
    """Return where the service is: the Security Server knows it too."""
    return f"http://127.0.0.1:{echo.port}"


@pytest.fixture
async def upstream(world: World, server: SecurityServer) -> AsyncIterator[RoadUpstream]:
    """Return the adapter."""
    found = RoadUpstream(server.url, OWN, tls=world.tls(world.block))
    yield found
    await found.close()
    await asyncio.sleep(0.02)


class TestRoadUpstream(UpstreamContract):
    """The contract. Gaps: where a service is, is X-Road's to know and guard; X-Road passes whole answers on."""

    async def test_a_base_url_may_have_a_path(self, upstream: Any) -> None:  # type: ignore[override]
        """Gap: the Security Server has the base URL. The target is added to the service's name."""
        for target, seen in (("/x", "/x"), ("", "/")):
            found = json.loads(await body_of(upstream, outgoing(UNUSED + "/api", target)))
            assert found["target"] == seen

    async def test_internal_addresses_need_leave(self, upstream: Any) -> None:  # type: ignore[override]
        """Gap: no service is connected to, wherever it is said to be: the Security Server alone is."""
        found = json.loads(await body_of(upstream, outgoing("http://169.254.169.254", "/x")))
        assert found["target"] == "/x"

    async def test_nobody_there(self) -> None:  # type: ignore[override]
        """Gap: it is the Security Server that is not there."""
        for port_or_host, kind in (
            ("https://127.0.0.1:1", UpstreamRefused),
            ("https://no.invalid", UpstreamUnreachable),
        ):
            gone = RoadUpstream(port_or_host, OWN)
            with pytest.raises(kind, match="the X-Road Security Server") as caught:
                await gone.send(outgoing(UNUSED, "/"))
            await gone.close()
            assert (caught.value.service, caught.value.stage) == (SERVICE, "connect")

    async def test_a_body_that_breaks_tells_why(self, upstream: Any, base_url: str) -> None:
        """As the contract has it; the connection then waits for the other end's goodbye, which takes a moment."""
        await super().test_a_body_that_breaks_tells_why(upstream, base_url)
        await asyncio.sleep(0.5)

    async def test_answers_are_given_as_they_are(self, upstream: Any, base_url: str) -> None:
        """Gap: a Security Server keeps an answer until it has all of it, so chunks do not come one by one."""
        redirect = await upstream.send(outgoing(base_url, "/redirect"))
        await redirect.close()
        assert redirect.status == 302
        assert (b"location", b"http://169.254.169.254/latest") in redirect.headers
        assert await body_of(upstream, outgoing(base_url, "/error")) == b"no"
        assert await body_of(upstream, outgoing(base_url, "/stream")) == b"0\r\n1\r\n2\r\n"


async def test_what_the_security_server_is_told(upstream: RoadUpstream, server: SecurityServer) -> None:
    """The client and the id that were given, else the block's own and a new one; never what is X-Road's to say."""
    given = (
        (b"x-road-client", OWN.encode()),
        (b"x-road-id", b"case-4711"),
        (b"x-road-service", b"ZZ/GOV/other/one/else"),
        (b"x-road-request-hash", b"forged"),
        (b"x-road-userid", b"EE123"),
        (b"x-road-represented-party", b"GOV/agency"),
        (b"x-road-issue", b"A-1"),
    )
    await body_of(upstream, outgoing(UNUSED, "/x", headers=given))
    await body_of(upstream, outgoing(UNUSED, "/x?a=b"))
    first, second = server.seen
    assert (first.client, first.road_id, first.path) == (OWN, "case-4711", f"/r1/{SERVICE}/x")
    assert {
        (b"x-road-userid", b"EE123"),
        (b"x-road-represented-party", b"GOV/agency"),
        (b"x-road-issue", b"A-1"),
    } <= set(first.headers)
    assert b"x-road-service" not in dict(first.headers)
    assert (second.client, second.path) == (OWN, f"/r1/{SERVICE}/x?a=b")
    assert len(second.road_id) == 36 != second.road_id.startswith("ZZ-"), "the adapter's, not the server's"


async def test_live_data_goes_the_same_way(world: World, server: SecurityServer) -> None:
    """As the block, for whom it asks, from a thread of its own; a refusal is that call's alone."""
    mediator = UpstreamMediator(lambda: RoadUpstream(server.url, OWN, tls=world.tls(world.block)))
    given = {"client": application_id(OWN), "represented": application_id("ZZ/GOV/portals/web")}
    first = call(UNUSED, "/x", **given)
    second = call(UNUSED, "/x", client=application_id("ZZ/GOV/agency/unknown"))
    good, bad = await asyncio.to_thread(mediator.ask, [first, second], seconds=10.0, max_bytes=65_536)
    assert good.status == 200
    assert isinstance(bad.error, UpstreamUnreachable)
    headers = dict(server.seen[0].headers if server.seen[0].client == OWN else server.seen[1].headers)
    assert headers[b"x-road-client"] == OWN.encode()
    assert headers[b"x-road-represented-party"] == b"GOV/portals"
    assert headers[b"x-road-id"] == b"case-1"


@pytest.mark.parametrize("method", ["HEAD", "DELETE", "POST"])
async def test_methods_and_large_bodies(upstream: RoadUpstream, base_url: str, method: str) -> None:
    """A megabyte there and back; HEAD without a body."""
    chunk = bytes(range(256)) * 256
    if method == "POST":
        body = parts(*[chunk] * 16)
        sent = outgoing(base_url, "/back", method, headers=((b"transfer-encoding", b"chunked"),), body=body)
        assert await body_of(upstream, sent) == chunk * 16
        return
    found = await body_of(upstream, outgoing(base_url, "/x", method))
    assert (method == "HEAD") == (found == b"")


CASES = [
    ("Server.ServerProxy.AccessDenied", "Request is not allowed", UpstreamDenied, "send", "the provider's"),
    ("Server.ServerProxy.UnknownService", "Unknown", UpstreamUnreachable, "connect", "the provider's"),
    ("Server.ClientProxy.UnknownMember", "not found", UpstreamUnreachable, "connect", "this block's"),
    ("Server.ServerProxy.ServiceDisabled", "Out of order", UpstreamUnreachable, "connect", "the provider's"),
    ("Server.ServerProxy.ServiceFailed.HttpError", "404", UpstreamBadAnswer, "answer", "the provider's"),
    ("Server.ServerProxy.NetworkError", "10.0.0.1 refused", UpstreamUnreachable, "connect", "the provider's"),
    ("Server.ServerProxy.NetworkError", "Connection timed out", UpstreamTimeout, "connect", "the provider's"),
    ("Server.ServerProxy.IOError", "Read timed out", UpstreamTimeout, "answer", "the provider's"),
    ("Server.ServerProxy.IOError", "broken pipe", UpstreamBadAnswer, "answer", "the provider's"),
    ("Server.ClientProxy.SslAuthenticationFailed", "no", UpstreamRefused, "connect", "this block's"),
    ("Server.ClientProxy.OutdatedGlobalConf", "old", UpstreamBadAnswer, "answer", "this block's"),
    ("Server.ServerProxy.DatabaseError", "db", UpstreamBadAnswer, "answer", "the provider's"),
    ("Client.BadRequest", "bad", UpstreamBadAnswer, "send", "the X-Road"),
    ("Signer.TokenNotActive", "pin", UpstreamBadAnswer, "answer", "the X-Road"),
]


@pytest.mark.parametrize("spelling", ["7", "8"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[1]}")
async def test_errors_of_the_road(
    upstream: RoadUpstream, server: SecurityServer, spelling: str, case: tuple[str, str, type, str, str]
) -> None:
    """Each family has its kind, in both spellings; the code is told, the text is not."""
    code, text, kind, stage, where = case
    server.mischief, server.snake = f"fault:{code}:{text} at 10.1.2.3", spelling == "8"
    with pytest.raises(UpstreamError) as caught:
        await upstream.send(outgoing(UNUSED, "/x"))
    error = caught.value
    assert (type(error), error.service, error.stage) == (kind, SERVICE, stage)
    assert str(error).startswith(where)
    assert error.road_error.replace("_", "").lower() == code.lower()
    assert len(error.road_detail) == 36
    assert "10.1.2.3" not in str(error)


async def test_real_refusals(
    upstream: RoadUpstream, server: SecurityServer, world: World, echo: Echo
) -> None:
    """No right, a service that is off, gone or silent, a client that is unknown: as the stand-in finds them."""
    free = f"http://127.0.0.1:{echo.port}"
    states = [
        (Offer(free, frozenset()), "/x", UpstreamDenied),
        (Offer(free, frozenset({OWN}), disabled=True), "/x", UpstreamUnreachable),
        (Offer("http://127.0.0.1:1", frozenset({OWN})), "/x", UpstreamUnreachable),
        (Offer(free, frozenset({OWN}), timeout_s=0.1), "/slow", UpstreamTimeout),
    ]
    for offer, target, kind in states:
        server.offers[SERVICE] = offer
        with pytest.raises(kind):
            await upstream.send(outgoing(UNUSED, target))
    unknown = RoadUpstream(server.url, "ZZ/GOV/nobody/x", tls=world.tls(world.block))
    with pytest.raises(UpstreamUnreachable, match="UnknownMember"):
        await unknown.send(outgoing(UNUSED, "/x"))
    await unknown.close()


async def test_an_error_in_xml_is_one_too(upstream: RoadUpstream, server: SecurityServer) -> None:
    """A caller that asks for XML gets X-Road's errors in XML: the late one is told apart all the same."""
    server.mischief = "fault:Server.ServerProxy.IOError:Read timed out"
    with pytest.raises(UpstreamTimeout) as caught:
        await upstream.send(outgoing(UNUSED, "/x", headers=((b"accept", b"text/xml"),)))
    assert len(caught.value.road_detail) == 36


@pytest.mark.parametrize("code", ["", "../etc", "a b", "x" * 300, "Server\u00e9"])
def test_a_code_that_is_none(code: str) -> None:
    """It is not repeated."""
    error = told(code, "", SERVICE)
    assert (type(error), error.road_error) == (UpstreamBadAnswer, "")
    assert not code or code not in str(error)


OTHER_HASH = base64.b64encode(b"x" * 32).decode()


@pytest.mark.parametrize(
    ("mischief", "what"),
    [
        ("change:x-road-id=other", "X-Road-Id"),
        ("add:x-road-id=other", "X-Road-Id"),
        ("drop:x-road-id", "X-Road-Id"),
        ("drop:x-road-request-hash", "X-Road-Request-Hash"),
        ("change:x-road-request-hash=no base 64", "X-Road-Request-Hash"),
        (f"change:x-road-request-hash={OTHER_HASH}", "X-Road-Request-Hash"),
        ("drop:x-road-request-id", "X-Road-Request-Id"),
        ("change:x-road-service=zz/gov/office/registry/another", "X-Road-Service"),
        ("change:x-road-client=zz/gov/other/one", "X-Road-Client"),
        ("add:x-road-error=Server.ServerProxy.AccessDenied", "at once"),
    ],
)
async def test_an_answer_to_something_else(
    upstream: RoadUpstream, server: SecurityServer, mischief: str, what: str
) -> None:
    """It is no answer. Nor does a service pass for X-Road by setting its error header."""
    server.mischief = mischief
    with pytest.raises(UpstreamBadAnswer, match=what) as caught:
        await upstream.send(outgoing(UNUSED, "/x"))
    assert caught.value.road_error == ""


async def test_certificates(world: World, server: SecurityServer) -> None:
    """Another one or none, which a Security Server tells in its own words; a server that is a stranger itself."""
    other = Authority(world.block.cert.parent, "stranger")
    cases = [
        (world.tls(world.authority.issue("unlisted")), UpstreamRefused, "SslAuthenticationFailed"),
        (world.tls(None), UpstreamRefused, "SslAuthenticationFailed"),
        (world.tls(world.block, other.cert), UpstreamUnreachable, "no certificate that can be trusted"),
    ]
    for tls, kind, what in cases:
        upstream = RoadUpstream(server.url, OWN, tls=tls)
        with pytest.raises(kind, match=what) as caught:
            await upstream.send(outgoing(UNUSED, "/x"))
        assert caught.value.stage == "connect"
        await upstream.close()


@contextmanager
def picky(world: World) -> Iterator[int]:
    """A server that ends a handshake as TLS libraries do, with an alert; the stand-in's just hangs up."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(world.server.cert, world.server.key)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(world.authority.cert)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            for _ in range(2):  # the client tries twice what changes nothing
                connection, _ = listener.accept()
                tls = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                with pytest.raises(ssl.SSLError):
                    tls.do_handshake()
                with socket.socket(fileno=tls.detach()) as plain:
                    plain.shutdown(socket.SHUT_WR)
                    plain.settimeout(5)
                    with suppress(OSError):
                        while plain.recv(4096):  # or what was said would be lost
                            pass

        thread = threading.Thread(target=accept, name="picky")
        thread.start()
        yield listener.getsockname()[1]
        thread.join(5)
        assert not thread.is_alive()


@pytest.mark.parametrize("what", ["expired", "strange", "none"])
async def test_a_certificate_that_is_not_accepted(world: World, what: str) -> None:
    """An expired one, one of a stranger, none at all: told by an alert, after the handshake in TLS 1.3."""
    made = {
        "expired": lambda: world.authority.issue("expired", expired=True),
        "strange": lambda: Authority(world.block.cert.parent, "stranger").issue("strange"),
        "none": lambda: None,
    }
    with picky(world) as port:
        upstream = RoadUpstream(f"https://127.0.0.1:{port}", OWN, tls=world.tls(made[what]()))
        with pytest.raises(UpstreamRefused, match="did not accept this block's certificate") as caught:
            await upstream.send(outgoing(UNUSED, "/x"))
        await upstream.close()
    assert caught.value.stage == "connect"


async def test_an_old_tls_is_not_spoken(world: World) -> None:
    """Neither way."""
    assert world.tls(world.block).minimum_version is ssl.TLSVersion.TLSv1_2


async def test_a_server_that_breaks_off(upstream: RoadUpstream, server: SecurityServer) -> None:
    """No answer, or one that comes byte for byte: the first is bad, the second goes on for as long as it is read."""
    server.mischief = "hangup"
    with pytest.raises(UpstreamBadAnswer, match="the X-Road Security Server broke off"):
        await upstream.send(outgoing(UNUSED, "/x"))
    server.mischief = "drip"
    answer = await upstream.send(outgoing(UNUSED, "/x"))
    came = answer.chunks()
    first = [await anext(came) for _ in range(3)]
    await answer.close()
    assert [len(one) for one in first] == [1, 1, 1]
