"""What comes over a connection before it is a request: raw sockets to a real server with short times."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import anyio
import pytest
import uvicorn
from starlette.types import Message, Receive, Scope, Send

from jibu.http.errors import BadRequest
from jibu.http.middleware import BodyLimit
from jibu.http.wire import LINGER_BYTES, MAX_HEAD_BYTES, MAX_QUEUED, GuardedProtocol

HEAD = b"Host: x\r\n"
BIG = 40_000_000


class Hasty(GuardedProtocol):
    """The same, with less patience."""

    head_s, linger_s = 0.5, 0.3


@dataclass
class Block:
    """A small app: it tells what it saw. ``/early`` answers before the body, ``/slow`` late, ``/big`` much."""

    port: int = 0
    seen: list[tuple[str, list[bytes], bytes]] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        path, body, more = scope["path"], b"", scope["path"] != "/early"
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
            if message["type"] == "http.disconnect":
                self.left.set()
                return
        self.seen.append((path, [name for name, _ in scope["headers"]], body))
        if path == "/slow":
            await anyio.sleep(0.3)
        said = b"x" * BIG if path == "/big" else b"ok"
        headers = [(b"content-length", str(len(said)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": said})


@pytest.fixture(scope="module")
def served() -> Iterator[Block]:
    """Serve the app in a thread."""
    block = Block()
    config = uvicorn.Config(
        block,
        http=Hasty,
        port=0,
        host="127.0.0.1",
        lifespan="off",
        log_config=None,
        ws="none",
        access_log=False,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="wire")
    thread.start()
    while not server.started:
        time.sleep(0.01)
    block.port = server.servers[0].sockets[0].getsockname()[1]
    yield block
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def block(served: Block) -> Block:
    """Return the app, with nothing seen."""
    served.seen.clear()
    served.left.clear()
    return served


def say(block: Block, *parts: bytes, pause: float = 0.05, patience: float = 5.0) -> tuple[bytes, bool]:
    """Send parts; return all that came back, and whether the server closed the connection."""
    found = b""
    with socket.create_connection(("127.0.0.1", block.port), timeout=patience) as wire:
        try:
            for part in parts:
                wire.sendall(part)
                time.sleep(pause if len(parts) > 1 else 0)
            while piece := wire.recv(65536):
                found += piece
        except TimeoutError:
            return found, False
        except OSError:
            pass
    return found, True


def statuses(answer: bytes) -> list[int]:
    """Return the status of every answer."""
    return [int(one) for one in re.findall(rb"HTTP/1\.1 (\d{3})", answer)]


LONG = [
    ("a header", b"GET / HTTP/1.1\r\nX-A: " + b"x" * (2 * MAX_HEAD_BYTES)),
    ("headers", b"GET / HTTP/1.1\r\n" + b"X-A: b\r\n" * 20_000),
    ("an address", b"GET /" + b"x" * (2 * MAX_HEAD_BYTES)),
    ("a name", b"GET / HTTP/1.1\r\n" + b"x" * (2 * MAX_HEAD_BYTES)),
    ("empty lines", b"\r\n" * MAX_HEAD_BYTES),
]


@pytest.mark.parametrize("sent", [one for _, one in LONG], ids=[name for name, _ in LONG])
def test_heads_without_an_end_are_refused(block: Block, sent: bytes) -> None:
    """With a problem, long before they fill memory; the app never hears of it."""
    answer, closed = say(block, sent)
    assert (statuses(answer), closed, block.seen) == ([400], True, [])
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["type"] == "urn:problem-type:jibu:bad-request"


CHUNKED = b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
PADDED = [
    ("a size", b"0" * 4 * MAX_HEAD_BYTES),
    ("an extension", b"5;a=" + b"x" * 4 * MAX_HEAD_BYTES),
    ("extensions", (b"1;" + b"x" * 5000 + b"\r\nh\r\n") * 100),
    ("trailers", b"5\r\nhello\r\n0\r\n" + b"X-A: b\r\n" * 40_000),
]


@pytest.mark.parametrize("sent", [one for _, one in PADDED], ids=[name for name, _ in PADDED])
def test_chunks_that_are_no_body(block: Block, sent: bytes) -> None:
    """What stands around a body in chunks is bounded by the body; the app is told that the caller is gone."""
    answer, closed = say(block, CHUNKED + sent)
    assert (statuses(answer), closed, block.seen) == ([400], True, [])
    assert block.left.wait(5)


def test_small_chunks_are_a_body(block: Block) -> None:
    """One byte in each, with a short extension, is allowed."""
    answer, _ = say(block, CHUNKED + b"1;a\r\nh\r\n" * 60_000 + b"0\r\n\r\n", patience=1)
    assert statuses(answer) == [200]
    assert block.seen[0][2] == b"h" * 60_000


def test_trailers_are_no_headers(block: Block) -> None:
    """Nothing that comes behind a body speaks for the caller, whether it comes with it or later."""
    for pause in (0.0, 0.2):
        body = b"5\r\nhello\r\n0\r\n", b"Authorization: Bearer x\r\nX-Road-UserId: admin\r\n\r\n"
        say(
            block,
            CHUNKED + body[0] + (b"" if pause else body[1]),
            *body[1:] * bool(pause),
            pause=pause,
            patience=0.3,
        )
    assert [names for _, names, _ in block.seen] == [[b"host", b"transfer-encoding"]] * 2


REFUSED = {
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    "a host that is none": b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "a host with a user": b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
    "a fragment": b"GET /x#/../y HTTP/1.1\r\nHost: x\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/2.0": b"GET / HTTP/2.0\r\nHost: x\r\n\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "chunks in HTTP/1.0": b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "identity, then chunked": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "identity, chunked": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
    "chunked, identity": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "identity and a length": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\nContent-Length: 0\r\n\r\n",
    "a parameter": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
    "in quotes": b'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "a vertical tab": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a folded coding": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "a length and chunks": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a length twice": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
    "a length over 64 bits": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551616\r\n\r\n",
    "a hexadecimal length": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x5\r\n\r\nhello",
    "a control character": b"GET / HTTP/1.1\r\nHost: x\r\nX-\x01A: b\r\n\r\n",
    "a name that is not ASCII": "GET / HTTP/1.1\r\nHost: x\r\nX-é: b\r\n\r\n".encode(),
    "a bare carriage return": b"GET / HTTP/1.1\r\nHost: x\r\nX-A: b\rX-B: c\r\n\r\n",
    "a chunk that ends elsewhere": CHUNKED + b"5\r\nhelloX\r\n0\r\n\r\n",
    "a bare line feed after a size": CHUNKED + b"5\nhello\r\n0\r\n\r\n",
    "a bare line feed in an extension": CHUNKED + b"5;a\nhello\r\n0\r\n\r\n",
    "a signed size": CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n",
    "a size over 64 bits": CHUNKED + b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("name", REFUSED)
def test_requests_that_could_be_two_are_none(block: Block, name: str) -> None:
    """400 and the connection is closed: whatever follows on it is not read as a request."""
    answer, closed = say(block, REFUSED[name] + b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (statuses(answer), closed, block.seen) == ([400], True, [])


def test_a_body_that_was_not_waited_for_is_no_request(block: Block) -> None:
    """The answer arrives, the connection ends, and what was in the body is never taken for another request."""
    request = b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n"
    head = b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
    answer, closed = say(block, head, request * 3, request)
    assert (statuses(answer), closed) == ([200], True)
    assert [path for path, _, _ in block.seen] == ["/early"]


@pytest.mark.parametrize("more", [b"", b"Connection: close\r\n"])
def test_an_early_answer_arrives(block: Block, more: bytes) -> None:
    """Also where the caller sends on and reads late, and where the connection was to be closed anyway."""
    size = LINGER_BYTES // 2
    head = b"POST /early HTTP/1.1\r\nHost: x\r\n" + more + b"Content-Length: %d\r\n\r\n" % size
    answer, closed = say(block, head, *[b"x" * (size // 10)] * 9, pause=0.02)
    assert (statuses(answer), closed, answer[-2:]) == ([200], True, b"ok")


def test_a_body_whose_answer_is_out_is_not_read_for_ever(block: Block) -> None:
    """Some of it is thrown away, so that the caller sees the answer; then the connection is cut."""
    sent, started = 0, time.monotonic()
    with socket.create_connection(("127.0.0.1", block.port), timeout=5) as wire:
        wire.sendall(b"POST /early HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert wire.recv(65536).startswith(b"HTTP/1.1 200")
        with suppress(OSError):
            while time.monotonic() - started < 20:
                sent += wire.send(b"1000\r\n" + b"x" * 4096 + b"\r\n")
    assert time.monotonic() - started < 20
    assert sent < 20 * LINGER_BYTES, "what the sockets' buffers take comes on top"


def _drip(wire: socket.socket) -> None:
    for _ in range(200):
        wire.sendall(b"x")
        time.sleep(0.05)


def test_who_drips_such_a_body_is_cut_off(block: Block) -> None:
    """A few bytes at a time never reach the bound of what is thrown away; the time ends it."""
    with socket.create_connection(("127.0.0.1", block.port), timeout=5) as wire:
        wire.sendall(b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n")
        assert wire.recv(65536).startswith(b"HTTP/1.1 200")
        with pytest.raises(OSError, match=r"reset|pipe"):
            _drip(wire)


@pytest.mark.parametrize(
    "said", [b"", b"GET / HTTP/1.1\r\nX-A:", b"GET / HTTP/1.1\r\nHost: x\r\n\r\nG", b"\r\n"]
)
def test_who_takes_long_for_a_head_is_cut_off(block: Block, said: bytes) -> None:
    """A connection on which nothing comes, half a head, or one byte after an answer."""
    answer, closed = say(block, said)
    assert closed
    assert statuses(answer) == ([200] if said.endswith(b"G") else [])


def test_who_drips_a_head_gains_no_time(block: Block) -> None:
    """A header every tenth of a second: the time counts from the connection."""
    answer, closed = say(block, b"GET / HTTP/1.1\r\n", *[b"X-A: b\r\n"] * 20, pause=0.1)
    assert (answer, closed, block.seen) == (b"", True, [])


def test_who_does_not_take_an_answer_is_cut_off(block: Block) -> None:
    """A complete answer waits for a caller that reads nothing only so long."""
    with socket.create_connection(("127.0.0.1", block.port), timeout=10) as wire:
        wire.sendall(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(2)
        found = 0
        with suppress(OSError):
            while piece := wire.recv(1 << 20):
                found += len(piece)
    assert 0 < found < BIG


def test_only_so_many_requests_wait_on_a_connection(block: Block) -> None:
    """Those up to the bound are answered in order, the rest is not read and the connection closed."""
    request = b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n"
    sent = b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n" + b"".join(request % n for n in range(5000))
    answer, closed = say(block, sent)
    assert closed
    assert [path for path, _, _ in block.seen] == ["/slow", *(f"/{n}" for n in range(MAX_QUEUED))]
    assert statuses(answer) == [200] * (MAX_QUEUED + 1)


def test_nonsense_after_a_request_does_not_disturb_its_answer(block: Block) -> None:
    """The answer is whole, and the last on the connection."""
    answer, closed = say(block, b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01")
    assert (statuses(answer), closed) == ([200], True)
    assert answer.endswith(b"ok")


def test_a_connection_is_kept_for_the_next_request(block: Block) -> None:
    """Bounds are of a request, not of a connection."""
    request = b"GET /x HTTP/1.1\r\nHost: x\r\nX-A: " + b"x" * 20_000 + b"\r\n\r\n"
    answer, closed = say(block, *[request] * 6, pause=0.15)
    assert (statuses(answer), closed) == ([200] * 6, True)


@pytest.mark.anyio
@pytest.mark.parametrize("drip", [True, False])
async def test_a_body_that_stops_or_drips_is_given_up(*, drip: bool) -> None:
    """The time that is waited for a body is bounded, however often a byte comes."""
    got: list[Message] = []

    async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
        while True:
            got.append(await receive())

    async def receive() -> Message:
        await anyio.sleep(0.02 if drip else 60)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def send(_message: Message) -> None:
        raise AssertionError

    limit = BodyLimit(app, max_body=1000, max_upload=1000, max_relayed=1000, mute_s=0.2)
    with anyio.fail_after(10), pytest.raises(BadRequest, match="too slowly"):
        await limit({"type": "http", "path": "/x", "headers": []}, receive, send)
    assert len(got) <= 10
