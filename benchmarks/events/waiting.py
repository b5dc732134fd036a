"""A subscriber that never confirms: ``python -m benchmarks.events.waiting -n 100000``.

It fills a room with events, makes their deliveries for one PULL and one FIFO PUSH subscription, and times what
callers and the relay do while all of them wait; then it parks and forgets them. On PostgreSQL and on SQLite.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from sqlalchemy import insert, update
from tests.services import postgres

from jibu.adapters.store import pubsub_tables as t
from jibu.adapters.store.postgres import open_postgres
from jibu.adapters.store.sql import SqlRecords
from jibu.adapters.store.sqlite import open_sqlite
from jibu.domain.access import Caller
from jibu.domain.pubsub import EventType, Mode, Room, Subscriber, Subscription
from jibu.usecases.pubsub.chores import Chores
from jibu.usecases.pubsub.publishing import FanOut, Publishing
from jibu.usecases.pubsub.subscribing import Subscribing

ROOM, PULLS, PUSHED, CLINIC = (f"KLD/GOV/A/{name}" for name in ("room", "pulls", "pushed", "clinic"))
BODY = f'{{"text":"{"x" * 500}"}}'


def now(later: timedelta = timedelta()) -> datetime:
    return datetime.now(UTC) + later


def furnish(records: SqlRecords) -> None:
    with records.write() as uow:
        members = (Subscriber(PULLS), Subscriber(PUSHED, "https://pushed.example/"))
        uow.pubsub.put_room(Room(ROOM, "Room", "KLD/GOV/A/admin", (CLINIC,), members, now()))
        uow.pubsub.add_type(EventType(ROOM, "news", "{}", now()))
        for client, mode in ((PULLS, Mode.PULL), (PUSHED, Mode.PUSH)):
            wanted = Subscription(str(uuid4()), ROOM, "news", client, mode, fifo=True, created_at=now())
            uow.pubsub.add_subscription(wanted)
        uow.commit()


def fill(records: SqlRecords, count: int) -> None:
    same = {"room_id": ROOM, "event_type": "news", "publisher": CLINIC, "body": BODY, "sha256": "0" * 64}
    for start in range(0, count, 5000):
        numbers = range(start + 1, min(start + 5000, count) + 1)
        rows = [same | {"event_id": str(uuid4()), "sequence": n, "published_at": now()} for n in numbers]
        with records.write() as uow:
            uow._open.execute(insert(t.events), rows)  # noqa: SLF001 - one by one would take most of the time
            uow._open.execute(update(t.rooms).values(sequence=numbers[-1]))  # noqa: SLF001
            uow.commit()


def told(what: str, work: Callable[[], object], times: int = 1) -> None:
    took = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        took.append(1000 * (time.perf_counter() - started))
    memory = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 2**20
    print(f"{what}: median {statistics.median(took):.1f} ms, most {max(took):.1f} ms; process {memory} MB")


def run(records: SqlRecords, count: int) -> None:
    furnish(records)
    told("fill", lambda: fill(records, count))
    told("fan out", lambda: FanOut(records=records, clock=now).run_all())
    puller, publisher = (Caller(name, frozenset({"mediator.client"})) for name in (PULLS, CLINIC))
    subscribing, publishing = (use(records=records, clock=now) for use in (Subscribing, Publishing))

    def look() -> None:
        with records.read() as uow:
            assert len(uow.pubsub.to_push("me", at=now(), after="", limit=200)) == 1

    def confirm() -> None:
        event = subscribing.next(puller, ROOM, "news")
        subscribing.confirm(puller, ROOM, "news", event.event_id)

    told("pull", lambda: subscribing.next(puller, ROOM, "news"), 50)
    told("pull and confirm", confirm, 50)
    told("look for what to push", look, 50)
    told("publish", lambda: publishing.publish(publisher, ROOM, "news", BODY), 50)
    for what, later in (("park all", timedelta(hours=2)), ("forget all", timedelta(days=8))):
        chores = Chores(records=records, clock=lambda at=later: now(at), retention=timedelta(days=7))
        told(what, chores.run)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=100_000, help="events that wait")
    count = parser.parse_args().n
    server = postgres.own_server()
    try:
        print("PostgreSQL")
        records = open_postgres(server.new_database(), migrate=True)
        run(records, count)
        records.close()
    finally:
        server.remove()
    with tempfile.TemporaryDirectory() as folder:
        print("SQLite")
        records = open_sqlite(Path(folder) / "jibu.db")
        run(records, count)
        records.close()


if __name__ == "__main__":
    main()
