"""From the outbox to Kafka: ``python -m benchmarks.events -n 20000 --runs 5``.

It starts a PostgreSQL and a Kafka of its own, on loopback and on the same machine. Only publishing is timed: reading
the outbox, one Kafka transaction for each batch, and taking the batch out of the outbox.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from datetime import UTC, datetime
from uuid import uuid4

from tests.services import kafka, postgres

from jibu.adapters.broker.kafka.broker import KafkaBroker
from jibu.adapters.broker.kafka.link import KafkaLink
from jibu.adapters.broker.kafka.topics import TopicRules
from jibu.adapters.store.postgres import open_postgres
from jibu.adapters.store.sql import SqlRecords
from jibu.domain.events import Event
from jibu.usecases.publishing import AT_ONCE, Publisher

KEYS = 200
TYPE = "jibu.document.indexed.v1"


def now() -> datetime:
    return datetime.now(UTC)


def fill(records: SqlRecords, count: int) -> None:
    made = 0
    while made < count:
        with records.write() as uow:
            for number in range(made, min(made + 1000, count)):
                key = f"{number % KEYS:032x}"
                data = (("documentId", key), ("collectionId", "travel"), ("version", 1), ("sha256", "0" * 64))
                uow.outbox.emit(Event(uuid4().hex, TYPE, key, key, now(), data))
            uow.commit()
        made += 1000


def run(records: SqlRecords, broker: KafkaBroker, count: int) -> tuple[float, float]:
    """Return events per second, and the processor seconds of this process per thousand events."""
    fill(records, count)
    publisher = Publisher(records=records, broker=broker, clock=now, holder="benchmark")
    started, worked = time.perf_counter(), time.process_time()
    calls = 0
    while publisher.turn():
        calls += 1
    took, cpu = time.perf_counter() - started, time.process_time() - worked
    publisher.leave()
    assert calls == -(-count // AT_ONCE), "a call failed: this is no run"
    with records.read() as uow:
        assert uow.outbox.backlog(at=now()).events == 0
    return count / took, 1000 * cpu / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=20_000, help="events in each run")
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    database, server = postgres.own_server(), kafka.own_server()
    try:
        records = open_postgres(database.new_database(), migrate=True)
        rules = TopicRules(partitions=6, replication=1, min_insync=1)
        broker = KafkaBroker(KafkaLink(server.address), prefix="bench", source="urn:jibu", rules=rules)
        broker.check()
        run(records, broker, 2000)  # connections, the JVM's compiler
        rates = []
        for number in range(given.runs):
            rate, cpu = run(records, broker, given.n)
            rates.append(rate)
            load = os.getloadavg()[0]
            print(f"run {number + 1}: {rate:.0f} events/s, {cpu:.2f} CPU s per 1000, load {load:.1f}")
        print(
            f"median {statistics.median(rates):.0f}, least {min(rates):.0f}, most {max(rates):.0f} events/s"
        )
        broker.close()
        records.close()
    finally:
        server.remove()
        database.remove()


if __name__ == "__main__":
    main()
