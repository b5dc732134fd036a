"""From publishing to push and pull: order, retries, time to live, several processes."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import pytest
from rooms_block import CLINIC, POLICE, ROOM, SCHOOL, Block
from tests.services.subscriber import Got, subscriber

from jibu.adapters.outbound.push import HttpPusher
from jibu.domain.errors import InvalidInput, NotFound
from jibu.domain.pubsub import Backoff, DeliveryStatus, Mode
from jibu.usecases.pubsub.pushing import PUSH

QUICK = Backoff(1, 2, 4)


def numbers(got: Got) -> list[int]:
    """Return what a subscriber received, in order."""
    return [json.loads(body)["event"]["n"] for _, body in got.requests]


def status_of(block: Block, event_id: str) -> dict[str, str]:
    """Return how far an event is for each subscriber."""
    found = block.publishing.status(CLINIC, ROOM, "newBirth", event_id)
    return {delivery.subscriber: delivery.status.value for delivery in found.deliveries}


def test_an_event_is_pulled_until_it_is_confirmed(block: Block) -> None:
    """The same one comes back until then; then the next; then none."""
    block.subscribe(POLICE)
    first, second = block.publish(2)
    block.work()
    assert block.subscribing.next(POLICE, ROOM, "newBirth") == first
    assert block.subscribing.next(POLICE, ROOM, "newBirth") == first
    block.subscribing.confirm(POLICE, ROOM, "newBirth", first.event_id)
    assert block.subscribing.next(POLICE, ROOM, "newBirth") == second
    with pytest.raises(NotFound):
        block.subscribing.confirm(POLICE, ROOM, "newBirth", first.event_id)
    block.subscribing.confirm(POLICE, ROOM, "newBirth", second.event_id)
    with pytest.raises(NotFound):
        block.subscribing.next(POLICE, ROOM, "newBirth")
    assert status_of(block, first.event_id) == {POLICE.client: "delivered"}


def test_in_a_fifo_subscription_events_are_confirmed_in_turn(block: Block) -> None:
    """A later one is refused while an earlier one waits."""
    block.subscribe(POLICE, fifo=True)
    block.subscribe(SCHOOL)
    first, second = block.publish(2)
    block.work()
    with pytest.raises(InvalidInput):
        block.subscribing.confirm(POLICE, ROOM, "newBirth", second.event_id)
    block.subscribing.confirm(SCHOOL, ROOM, "newBirth", second.event_id)
    assert block.subscribing.next(SCHOOL, ROOM, "newBirth") == first
    assert block.subscribing.next(POLICE, ROOM, "newBirth") == first, "what was refused changed nothing"


def test_a_confirmation_may_be_repeated(block: Block) -> None:
    """Whoever did not hear the answer is told that the event waits no more, not that another one comes first."""
    block.subscribe(POLICE, fifo=True)
    first, _ = block.publish(2)
    block.work()
    block.subscribing.confirm(POLICE, ROOM, "newBirth", first.event_id)
    with pytest.raises(NotFound):
        block.subscribing.confirm(POLICE, ROOM, "newBirth", first.event_id)


def test_a_push_says_what_and_is_signed(block: Block) -> None:
    """The body is the contract's EventItem; the signature names subscriber, event, time and body."""
    with subscriber() as got:
        block.furnish(got.url)
        subscription = block.subscribe(POLICE, Mode.PUSH)
        [event] = block.publish()
        block.work()
        assert block.pushing().run_once() == 1
    [(headers, body)] = got.requests
    sent = json.loads(body)
    assert sent["id"] == event.event_id == headers["X-Jibu-Event-Id"]
    assert sent["publisherId"]["applicationCode"] == "clinic"
    assert (sent["sequence"], sent["eventType"], sent["event"]) == (1, "newBirth", {"n": 0})
    told = json.loads(block.signer.verify(headers["X-Jibu-Signature"], PUSH))
    assert told["aud"] == POLICE.client
    assert told["subscriptionId"] == subscription.subscription_id
    assert told["sha256"] == hashlib.sha256(body).hexdigest()
    assert status_of(block, event.event_id) == {POLICE.client: "delivered"}
    [delivery] = block.publishing.status(CLINIC, ROOM, "newBirth", event.event_id).deliveries
    assert (delivery.attempts, delivery.error) == (1, None)
    assert block.pushing().run_once() == 0


