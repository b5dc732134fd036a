"""Posting to other systems: where it may go, and what goes wrong on the way."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from jibu.adapters.outbound.addresses import allowed_addresses
from jibu.adapters.outbound.push import HttpPusher
from jibu.domain.errors import Forbidden, Misconfigured, Unavailable

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.services.subscriber import subscriber

JSON = (("Content-Type", "application/json"),)


@pytest.fixture
def inside() -> Iterator[HttpPusher]:
    """A pusher that may call this machine."""
    pusher = HttpPusher(allow_private=True, timeout_s=0.5)
    yield pusher
    pusher.close()


@contextmanager
def talking(answer: bytes) -> Iterator[str]:
    """Run a server that says ``answer`` to whoever connects, and then nothing."""
    listener = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def serve() -> None:
        with listener:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.sendall(answer)
            held.append(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/x"
    finally:
        thread.join(5)
        for connection in held:
            connection.close()


@contextmanager
def dripping(start: bytes, drip: bytes, end: bytes) -> Iterator[str]:
    """Run a server that says ``drip`` every tenth of a second, for twice the time that a push may take."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener, listener.accept()[0] as connection, suppress(OSError):
            connection.sendall(start)
            for _ in range(10):
                time.sleep(0.1)
                connection.sendall(drip)
            connection.sendall(end)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/x"
    finally:
        thread.join(5)


def test_what_is_sent_arrives(inside: HttpPusher) -> None:
    """Body, headers and the name of the host; the status comes back."""
    with subscriber() as got:
        got.answer = lambda n: (204, 418)[n]
        assert [inside.push(got.url, b'{"a": 1}', JSON) for _ in range(2)] == [204, 418]
        headers, body = got.requests[0]
    assert body == b'{"a": 1}'
    assert headers["Content-Type"] == "application/json"
    assert headers["Host"] in got.url


def test_a_redirect_is_an_answer_and_not_followed(inside: HttpPusher) -> None:
    """Whoever answers cannot send us elsewhere."""
    with subscriber() as other, subscriber() as got:
        got.answer, got.location = (lambda _: 307), other.url
        assert inside.push(got.url, b"{}", JSON) == 307
        assert other.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x",
        "http://localhost/x",
        "https://[::1]/x",
        "http://[::ffff:127.0.0.1]/x",
        "http://10.0.0.8/x",
        "http://192.168.1.1/x",
        "http://169.254.169.254/latest/meta-data",
        "http://0.0.0.0/x",
        "http://2130706433/x",
        "http://0177.0.0.1/x",
        "http://[fd00::1]/x",
        "http://[64:ff9b::7f00:1]/x",
        "http://224.0.0.1/x",
    ],
)
def test_private_addresses_are_refused(url: str) -> None:
    """However they are written, without a packet sent."""
    pusher = HttpPusher(timeout_s=0.5)
    with pytest.raises(Forbidden):
        pusher.push(url, b"{}", JSON)
    pusher.close()


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/x",
        "file:///etc/passwd",
        "gopher://x/",
        "x",
        "",
        "http://",
        "https://ä.org/",
        "http://x/é",
    ],
)
def test_other_schemes_are_refused(inside: HttpPusher, url: str) -> None:
    """Only http and https."""
    with pytest.raises((Forbidden, Unavailable)):
        inside.push(url, b"{}", JSON)


@pytest.mark.parametrize("header", [("X-A", "1\r\nX-B: 2"), ("X\nA", "1"), ("X-A", "1\0")])
def test_headers_cannot_be_split(inside: HttpPusher, header: tuple[str, str]) -> None:
    """Nothing is sent."""
    with subscriber() as got, pytest.raises(Forbidden):
        inside.push(got.url, b"{}", [header])
    assert got.requests == []


def test_nobody_there_is_unavailable(inside: HttpPusher) -> None:
    """A closed port, an unknown name."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Unavailable):
        inside.push(f"http://127.0.0.1:{port}/", b"{}", JSON)
    with pytest.raises(Unavailable):
        inside.push("http://no-such-host.invalid/", b"{}", JSON)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 20", b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 200 OK\r\nX"])
def test_nonsense_and_silence_are_unavailable(inside: HttpPusher, answer: bytes) -> None:
    """After a bounded time."""
    with talking(answer) as url, pytest.raises(Unavailable):
        inside.push(url, b"{}", JSON)


@pytest.mark.parametrize("drip", [b"X-A: 1\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_who_drips_bytes_gains_no_time(inside: HttpPusher, drip: bytes) -> None:
    """An answer that never pauses for long, but is whole only after the time for a push, came too late."""
    start = b"HTTP/1.1 200 OK\r\n" if drip.startswith(b"X") else b""
    end = b"Content-Length: 0\r\n\r\n" if start else b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    with dripping(start, drip, end) as url, pytest.raises(Unavailable):
        inside.push(url, b"{}", JSON)


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "224.0.0.1", "::", "::127.0.0.1"])
def test_some_addresses_are_refused_in_closed_networks_too(address: str) -> None:
    """Allowing private networks is not allowing these."""
    with pytest.raises(Forbidden):
        allowed_addresses(address, 80, allow_private=True)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses(address: str) -> None:
    """These may be called."""
    assert allowed_addresses(address, 443, allow_private=False) == [address]


def test_a_name_that_changes_its_mind_gains_nothing(
    inside: HttpPusher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each connection asks once and goes where that answer was checked to lead; the next one asks again."""
    asked: list[str] = []
    answers = [["127.0.0.1"], ["169.254.169.254"], ["127.0.0.1", "fe80::1"], []]

    real = socket.getaddrinfo

    def resolver(host: str, port: int, *rest: int, **more: int) -> list[tuple[object, ...]]:
        if host == "127.0.0.1":  # the socket library asks what kind of address that is
            return list(real(host, port, *rest, **more))
        asked.append(host)
        return [(None, None, None, "", (one, port)) for one in answers[len(asked) - 1]]

    with subscriber() as got:
        url = got.url.replace("127.0.0.1", "hooks.example.org")
        monkeypatch.setattr(socket, "getaddrinfo", resolver)
        assert inside.push(url, b"{}", (*JSON, ("Connection", "close"))) == 204
        for error in (Forbidden, Forbidden, Unavailable):
            with pytest.raises(error):
                inside.push(url, b"{}", JSON)
        monkeypatch.undo()
    assert (len(got.requests), asked) == (1, ["hooks.example.org"] * 4)


def test_a_missing_file_of_authorities_is_told() -> None:
    """At start, not at the first push."""
    with pytest.raises(Misconfigured, match=r"nowhere\.pem"):
        HttpPusher(ca_file=Path("nowhere.pem"))
