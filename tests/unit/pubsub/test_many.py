"""Five pushed and five pulling subscribers, of which one is dead, one slow and one answers 500 half the time."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from rooms_block import ADMIN, CLINIC, MANAGER, ROOM, Block, client
from tests.services.subscriber import Got, subscriber

from jibu.domain.errors import NotFound
from jibu.domain.pubsub import Backoff, DeliveryStatus, Mode, Room, Subscriber

EVENTS = 40
QUICK = Backoff(0.1, 1, 0.1)
PULLS = [client(f"SCHOOL/s{n}") for n in range(5)]
PUSHES = [client(f"POLICE/p{n}") for n in range(5)]


@contextmanager
def pushers(block: Block, count: int) -> Iterator[None]:
    """Run processes' worth of pushing, and stop them."""
    stop = threading.Event()
    threads = [
        threading.Thread(target=block.pushing().run_forever, args=(stop,), kwargs={"poll_s": 0.01})
        for _ in range(count)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)
            assert not thread.is_alive()


def numbers(got: Got) -> list[int]:
    """Return the events that a subscriber answered well, in order of arrival."""
    return [json.loads(body)["event"]["n"] for n, (_, body) in enumerate(got.requests) if got.answer(n) < 300]


def pull_all(block: Block, found: dict[str, list[int]]) -> None:
    """Pull and confirm what waits for each pulling client."""
    for caller in PULLS:
        try:
            while True:
                event = block.subscribing.next(caller, ROOM, "newBirth")
                found.setdefault(caller.client, []).append(json.loads(event.body)["n"])
                block.subscribing.confirm(caller, ROOM, "newBirth", event.event_id)
        except NotFound:
            continue


def test_everybody_who_is_there_gets_everything(block: Block) -> None:
    """Through two changes of the processes that push; the dead one's events are parked in the end."""
    with ExitStack() as stack:
        got = [stack.enter_context(subscriber()) for _ in range(4)]
        got[1].pause_s = 0.03
        got[2].answer = lambda n: 500 if n % 2 else 204
        urls = [one.url for one in got] + ["http://127.0.0.1:9/push"]
        members = [Subscriber(p.client, url) for p, url in zip(PUSHES, urls, strict=True)]
        members += [Subscriber(caller.client) for caller in PULLS]
        block.rooms.put(ADMIN, Room(ROOM, "Births", MANAGER.client, (CLINIC.client,), tuple(members)))
        for n, caller in enumerate(PUSHES):
            block.subscribe(caller, Mode.PUSH, fifo=n != 3, backoff=QUICK, ttl_s=600)
        for caller in PULLS:
            block.subscribe(caller, ttl_s=600)
        pulled: dict[str, list[int]] = {}
        for part in range(4):
            with pushers(block, 2):
                block.publish(EVENTS // 4, first=part * EVENTS // 4)
                block.work()
                pull_all(block, pulled)
        with pushers(block, 2):
            for _ in range(1000):
                if all(len(set(numbers(one))) == EVENTS for one in got):
                    break
                threading.Event().wait(0.02)
        block.advance(601)
        block.clean()
    wanted = list(range(EVENTS))
    for one in got[:3]:
        assert numbers(one) == wanted, "in order, each once: the processes stopped between two attempts"
    assert sorted(set(numbers(got[3]))) == wanted
    assert pulled == {caller.client: wanted for caller in PULLS}
    with block.records.read() as uow:
        dead = uow.pubsub.subscription(ROOM, "newBirth", PUSHES[4].client)
        events = [uow.pubsub.event(json.loads(got[0].requests[n][1])["id"]) for n in range(EVENTS)]
        states = [
            delivery.status
            for event in events
            for delivery in uow.pubsub.deliveries(event.event_id)
            if delivery.subscription_id == dead.subscription_id
        ]
    assert states == [DeliveryStatus.PARKED] * EVENTS
