"""A stand-in for two X-Road Security Servers, the consumer's and the provider's, in one, on a loopback address.

Written from the published protocol (X-Road Message Protocol for REST, version 1) and stricter than a real one: what the
protocol advises against is refused. It signs nothing and has no global configuration; what it knows is in its tables.
Like a real one it takes a whole answer before it passes any of it on.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import aiohttp
from aiohttp import web
from tests.services.certificates import Pair
from yarl import URL

VERBS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
WITH_BODY = frozenset({"PATCH", "POST", "PUT"})
SKIPPED = frozenset(
    b"transfer-encoding keep-alive proxy-authenticate proxy-authorization te trailer upgrade connection user-agent "
    b"host content-length server expect".split()
)
HTTP_SAYS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
ITS_OWN = frozenset(b"x-road-id x-road-client x-road-request-id x-road-request-hash".split())
PART = re.compile(r"(?:[A-Za-z0-9'()+,.=?_~-]|%[0-9A-Fa-f]{2})+")
Headers = list[tuple[bytes, bytes]]


class Fault(Exception):
    """An error of X-Road: its code as X-Road 7 spells it, and its text."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass
class Offer:
    """A registered REST service: where it is, who may call it, and for how long it may think."""

    url: str
    clients: frozenset[str]
    timeout_s: float = 10.0
    disabled: bool = False


@dataclass(frozen=True)
class Call:
    """A request as it came, and what it asks for."""

    method: str
    path: str
    headers: Headers
    body: bytes
    client: str
    service: str
    rest: str
    road_id: str
    request_id: str

    def hash(self) -> str:
        """Return X-Road-Request-Hash: SHA-512 of the sums of the head and of the body, in base 64."""
        head = [f"{self.method}\r\n{self.path}\r\n".encode()]
        head += [name + b":" + value + b"\r\n" for name, value in self.headers]
        summed = hashlib.sha512(b"".join(head)).digest()
        if self.body:
            summed = hashlib.sha512(summed + hashlib.sha512(self.body).digest()).digest()
        return base64.b64encode(summed).decode()


