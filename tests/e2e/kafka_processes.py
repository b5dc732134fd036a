"""Processes for tests that kill them: writers of changes, and relays that publish their events to Kafka.

``python kafka_processes.py write DATABASE SEED COUNT KEYS`` and ``… relay DATABASE KAFKA PREFIX FOLDER``.
"""

from __future__ import annotations

import random
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from sqlalchemy import text

from jibu.adapters.broker.kafka.broker import KafkaBroker
from jibu.adapters.broker.kafka.link import KafkaLink
from jibu.adapters.broker.kafka.topics import TopicRules
from jibu.adapters.index.embedded import EmbeddedIndex
from jibu.adapters.parse.sandbox import SandboxedParser
from jibu.adapters.store.postgres import open_postgres
from jibu.adapters.store.sql import SqlRecords
from jibu.adapters.text.icu import IcuSegmenter
from jibu.adapters.text.language import LangidDetector
from jibu.domain.errors import Unavailable
from jibu.domain.events import Event
from jibu.testing.memory import HashEmbedder

TYPE = "jibu.document.indexed.v1"
TABLE = "CREATE TABLE IF NOT EXISTS test_things (key text PRIMARY KEY, changes integer NOT NULL)"
CHANGE = text(
    "INSERT INTO test_things VALUES (:key, 1) ON CONFLICT (key) DO UPDATE "
    "SET changes = test_things.changes + 1 RETURNING changes"
)
LEASE_S = 3.0


def write(url: str, seed: str, count: str, keys: str) -> None:
    """Change things, one at a time, and tell of each change; undo one in ten."""
    chance = random.Random(int(seed))  # noqa: S311 - a test's dice
    records = patient(url)
    done = 0
    while done < int(count):
        key = f"k{chance.randrange(int(keys)):03}"
        try:
            done += change(records, key, undo=chance.random() < 0.1)
        except Unavailable:
            time.sleep(0.1)  # whether it was kept or not, the table says
    records.close()


def patient(url: str) -> SqlRecords:
    """Open the database as soon as it answers."""
    while True:
        try:
            return open_postgres(url, pool=4)
        except Unavailable:
            time.sleep(0.1)


def change(records: SqlRecords, key: str, *, undo: bool) -> int:
    """Make one change and its event in one transaction; return how many were kept."""
    with records.write() as uow:
        number = uow._open.execute(CHANGE, {"key": key}).scalar_one()  # noqa: SLF001
        name = f"undone-{uuid4().hex}" if undo else f"{key}-{number}"
        data = (("documentId", key), ("version", number))
        uow.outbox.emit(Event(name, TYPE, key, key, datetime.now(UTC), data))
        if undo:
            return 0
        uow.commit()
    return 1


def relay(url: str, address: str, prefix: str, folder: str) -> None:
    """Run a whole relay, with short leases, until it is killed."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "usecases"))
    from ingestion import Ingestion  # noqa: PLC0415

    embedder = HashEmbedder()
    rules = TopicRules(partitions=6, replication=1, min_insync=1)
    link = KafkaLink(address, timeout_s=4.0)
    found = Ingestion(
        records=patient(url),
        index=EmbeddedIndex(Path(folder), embedder=embedder.name, dimension=embedder.dimension),
        embedder=embedder,
        parser=SandboxedParser(),
        segmenter=IcuSegmenter(),
        detector=LangidDetector(),
        broker=KafkaBroker(link, prefix=prefix, source="urn:test", rules=rules),
    )
    found.relay(lease_s=LEASE_S).run_forever(threading.Event())


if __name__ == "__main__":
    {"write": write, "relay": relay}[sys.argv[1]](*sys.argv[2:])
