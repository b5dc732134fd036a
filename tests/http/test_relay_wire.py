"""A real server in front, a raw socket to it: what a client library would never send."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from echo import Echo, echoing
from http_support import eventually
from test_server import running

from jibu.adapters.auth.local import LocalIssuer

PORTAL = "ZZ/GOV/agency/portal"
R1 = "/r1/ZZ/GOV/office/registry/echo"


@pytest.fixture(scope="module")
def echo() -> Iterator[Echo]:
    """Return a service."""
    with echoing() as found:
        yield found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, echo: Echo) -> Iterator[tuple[httpx.Client, str]]:
    """Return an administrator's client of a running server that mediates, and the portal's token."""
    folder: Path = tmp_path_factory.mktemp("relay")
    with running(folder, app="jibu.http.app:factory") as (_process, client):
        members = "/mediator/v1/members/ZZ/GOV"
        service = f"{members}/office/applications/registry/services/echo"
        body = {
            "baseUrl": f"http://127.0.0.1:{echo.port}",
            "endpoints": [{"method": "*", "path": "/**"}],
            "allowPrivateHost": True,
            "timeoutSeconds": 5,
        }
        for path, content in (
            (f"{members}/office", {"name": "Office"}),
            (f"{members}/office/applications/registry", {"name": "Registry"}),
            (f"{members}/agency", {"name": "Agency"}),
            (f"{members}/agency/applications/portal", {"name": "Portal"}),
            (service, body),
            (f"{service}/rights/{PORTAL}", {}),
        ):
            client.put(path, json=content).raise_for_status()
        issuer = LocalIssuer(folder, profile="dev", audience="jibu")
        yield client, issuer.issue(PORTAL, ["mediator.client"])


def exchange(
    served: tuple[httpx.Client, str], head: str, body: bytes = b"", *, target: str = f"{R1}/x"
) -> bytes:
    """Send bytes; return all that comes back until the server closes, or nothing more comes."""
    client, token = served
    url = client.base_url
    text = (
        f"POST {target} HTTP/1.1\r\nHost: {url.host}\r\nAuthorization: Bearer {token}\r\n"
        f"X-GovStack-Client: {PORTAL}\r\nConnection: close\r\n{head}\r\n"
    )
    with socket.create_connection((url.host, url.port or 80), timeout=3) as wire:
        wire.sendall(text.encode("latin-1") + body)
        found = b""
        with suppress(TimeoutError, ConnectionResetError):
            while part := wire.recv(65536):
                found += part
    return found


SMUGGLED = b"GET /admin HTTP/1.1\r\nHost: inside\r\n\r\n"
TRICKS = {
    "length and chunks": ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + SMUGGLED),
    "chunks and length": ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n" + SMUGGLED),
    "two lengths": ("Content-Length: 5\r\nContent-Length: 50\r\n", b"hello" + SMUGGLED),
    "a list of lengths": ("Content-Length: 5, 50\r\n", b"hello" + SMUGGLED),
    "a signed length": ("Content-Length: +5\r\n", b"hello" + SMUGGLED),
    "a negative length": ("Content-Length: -1\r\n", SMUGGLED),
    "another coding": ("Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"),
    "an unknown coding": ("Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n" + SMUGGLED),
    "two codings": ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", b"0\r\n\r\n" + SMUGGLED),
    "a blank before the colon": ("Transfer-Encoding : chunked\r\n", b"0\r\n\r\n" + SMUGGLED),
    "a folded header": ("X-A: b\r\n Transfer-Encoding: chunked\r\n", b""),
    "a bad size of a chunk": ("Transfer-Encoding: chunked\r\n", b"zz\r\nhello\r\n0\r\n\r\n"),
    "a bare line feed": ("X-A: b\nX-Injected: c\r\nContent-Length: 0\r\n", b""),
    "trailers": (
        "Transfer-Encoding: chunked\r\n",
        b"5\r\nhello\r\n0\r\nX-Road-UserId: smuggled\r\nX-Injected: smuggled\r\n\r\n",
    ),
    "two hosts": ("Host: inside\r\nContent-Length: 0\r\n", b""),
    "a long head": ("X-A: " + "x" * 200_000 + "\r\nContent-Length: 0\r\n", b""),
    "a null": ("X-A: b\x00c\r\nContent-Length: 0\r\n", b""),
}


@pytest.mark.parametrize("name", TRICKS)
def test_nothing_is_smuggled(served: tuple[httpx.Client, str], echo: Echo, name: str) -> None:
    """The service sees one whole request as the mediator understood it, or none; never a second one."""
    echo.seen.clear()
    head, body = TRICKS[name]
    answer = exchange(served, head, body)
    assert not any(seen.startswith(b"GET /admin") for seen, _ in echo.seen)
    for seen, received in echo.seen:
        assert seen.startswith(b"POST /x HTTP/1.1\r\n")
        assert b"x-injected" not in seen.lower() or b"\nx-injected: c\r\n" in seen.lower()
        assert seen.lower().count(b"content-length:") + seen.lower().count(b"transfer-encoding:") == 1
        assert received in {b"", b"hello"}
        assert b"smuggled" not in seen
    assert answer.startswith(b"HTTP/1.1 ")
    assert len(echo.seen) <= 1
    assert (answer[9:12], len(echo.seen)) == ((b"200", 1) if name == "trailers" else (b"400", 0))


@pytest.mark.parametrize(
    "target",
    [
        f"{R1}/../../x",
        f"{R1}/%2e%2e/x",
        f"{R1}/a%0d%0aX-Injected:1",
        f"{R1}//x",
        f"http://elsewhere.example{R1}/../x",
    ],
)
def test_targets_with_two_meanings(served: tuple[httpx.Client, str], echo: Echo, target: str) -> None:
    """400 from a real server too, and the service is not called."""
    echo.seen.clear()
    answer = exchange(served, "Content-Length: 0\r\n", target=target)
    assert answer.split(b"\r\n")[0].split(b" ")[1] in {b"400", b"404"}
    assert echo.seen == []


def test_a_cut_answer_can_be_told(served: tuple[httpx.Client, str]) -> None:
    """The connection ends before the declared length; a chunked one ends without its last chunk."""
    client, _token = served
    assert client.get("/health/live").status_code == 200
    short = exchange(served, "Content-Length: 0\r\n", target=f"{R1}/short")
    assert b"content-length: 100" in short.lower()
    assert short.endswith(b"short")


def test_a_caller_that_leaves_frees_the_service(served: tuple[httpx.Client, str]) -> None:
    """The exchange is in the log as left, long before the service would have answered."""
    client, token = served
    url = client.base_url
    text = (
        f"GET {R1}/slow HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        f"X-GovStack-Client: {PORTAL}\r\nX-Road-Id: leaver\r\n\r\n"
    )
    with socket.create_connection((url.host, url.port or 80), timeout=10) as wire:
        wire.sendall(text.encode())
        wire.settimeout(0.3)
        with pytest.raises(TimeoutError):
            wire.recv(1)
    found: list[dict[str, Any]] = []

    def logged() -> bool:
        found[:] = client.get("/mediator/v1/messages", params={"requestId": "leaver"}).json()["items"]
        return bool(found)

    assert eventually(logged)
    assert [(one["outcome"], one["status"]) for one in found] == [("client-left", 0)]
    assert found[0]["durationMs"] < 4000
