"""Bounded work: a fair queue, honest refusals, and slots that always come back."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import anyio
import pytest
from http_support import TestServices, app_of, client_of, eventually, make_services

from jibu.domain.errors import Overloaded, Unavailable
from jibu.http.gate import Gate
from jibu.http.metrics import Metrics

pytestmark = pytest.mark.anyio
QUERY = "/rag/v1/query"
STREAM = {"Accept": "text/event-stream"}


def gate(*, running: int = 1, waiting: int = 1, timeout_s: float = 5.0) -> Gate:
    """Return a small gate."""
    return Gate("test", running=running, waiting=waiting, timeout_s=timeout_s, metrics=Metrics())


class Held:
    """Work that goes on until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.started = 0
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()

    def __call__(self) -> int:
        """Work; return how many have begun."""
        with self._lock:
            self.started += 1
            self._now += 1
            self.most = max(self.most, self._now)
        self.go.wait(10)
        with self._lock:
            self._now -= 1
        return self.started


async def settle(condition: Any) -> None:
    """Let the loop turn until something holds."""
    with anyio.fail_after(5):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in threads
            await anyio.sleep(0.005)


class TestGate:
    """The gate alone."""

    async def test_no_more_than_allowed_run_or_wait(self) -> None:
        """What is over both bounds is Overloaded at once, with a time to come back."""
        held, one = Held(), gate(running=2, waiting=3)
        refused: list[Overloaded] = []

        async def ask() -> None:
            try:
                await one.run(held)
            except Overloaded as error:
                refused.append(error)

        async with anyio.create_task_group() as tasks:
            for _ in range(9):
                tasks.start_soon(ask)
            await settle(lambda: len(refused) == 4 and held.started == 2)
            assert (one.busy, one.waiting) == (2, 3)
            held.go.set()
        assert (held.started, held.most, one.busy) == (5, 2, 0)
        assert all(error.retry_after >= 1 for error in refused)

    async def test_first_come_first_served(self) -> None:
        """Who waits longest is next."""
        held, one, order = Held(), gate(waiting=20), []

        async def ask(n: int) -> None:
            await one.run(lambda: order.append(n))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(one.run, held)
            await settle(lambda: one.busy == 1)
            for n in range(10):
                tasks.start_soon(ask, n)
                await settle(lambda n=n: one.waiting == n + 1)
            held.go.set()
        assert order == list(range(10))

    async def test_who_waits_too_long_is_told(self) -> None:
        """Waiting and working together are bounded; the slot stays taken until the thread has ended."""
        held, one, stopped = Held(), gate(timeout_s=0.1), []
        with pytest.raises(Unavailable) as told:
            await one.run(held, on_timeout=lambda: stopped.append(True))
        assert (one.busy, stopped) == (1, [True])
        assert told.value.retry_after >= 1
        with pytest.raises(Unavailable):
            await one.run(held)
        held.go.set()
        await settle(lambda: one.busy == 0)
        assert held.started == 1, "the second never ran"
        assert await one.run(lambda: 7) == 7

    async def test_cancelled_waiters_leave_no_trace(self) -> None:
        """Cancelling at any moment neither loses nor doubles a slot."""
        one = gate(running=2, waiting=100)
        for n in range(60):
            with anyio.move_on_after(n / 20_000):
                await one.run(lambda: time.sleep(0.001))
        await settle(lambda: one.busy == 0 and one.waiting == 0)
        assert await one.run(lambda: 7) == 7

    async def test_failures_release_their_slot(self) -> None:
        """An error of the work goes to the caller."""
        one = gate()
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await one.run(lambda: 1 // 0)
        assert one.busy == 0


@pytest.fixture
def small(tmp_path: Path) -> TestServices:
    """Return services that answer one question at a time, with one more waiting."""
    return make_services(
        tmp_path,
        max_concurrent_queries=1,
        max_waiting_queries=1,
        query_timeout_s=1.0,
        stream_keepalive_s=0.05,
    )


def hold(services: TestServices) -> threading.Event:
    """Make answers wait before their second word; return what lets them go on."""
    go = threading.Event()
    services.answering.before_token = lambda n: None if n == 0 else go.wait(10) and None
    return go


async def test_overload_is_429_with_retry_after(small: TestServices) -> None:
    """One runs, one waits, the third is turned away at once; afterwards all is as before."""
    go, app = hold(small), app_of(small)
    async with client_of(app, small.token()) as client:
        found: list[Any] = []

        async def ask() -> None:
            found.append(await client.post(QUERY, json={"question": "passport"}))

        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(ask)
            await settle(lambda: len(found) == 1)
            assert (found[0].status_code, found[0].json()["type"]) == (
                429,
                "urn:problem-type:jibu:overloaded",
            )
            assert int(found[0].headers["retry-after"]) >= 1
            go.set()
        assert sorted(one.status_code for one in found) == [200, 200, 429]
        assert (await client.get("/rag/v1/collections")).status_code == 200, "other work has its own gate"


async def test_search_shares_the_questions_gate(small: TestServices) -> None:
    """Both need the embedder."""
    go, app = hold(small), app_of(small)
    async with client_of(app, small.token()) as client, anyio.create_task_group() as tasks:
        for _ in range(2):
            tasks.start_soon(lambda: client.post(QUERY, json={"question": "passport"}))
        await settle(lambda: small.answering.produced == 1)
        await anyio.sleep(0.05)
        assert (await client.post("/rag/v1/search", json={"query": "passport"})).status_code == 429
        go.set()


async def test_a_late_answer_is_503_with_retry_after(small: TestServices) -> None:
    """Nobody waits silently; the work is stopped and the slot comes back."""
    go, app = hold(small), app_of(small)
    async with client_of(app, small.token()) as client:
        late = await client.post(QUERY, json={"question": "passport"})
        assert (late.status_code, late.json()["type"]) == (503, "urn:problem-type:jibu:unavailable")
        assert int(late.headers["retry-after"]) >= 1
        go.set()
        assert eventually(small.answering.closed.is_set)
        small.answering.before_token = lambda _n: None
        await settle(lambda: True)
        assert (await client.post(QUERY, json={"question": "passport"})).status_code == 200
    assert len(small.store.answers) == 1, "the late one was not kept"


class Wire:
    """An ASGI client that reads as it likes and leaves when it likes."""

    def __init__(self, token: str, body: Any) -> None:
        self.scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "path": QUERY,
            "raw_path": QUERY.encode(),
            "root_path": "",
            "scheme": "http",
            "query_string": b"",
            "headers": [
                (b"host", b"jibu.test"),
                (b"authorization", f"Bearer {token}".encode()),
                (b"content-type", b"application/json"),
                (b"accept", b"text/event-stream"),
            ],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        self._body = json.dumps(body).encode()
        self._asked = False
        self.left = anyio.Event()
        self.status = 0
        self.received = b""
        self.ended = False

    async def receive(self) -> dict[str, Any]:
        """Give the body, then the end when the client leaves."""
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": self._body, "more_body": False}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        """Take what comes."""
        self.status = message.get("status", self.status)
        self.received += message.get("body", b"")
        self.ended = message["type"] == "http.response.body" and not message.get("more_body", False)


async def test_a_client_that_leaves_cancels_the_work(small: TestServices) -> None:
    """The use case is closed, what it would have kept is not kept, and the slot is free again."""
    go, app = hold(small), app_of(small)
    await _load(app, small)
    wire = Wire(small.token(), {"question": "passport"})
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(app, wire.scope, wire.receive, wire.send)
        await settle(lambda: b"event: token" in wire.received)
        wire.left.set()
    assert not wire.ended
    assert not small.answering.closed.is_set()
    go.set()
    assert eventually(small.answering.closed.is_set)
    assert (small.answering.produced, small.store.answers) == (2, {})
    async with client_of(app, small.token()) as client:
        small.answering.before_token = lambda _n: None
        assert (await client.post(QUERY, json={"question": "passport"})).status_code == 200


async def test_a_client_that_leaves_while_waiting(small: TestServices) -> None:
    """It gives up its place in the queue."""
    go, app = hold(small), app_of(small)
    first, second = (Wire(small.token(), {"question": "passport"}) for _ in range(2))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(app, first.scope, first.receive, first.send)
        await settle(lambda: b"event: token" in first.received)
        tasks.start_soon(app, second.scope, second.receive, second.send)
        await anyio.sleep(0.1)
        second.left.set()
        await anyio.sleep(0.1)
        go.set()
    assert first.ended
    assert (second.status, second.received) == (0, b"")


async def test_a_quiet_stream_is_kept_alive(small: TestServices) -> None:
    """Comments come while nothing else does."""
    go, app = hold(small), app_of(small)
    wire = Wire(small.token(), {"question": "passport"})
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(app, wire.scope, wire.receive, wire.send)
        await settle(lambda: wire.received.count(b": keep-alive\n\n") >= 3)
        go.set()
    assert wire.received.endswith(b"\n\n")
    assert b"event: done" in wire.received


async def test_a_stream_that_takes_too_long_ends_with_a_problem(small: TestServices) -> None:
    """The error event is a problem with status 503."""
    go, app = hold(small), app_of(small)
    async with client_of(app, small.token()) as client:
        response = await client.post(QUERY, json={"question": "passport"}, headers=STREAM)
    go.set()
    assert response.status_code == 200
    name, data = response.text.strip().split("\n\n")[-1].split("\n")
    told = json.loads(data.removeprefix("data: "))
    assert (name, told["status"], told["instance"]) == ("event: error", 503, QUERY)


async def test_a_failure_in_mid_stream_is_an_event(services: TestServices) -> None:
    """The stream ends properly, and says nothing of the inside."""

    def fail(n: int) -> None:
        if n == 2:
            raise RuntimeError("password=hunter2")

    services.answering.before_token = fail
    async with client_of(app_of(services), services.token()) as client:
        response = await client.post(QUERY, json={"question": "passport"}, headers=STREAM)
    assert "hunter2" not in response.text
    assert response.text.count("event: token") == 2
    assert 'event: error\ndata: {"type":"urn:problem-type:jibu:internal-error"' in response.text
    assert services.answering.closed.is_set()


async def test_many_streams_at_once(tmp_path: Path) -> None:
    """A hundred streams through four slots all end, in order, and none is lost."""
    services = make_services(tmp_path, max_concurrent_queries=4, max_waiting_queries=200)
    async with client_of(app_of(services), services.token()) as client:
        found: list[Any] = []

        async def ask() -> None:
            found.append(await client.post(QUERY, json={"question": "passport"}, headers=STREAM))

        async with anyio.create_task_group() as tasks:
            for _ in range(100):
                tasks.start_soon(ask)
    assert len(found) == 100
    assert all("event: done" in response.text for response in found)


async def _load(app: Any, services: TestServices) -> None:
    async with client_of(app, services.token()) as client:
        body = {"title": "Guide", "text": "A passport is valid for ten years."}
        await client.post("/rag/v1/collections/travel/documents", json=body)