def test_a_failed_push_is_repeated_later_and_later(block: Block) -> None:
    """With the subscription's own pauses, until the subscriber answers well."""
    times: list[datetime] = []

    def answer(n: int) -> int:
        times.append(block.clock())
        return 500 if n < 3 else 200

    with subscriber() as got:
        block.furnish(got.url)
        block.subscribe(POLICE, Mode.PUSH, backoff=QUICK)
        got.answer = answer
        [event] = block.publish()
        block.work()
        for _ in range(60):
            block.pushing().run_once()
            block.advance(0.25)
    assert status_of(block, event.event_id) == {POLICE.client: "delivered"}
    pauses = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    assert len(pauses) == 3
    assert all(pause >= wanted for pause, wanted in zip(pauses, (1, 2, 4), strict=True))


def test_time_to_live_ends_the_attempts(block: Block) -> None:
    """Then it is parked, with the reason, and the next events go on."""
    with subscriber() as got:
        block.furnish(got.url)
        block.subscribe(POLICE, Mode.PUSH, ttl_s=60, fifo=True)
        got.answer = lambda n: 500 if n == 0 else 200
        [lost] = block.publish()
        block.work()
        block.pushing().run_once()
        block.advance(61)
        block.clean()
        [late] = block.publish(first=1)
        block.work()
        block.pushing().run_once()
    assert numbers(got) == [0, 1]
    [parked] = block.publishing.status(CLINIC, ROOM, "newBirth", lost.event_id).deliveries
    assert (parked.status, parked.error) == (DeliveryStatus.PARKED, "answered 500")
    assert status_of(block, late.event_id) == {POLICE.client: "delivered"}


def test_a_fifo_subscriber_gets_events_in_order_whatever_fails(block: Block) -> None:
    """Half the pushes fail; each event comes once it is its turn."""
    with subscriber() as got:
        block.furnish(got.url)
        block.subscribe(POLICE, Mode.PUSH, fifo=True, backoff=Backoff(0.1, 1, 1))
        got.answer = lambda n: 500 if n % 2 else 200
        block.publish(6)
        block.work()
        for _ in range(20):
            block.pushing().run_once()
            block.advance(1)
    assert list(dict.fromkeys(numbers(got))) == [0, 1, 2, 3, 4, 5]


def test_a_dead_and_a_slow_subscriber_do_not_hold_up_others(block: Block) -> None:
    """Who answers gets all; who does not is left alone, one attempt at a time."""
    with ExitStack() as stack:
        good, gone = stack.enter_context(subscriber()), "http://127.0.0.1:9/push"
        block.furnish(good.url, gone)
        block.subscribe(POLICE, Mode.PUSH)
        dead = block.subscribe(SCHOOL, Mode.PUSH, backoff=Backoff(60, 2, 600))
        events = block.publish(15)
        block.work()
        block.pushing().run_once()
        block.pushing().run_once()
    assert numbers(good) == list(range(15))
    assert status_of(block, events[0].event_id)[SCHOOL.client] == "pending"
    with block.records.read() as uow:
        assert uow.pubsub.to_push("me", at=block.clock(), after="", limit=99) == []
        attempts = [
            d.attempts
            for event in events
            for d in uow.pubsub.deliveries(event.event_id)
            if d.subscription_id == dead.subscription_id
        ]
    assert sum(attempts) == 1


def test_several_processes_push_each_event_once(block: Block) -> None:
    """A subscription is one process's at a time."""
    with subscriber() as got:
        block.furnish(got.url)
        block.subscribe(POLICE, Mode.PUSH, fifo=True)
        block.publish(60)  # three handfuls
        block.work()
        with ThreadPoolExecutor(4) as pool:
            for _ in range(4):
                list(pool.map(lambda pushing: pushing.run_once(), [block.pushing() for _ in range(4)]))
    assert numbers(got) == list(range(60))


def test_a_stopped_event_is_not_pushed(block: Block) -> None:
    """Nor pulled."""
    with subscriber() as got:
        block.furnish(got.url)
        block.subscribe(POLICE, Mode.PUSH)
        block.subscribe(SCHOOL)
        [event] = block.publish()
        block.work()
        block.publishing.stop(CLINIC, ROOM, "newBirth", event.event_id)
        assert block.pushing().run_once() == 0
    with pytest.raises(NotFound):
        block.subscribing.next(SCHOOL, ROOM, "newBirth")
    assert set(status_of(block, event.event_id).values()) == {"stopped"}