@dataclass
class SecurityServer:
    """``clients``: the subsystems that are registered here with the certificates (DER) of their information systems.

    ``own`` is its internal TLS certificate. ``mischief`` makes it misbehave: see ``_spoilt``. ``snake``: codes as
    X-Road 8 spells them.
    """

    own: Pair
    trusts: Path
    clients: dict[str, frozenset[bytes]]
    offers: dict[str, Offer]
    providers: Path | None = None
    mischief: str = ""
    snake: bool = False
    port: int = 0
    seen: list[Call] = field(default_factory=list)
    http: aiohttp.ClientSession = field(init=False)

    @property
    def url(self) -> str:
        """Where information systems find it."""
        return f"https://127.0.0.1:{self.port}"

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Take one request of an information system."""
        try:
            call = await self._read(request)
            self.seen.append(call)
            if self.mischief.startswith("fault:"):
                self._fail(*self.mischief.split(":", 2)[1:])
            self._check(request, call)
            status, headers, body = await self._serve(call)
        except Fault as fault:
            return self._refusal(fault, request.headers.get("Accept", ""))
        return await self._spoilt(request, call, (status, headers, body))

    def _fail(self, code: str, text: str) -> None:
        raise Fault(code, text)

    async def _read(self, request: web.BaseRequest) -> Call:
        path = request.raw_path
        parts = path.partition("?")[0].split("/", 7)
        if len(parts) < 7 or parts[1] != "r1" or request.method not in VERBS:
            raise Fault("Client.BadRequest", "Error parsing the request")
        if not all(map(PART.fullmatch, parts[2:7])):
            raise Fault("Client.BadRequest", "Invalid character in path segment")
        given = [(name.lower(), value) for name, value in request.raw_headers]
        named = {name: [value for key, value in given if key == name] for name, _ in given}
        if len(named.get(b"x-road-client", [])) != 1 or len(named.get(b"x-road-id", [b""])) != 1:
            raise Fault("Client.BadRequest", "Missing or repeated header")
        if {b"x-road-request-hash", b"x-road-request-id", b"x-road-error", b"x-road-service"} & set(named):
            raise Fault("Client.BadRequest", "A header that only a Security Server sets")
        client = named[b"x-road-client"][0].decode()
        if len(client.split("/")) not in {3, 4} or not all(map(PART.fullmatch, client.split("/"))):
            raise Fault("Client.BadRequest", "Invalid Client Id")
        road_id = named.get(b"x-road-id", [f"ZZ-{uuid4()}".encode()])[0].decode()
        request_id = str(uuid4())
        kept = [one for one in given if one[0] not in SKIPPED and one[0] != b"x-road-id"]
        kept += [(b"x-road-id", road_id.encode()), (b"x-road-request-id", request_id.encode())]
        body = await request.content.read()
        rest = path.removeprefix("/".join(parts[:7]))
        return Call(request.method, path, kept, body, client, "/".join(parts[2:7]), rest, road_id, request_id)

    def _check(self, request: web.BaseRequest, call: Call) -> None:
        """Raise a fault as the consumer's Security Server, then as the provider's."""
        wanted = self.clients.get(call.client)
        if wanted is None:
            raise Fault("Server.ClientProxy.UnknownMember", f"Client '{call.client}' not found")
        shown = request.transport and request.transport.get_extra_info("ssl_object")
        if shown is None or shown.getpeercert(binary_form=True) not in wanted:
            raise Fault("Server.ClientProxy.SslAuthenticationFailed", "TLS certificate does not match any")
        providers = {name.rpartition("/")[0] for name in self.offers}
        if call.service.rpartition("/")[0] not in providers:
            raise Fault("Server.ClientProxy.UnknownMember", "Could not find addresses for service provider")
        offer = self.offers.get(call.service)
        if offer is None:
            raise Fault("Server.ServerProxy.UnknownService", f"Unknown service: {call.service}")
        if call.client not in offer.clients:
            raise Fault("Server.ServerProxy.AccessDenied", f"Request is not allowed: {call.service}")
        if offer.disabled:
            raise Fault(
                "Server.ServerProxy.ServiceDisabled", f"Service {call.service} is disabled: Out of order"
            )

    async def _serve(self, call: Call) -> tuple[int, Headers, bytes]:
        """Call the provider as its Security Server does; return the answer with X-Road's headers."""
        offer = self.offers[call.service]
        context = ssl.create_default_context(cafile=self.providers) if self.providers else None
        if context is not None:
            context.check_hostname = False  # the certificate itself is known
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            context.load_cert_chain(self.own.cert, self.own.key)
        try:
            async with self.http.request(
                call.method,
                URL(offer.url.rstrip("/") + call.rest, encoded=True),
                headers=[(name.decode(), value.decode()) for name, value in call.headers],
                data=io.BytesIO(call.body) if call.method in WITH_BODY and call.body else None,
                allow_redirects=False,
                ssl=context or True,
                timeout=aiohttp.ClientTimeout(sock_connect=5, sock_read=offer.timeout_s),
            ) as answer:
                body = await answer.read()
                status, raw = answer.status, answer.raw_headers
        except TimeoutError as error:
            raise Fault("Server.ServerProxy.IOError", "Read timed out") from error
        except aiohttp.ClientSSLError as error:
            raise Fault(
                "Server.ServerProxy.SslAuthenticationFailed", "Server certificate is not trusted"
            ) from error
        except aiohttp.ClientConnectorError as error:
            raise Fault(
                "Server.ServerProxy.NetworkError", f"Connect to {offer.url} failed: {error}"
            ) from error
        except aiohttp.ClientError as error:
            raise Fault("Server.ServerProxy.IOError", f"{offer.url} failed to respond") from error
        kept = [(name, value) for name, value in raw if name.lower() not in SKIPPED | ITS_OWN]
        return status, kept + _proof(call), body

    def _refusal(self, fault: Fault, accept: str) -> web.Response:
        code = fault.code
        if self.snake:
            code = ".".join(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", part).lower() for part in code.split("."))
            code = code.replace("server_proxy", "serverproxy").replace("client_proxy", "clientproxy")
        status = 500 if code.lower().startswith("server.") else 400
        said = {"type": code, "message": str(fault), "detail": str(uuid4())}
        headers = {"X-Road-Error": code}
        if "xml" in accept:
            text = "".join(f"<{name}>{value}</{name}>" for name, value in said.items())
            return web.Response(
                status=status, text=f"<error>{text}</error>", content_type="text/xml", headers=headers
            )
        return web.Response(
            status=status, text=json.dumps(said), content_type="application/json", headers=headers
        )

    async def _spoilt(
        self, request: web.BaseRequest, call: Call, answer: tuple[int, Headers, bytes]
    ) -> web.StreamResponse:
        """Answer as the mischief says.

        ``change:NAME=VALUE``: another header; ``add:``: one more; ``drop:NAME``: none; ``drip``: byte for byte;
        ``hangup``: not at all.
        """
        status, headers, body = answer
        verb, _, rest = self.mischief.partition(":")
        name, _, value = rest.lower().partition("=")
        if verb in {"change", "drop"}:
            headers = [one for one in headers if one[0].lower() != name.encode()]
        if verb in {"change", "add"}:
            headers.append((name.encode(), value.encode()))
        if verb == "hangup" and request.transport is not None:
            request.transport.abort()
        response = web.StreamResponse(status=status)
        for key, given in headers:
            response.headers.add(key.decode(), given.decode("utf-8", "surrogateescape"))
        if call.method != "HEAD" and status not in {204, 304}:
            response.content_length = len(body)
        await response.prepare(request)
        if verb == "drip":
            for byte in body:
                await response.write(bytes([byte]))
                await asyncio.sleep(0.1)
        elif call.method != "HEAD" and body:
            await response.write(body)
        return response


def _proof(call: Call) -> Headers:
    said = {
        "X-Road-Id": call.road_id,
        "X-Road-Client": call.client,
        "X-Road-Service": call.service,
        "X-Road-Request-Id": call.request_id,
        "X-Road-Request-Hash": call.hash(),
    }
    return [(name.encode(), value.encode()) for name, value in said.items()]


@contextmanager
def running(server: SecurityServer) -> Iterator[SecurityServer]:
    """Run a stand-in in a thread of its own, on a free port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(server.own.cert, server.own.key)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(server.trusts)
    loop = asyncio.new_event_loop()
    ready, stop = threading.Event(), asyncio.Event()

    async def main() -> None:
        connector = aiohttp.TCPConnector(force_close=True)
        server.http = aiohttp.ClientSession(
            connector=connector, auto_decompress=False, skip_auto_headers=HTTP_SAYS
        )
        web_server = web.Server(server.handle)
        runner = web.ServerRunner(web_server, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        server.port = runner.addresses[0][1]
        ready.set()
        await stop.wait()
        for connection in list(web_server.connections):
            if connection.transport is not None:
                connection.transport.abort()  # a polite end would wait for the other end's
        await runner.cleanup()
        await server.http.close()
        under_way = asyncio.all_tasks() - {asyncio.current_task()}
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        await asyncio.sleep(0.05)  # connections end in the loop's next turns

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),), name="security server")
    thread.start()
    try:
        assert ready.wait(5)
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
