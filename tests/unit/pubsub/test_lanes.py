"""Who is slow, silent or pushed to by two processes at once: nobody else waits for it, and no order is broken."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import pytest
from rooms_block import ADMIN, CLINIC, MANAGER, POLICE, ROOM, SCHOOL, Block, client
from tests.services.subscriber import Got, subscriber

from jibu.adapters.outbound.push import HttpPusher
from jibu.domain.errors import Unavailable
from jibu.domain.pubsub import Backoff, Due, Mode, Room, Subscriber
from jibu.testing.memory_inbox import MemoryInbox, MemoryLog
from jibu.usecases.pubsub.lanes import AT_ONCE, Lanes, Served
from jibu.usecases.pubsub.pushing import SLOW_S
from jibu.usecases.pubsub.spreading import Spreading, Watching

EVENTS = 30
LATE = [client(f"LATE/s{n:02}") for n in range(2 * AT_ONCE)]


class Wrapped:
    """A pusher that does something before each push."""

    def __init__(self, pusher: HttpPusher, before: Callable[[str, int], None]) -> None:
        self._pusher = pusher
        self._before = before
        self._counts: dict[str, int] = {}
        self._lock = threading.Lock()

    def push(self, url: str, body: bytes, headers: Sequence[tuple[str, str]]) -> int:
        """Push; ``before`` gets the address and how often it was pushed to before."""
        with self._lock:
            count = self._counts.get(url, 0)
            self._counts[url] = count + 1
        self._before(url, count)
        return self._pusher.push(url, body, headers)

    def close(self) -> None:
        """Close the connections."""
        self._pusher.close()


def numbers(got: Got) -> list[int]:
    """Return what a subscriber received, in order."""
    return [json.loads(body)["event"]["n"] for _, body in got.requests]


def wait(happened: Callable[[], bool]) -> None:
    """Look until something happened."""
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("first", ["silent", "slow"])
def test_however_many_are_slow_a_healthy_one_gets_everything(block: Block, first: str) -> None:
    """Once each of them was slow or silent one time, they share threads of their own, and all of these are stuck."""
    release, known = threading.Event(), threading.Semaphore(0)

    def before(url: str, count: int) -> None:
        if "slow" not in url:
            return
        if count == 0 and first == "silent":
            known.release()
            raise Unavailable("no answer")
        if count == 0:
            time.sleep(1.2 * SLOW_S)
            known.release()
            return
        release.wait(60)

    with subscriber() as got, ExitStack() as stack:
        slow = got.url.replace("/push", "/slow")
        members = [Subscriber(one.client, f"{slow}/{n}") for n, one in enumerate(LATE)]
        members.append(Subscriber(POLICE.client, got.url))
        block.rooms.put(ADMIN, Room(ROOM, "Births", MANAGER.client, (CLINIC.client,), tuple(members)))
        block.pusher = Wrapped(block.pusher, before)  # type: ignore[assignment]
        for one in LATE:
            block.subscribe(one, Mode.PUSH, fifo=True, backoff=Backoff(0.1, 1, 0.1))
        stop = threading.Event()
        thread = threading.Thread(target=block.pushing().run_forever, args=(stop,), kwargs={"poll_s": 0.01})
        stack.callback(thread.join)
        stack.callback(stop.set)
        stack.callback(release.set)
        thread.start()
        block.publish(2)
        block.work()
        for _ in LATE:
            assert known.acquire(timeout=60)
        block.subscribe(POLICE, Mode.PUSH, fifo=True)
        block.publish(EVENTS, first=10)
        block.work()
        wait(lambda: [n for n in numbers(got) if n >= 10] == list(range(10, 10 + EVENTS)))
        assert not release.is_set()


@pytest.mark.parametrize("late_answer", [204, 500])
def test_two_processes_that_push_one_subscription_break_no_order(block: Block, late_answer: int) -> None:
    """One is frozen in front of a push until its lease is over and another one has pushed everything."""
    frozen, thaw = threading.Event(), threading.Event()

    def before(_url: str, count: int) -> None:
        if count == 0:
            frozen.set()
            thaw.wait(60)

    with subscriber() as got:
        got.answer = lambda n: late_answer if n == EVENTS else 204
        block.furnish(got.url)
        block.subscribe(POLICE, Mode.PUSH, fifo=True)
        events = block.publish(EVENTS)
        block.work()
        block.pusher = Wrapped(block.pusher, before)  # type: ignore[assignment]
        first = threading.Thread(target=block.pushing().run_once)
        first.start()
        assert frozen.wait(60)
        second = block.pushing()
        assert second.run_once() == 0, "it is the other one's"
        block.advance(60)
        while second.run_once():
            pass
        thaw.set()
        first.join(60)
        assert not first.is_alive()
    assert numbers(got) == [*range(EVENTS), 0]
    for event in events:
        [delivery] = block.publishing.status(CLINIC, ROOM, "newBirth", event.event_id).deliveries
        assert delivery.status.value == "delivered"


def test_a_silent_subscriber_rests_whatever_is_published(block: Block) -> None:
    """New events do not wake it before its pause is over."""
    block.furnish("http://127.0.0.1:9/push")
    block.subscribe(POLICE, Mode.PUSH, backoff=Backoff(60, 1, 60))
    block.publish(2)
    block.work()
    assert [block.pushing().run_once() for _ in range(2)] == [1, 0]
    block.publish(5)
    block.work()
    assert block.pushing().run_once() == 0
    block.advance(61)
    assert block.pushing().run_once() == 1


def test_there_is_more_to_do_when_a_turn_ends_and_when_a_pause_is_over() -> None:
    """Nobody waits for the next look."""
    with Lanes(lambda _name, _quick: Served(1, again_s=0.05)) as lanes:

        def waiting() -> None:
            lanes.wait(3600)
            lanes.wait(3600)

        thread = threading.Thread(target=waiting, daemon=True)
        thread.start()
        assert lanes.take(Due("a")) is True
        thread.join(30)
        assert not thread.is_alive()


def test_nobody_is_served_twice_at_a_time() -> None:
    """Who is under way is not taken again; afterwards it is."""
    begun, go = threading.Semaphore(0), threading.Event()

    def serve(_name: str, _quick: bool) -> Served:  # noqa: FBT001
        begun.release()
        go.wait(60)
        return Served(1)

    with Lanes(serve) as lanes:
        assert lanes.take(Due("a")) is True
        assert begun.acquire(timeout=60)
        assert lanes.take(Due("a")) is False
        assert lanes.take(Due("b")) is True
        go.set()
        lanes.wait(60)
        wait(lambda: lanes.take(Due("a")))


@pytest.mark.parametrize("broker", ["local", "kafka"])
def test_what_was_published_with_another_broker_is_delivered(block: Block, broker: str) -> None:
    """Whoever starts looks for rooms that are behind, also where nobody tells of them."""
    block.subscribe(SCHOOL)
    [event] = block.publish()
    worker: Watching | Spreading = Watching(fan_out=block.fan_out, poll_s=0.01)
    if broker == "kafka":
        worker = Spreading(inbox=MemoryInbox(MemoryLog()), fan_out=block.fan_out)
    stop = threading.Event()
    thread = threading.Thread(target=worker.run_forever, args=(stop,))
    thread.start()
    try:
        wait(lambda: bool(block.publishing.status(CLINIC, ROOM, "newBirth", event.event_id).deliveries))
    finally:
        stop.set()
        thread.join(20)
    assert block.subscribing.next(SCHOOL, ROOM, "newBirth") == event