def test_a_client_that_lost_its_right_gets_nothing(block: Block) -> None:
    """Neither by push nor by pull, from the next event on."""
    with subscriber() as got:
        block.furnish(got.url)
        block.subscribe(POLICE, Mode.PUSH)
        block.publish()
        block.work()
        block.furnish()
        block.pushing().run_once()
    assert got.requests == []


@pytest.mark.parametrize("end", ["right", "mode", "stop"])
def test_what_ends_while_events_are_pushed_ends_at_once(block: Block, end: str) -> None:
    """The subscriber's right, PUSH itself or an event: nothing more is pushed of what waited with the first one."""
    with subscriber() as got:
        block.furnish(got.url)
        subscription = block.subscribe(POLICE, Mode.PUSH)
        events = block.publish(3)
        block.work()

        def answer(_: int) -> int:
            if end == "right":
                block.furnish()
            elif end == "mode":
                block.subscribing.update(POLICE, replace(subscription, mode=Mode.PULL))
            else:
                for event in events[1:]:
                    block.publishing.stop(CLINIC, ROOM, "newBirth", event.event_id)
            return 200

        got.answer = answer
        block.pushing().run_once()
    assert numbers(got) == [0]


def test_a_slow_subscriber_has_its_turn_and_no_more(block: Block) -> None:
    """What it is slow to take waits for its next turn: others are not kept until it has everything."""
    with subscriber() as got:
        block.furnish(got.url)
        block.subscribe(POLICE, Mode.PUSH)
        block.publish(4)
        block.work()

        def slow(_: int) -> int:
            block.advance(3)
            return 200

        got.answer = slow
        assert block.pushing().run_once() == 2
        assert block.pushing().run_once() == 2
    assert numbers(got) == [0, 1, 2, 3]


class Broken:
    """A pusher with a fault in it: it fails for one address in a way that nobody foresaw."""

    def __init__(self, pusher: HttpPusher, url: str) -> None:
        self._pusher = pusher
        self._url = url

    def push(self, url: str, body: bytes, headers: Sequence[tuple[str, str]]) -> int:
        """Push, unless it is that one."""
        if url == self._url:
            raise TypeError("unforeseen")
        return self._pusher.push(url, body, headers)

    def close(self) -> None:
        """Close the connections."""
        self._pusher.close()


def test_a_fault_at_one_subscriber_does_not_stop_the_others(block: Block) -> None:
    """Whatever it is."""
    with subscriber() as got:
        block.furnish("http://127.0.0.1:9/", got.url)
        block.pusher = Broken(block.pusher, "http://127.0.0.1:9/")  # type: ignore[assignment]
        block.subscribe(POLICE, Mode.PUSH)
        block.subscribe(SCHOOL, Mode.PUSH)
        block.publish(2)
        block.work()
        block.pushing().run_once()
    assert numbers(got) == [0, 1]


def test_events_that_nobody_fanned_out_yet_are_not_forgotten(block: Block) -> None:
    """However late the relay comes: they are kept until their deliveries are made."""
    block.subscribe(POLICE, ttl_s=30 * 24 * 3600)
    [event] = block.publish()
    block.advance(8 * 24 * 3600)
    block.clean()
    block.work()
    assert block.subscribing.next(POLICE, ROOM, "newBirth") == event


def test_publishing_tells_what_happened_without_the_content(block: Block) -> None:
    """The event for other blocks holds ids and a hash."""
    block.publish()
    with block.records.read() as uow:
        told = [e for e in uow.outbox.unpublished(limit=99) if e.type == "jibu.pubsub.event.published.v1"]
    [(_, event_id), (_, event_type), (_, sequence), (_, sha256)] = told[0].data
    assert (event_type, sequence) == ("newBirth", 1)
    assert sha256 == hashlib.sha256(b'{"n":0}').hexdigest()
    assert event_id


def test_it_runs_until_it_is_stopped(block: Block) -> None:
    """As the relay runs it."""
    with subscriber() as got:
        block.furnish(got.url)
        block.subscribe(POLICE, Mode.PUSH)
        block.publish(3)
        block.work()
        stop = threading.Event()
        thread = threading.Thread(target=block.pushing().run_forever, args=(stop,), kwargs={"poll_s": 0.01})
        thread.start()
        deadline = threading.Event()
        for _ in range(500):
            if len(got.requests) == 3:
                break
            deadline.wait(0.01)
        stop.set()
        thread.join(10)
    assert not thread.is_alive()
    assert numbers(got) == [0, 1, 2]
