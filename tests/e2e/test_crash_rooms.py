"""Relays, Kafka and the database, killed again and again under a room with ten subscribers: each one gets everything.

CI runs a small one. A large one, of which the local broker gets half:
``JIBU_TEST_ROOM_EVENTS=2000 JIBU_TEST_ROOM_KILLS=10 pytest -s tests/e2e/test_crash_rooms.py``.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # the helpers beside the tests

from tests.e2e.rooms_processes import ROOM, TYPE
from tests.e2e.rooms_service import DEAD_TTL_S, FIFO, MANAGER, PUBLISHERS, PULLING, PUSHED, Service, wait
from tests.services import kafka, postgres

EVENTS = int(os.environ.get("JIBU_TEST_ROOM_EVENTS", "120"))
KILLS = int(os.environ.get("JIBU_TEST_ROOM_KILLS", "2"))
PAUSE_S = 0.2
END_S = 180.0 + EVENTS / 4
LOOKED_AT = 100
LIVE = [*PULLING, *(name for name in PUSHED if name != "dead")]


@pytest.fixture(params=["kafka and postgres", "local and postgres", "local and sqlite"])
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    """Everything that nobody else uses."""
    found = Service(tmp_path)
    try:
        if "postgres" in request.param:
            found.database = postgres.own_server()
        if "kafka" in request.param:
            found.broker = kafka.own_server()
        found.pause_s = 0.05 if EVENTS < 1000 else 0.02
        found.start()
        yield found
    finally:
        found.end()


@pytest.mark.slow
def test_every_subscriber_that_lives_gets_everything(service: Service) -> None:
    """Whatever dies: each gets each event, once without repetitions, FIFO ones in order; the dead one's are parked."""
    if service.broker is not None:
        wait(lambda: service.broker.members("jibu-rooms") == 2, "both relays share the rooms")  # type: ignore[union-attr]
    started = time.monotonic()
    share = 1 if service.broker is not None else 2
    count, kills = EVENTS // len(PUBLISHERS) // share, max(1, KILLS // share)
    publishers = service.publish(count, PAUSE_S)
    seen = 0
    for kill in range(kills):
        seen = progress(service, seen)
        harm(service, kill, kills)
    for publisher in publishers:
        assert publisher.wait(END_S) == 0
    published = time.monotonic() - started
    events = stored(service)
    for name in LIVE:
        wait(lambda n=name: service.has(n, len(events)), f"{name} has all", END_S)
    took = time.monotonic() - started
    wait(lambda: not waiting(service), "nothing waits", END_S)
    check_publishers(service, events, count)
    for name in LIVE:
        check_subscriber(service, name, [event[0] for event in events])
    check_status(service, [event[0] for event in events])
    if service.broker is not None:
        check_kafka(service.broker, [event[0] for event in events])
    tell(service, events, published, took)


def progress(service: Service, before: int) -> int:
    """Wait until a healthy subscriber and one that pulls got more than last time; return how much they have."""

    def got() -> int:
        return min(len(service.seen("p0")), len(service.seen("q0")))

    wait(lambda: got() > before, "an event arrives", END_S)
    return got()


def harm(service: Service, kill: int, kills: int) -> None:
    """Kill relays, every fourth time Kafka as well, and once the database."""
    if kill % 4 == 1 and service.broker is not None:
        service.broker.kill()
    if kill == kills // 2 and service.database is not None:
        service.database.kill()
        time.sleep(0.5)
        service.database.start()
    service.kill_relays(both=kill % 2 == 0)
    if kill % 4 == 1 and service.broker is not None:
        service.broker.start()


def stored(service: Service) -> list[tuple[str, int, str]]:
    """Return id, sequence and body of each event of the room, in order."""
    query = f"SELECT event_id, sequence, body FROM pubsub_events WHERE room_id = '{ROOM}' ORDER BY sequence"  # noqa: S608
    return [(str(a), int(b), str(c)) for a, b, c in service.sql(query)]


def waiting(service: Service) -> bool:
    """Tell whether a delivery or an event for the broker still waits."""
    query = "SELECT (SELECT count(*) FROM pubsub_deliveries WHERE status = 'pending') + (SELECT count(*) FROM events)"
    return bool(service.sql(query)[0][0])


def check_publishers(service: Service, events: list[tuple[str, int, str]], count: int) -> None:
    """What was answered 201 is there, once and in its publisher's order; anything else that is there was tried."""
    assert [sequence for _, sequence, _ in events] == list(range(1, len(events) + 1))
    place = {event_id: sequence for event_id, sequence, _ in events}
    bodies = Counter(
        (b["publisher"], b["n"], b["attempt"]) for b in (json.loads(body) for _, _, body in events)
    )
    assert set(bodies.values()) == {1}
    for publisher in PUBLISHERS:
        lines = service.seen(publisher.rpartition("/")[2])
        accepted = [line[1:] for line in lines if line[0] == "accepted"]
        assert [n for n, _, _ in accepted] == list(range(count))
        assert all(a < b for a, b in pairwise(place[event_id] for _, _, event_id in accepted))
        tried = {(publisher, line[1], line[2]) for line in lines if line[0] == "tried"}
        assert {body for body in bodies if body[0] == publisher} <= tried


def check_subscriber(service: Service, name: str, events: list[str]) -> None:
    """It has each event; in order where that was asked for, and whoever pulls; what is confirmed never comes again."""
    lines = service.seen(name)
    once = list(dict.fromkeys(line[1] for line in lines if line[0] == "got"))
    assert (once if name in FIFO or name in PULLING else sorted(once)) == (
        events if name in FIFO or name in PULLING else sorted(events)
    ), name
    confirmed: set[str] = set()
    for word, event_id, *_ in lines:
        assert event_id not in confirmed, "confirmed events come no more"
        if word == "confirmed":
            confirmed.add(event_id)
    assert name not in PULLING or confirmed == set(events)


def check_status(service: Service, events: list[str]) -> None:
    """Each event shows for each subscriber what became of it."""
    for event_id in events[:: max(1, len(events) // LOOKED_AT)]:
        found = service.ask(f"/pub/v1/{TYPE}/{event_id}", MANAGER)["deliveries"]
        states = {one["subscriberId"]["applicationCode"]: one["status"] for one in found}
        assert states == dict.fromkeys(LIVE, "delivered") | {"dead": "parked"}
    counts = dict(service.sql("SELECT status, count(*) FROM pubsub_deliveries GROUP BY status"))
    assert counts == {"delivered": len(events) * len(LIVE), "parked": len(events)}


def check_kafka(broker: kafka.Server, events: list[str]) -> None:
    """Every publication went through it, in order."""
    told = [json.loads(record.value) for record in broker.records("jibu")]
    mine = [one["data"]["eventId"] for one in told if one["type"] == "jibu.pubsub.event.published.v1"]
    assert list(dict.fromkeys(mine)) == events


def tell(service: Service, events: list[tuple[str, int, str]], published: float, took: float) -> None:
    """Print what happened."""
    again = {name: sum(line[0] == "got" for line in service.seen(name)) - len(events) for name in LIVE}
    logs = [service.seen(one.rpartition("/")[2]) for one in PUBLISHERS]
    tried = sum(line[0] == "tried" for lines in logs for line in lines)
    accepted = sum(line[0] == "accepted" for lines in logs for line in lines)
    words = (
        f"{len(events)} events stored, {accepted} answered 201, {tried} tried; published in {published:.0f} s"
    )
    print(f"\n{words}, all delivered after {took:.0f} s; TTL {DEAD_TTL_S} s; got again {again}")  # noqa: T201
