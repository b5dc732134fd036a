"""Writers, relays, PostgreSQL and Kafka, killed again and again: no event is lost, none comes out of order.

CI runs a small one. The whole: ``JIBU_TEST_EVENTS=20000 JIBU_TEST_KILLS=10 pytest -s tests/e2e/test_crash_kafka.py``.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jibu.adapters.store.postgres import open_postgres

sys.path.insert(0, str(Path(__file__).parents[2]))  # the helpers beside the tests

from tests.e2e import kafka_processes
from tests.services import kafka, postgres

SCRIPT = Path(kafka_processes.__file__)
EVENTS = int(os.environ.get("JIBU_TEST_EVENTS", "1200"))
KILLS = int(os.environ.get("JIBU_TEST_KILLS", "2"))
KEYS = max(40, min(200, EVENTS // 50))
WRITERS = 4
END_S = 60.0 + EVENTS / 50


class Processes:
    """Children that end with the test."""

    def __init__(self) -> None:
        self._all: list[subprocess.Popen[bytes]] = []

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Run one of the processes."""
        child = subprocess.Popen(
            [sys.executable, "-W", "ignore", SCRIPT, *words], stdout=subprocess.DEVNULL,
            preexec_fn=lambda: ctypes.CDLL(None).prctl(1, signal.SIGKILL),  # noqa: PLW1509 - PR_SET_PDEATHSIG
        )  # fmt: skip
        self._all.append(child)
        return child

    def end(self) -> None:
        """Kill what still runs."""
        for child in self._all:
            child.kill()
            child.wait()


@pytest.fixture
def processes() -> Iterator[Processes]:
    """Whom to kill."""
    found = Processes()
    yield found
    found.end()


@pytest.fixture
def database() -> Iterator[postgres.Server]:
    """A server that nobody else uses."""
    found = postgres.own_server()
    yield found
    found.remove()


@pytest.fixture
def broker() -> Iterator[kafka.Server]:
    """A broker that nobody else uses."""
    found = kafka.own_server()
    yield found
    found.remove()


def waiting(url: str) -> int:
    """Return how many events are not published yet."""
    records = open_postgres(url, pool=2)
    try:
        with records.read() as uow:
            return uow.outbox.backlog(at=kafka_processes.datetime.now(kafka_processes.UTC)).events
    finally:
        records.close()


@pytest.mark.slow
def test_every_event_arrives_once_and_in_order(
    database: postgres.Server, broker: kafka.Server, processes: Processes, tmp_path: Path
) -> None:
    """Whatever dies: after dropping repetitions each key has each change once, in order; no undone one is told."""
    url = database.new_database()
    open_postgres(url, migrate=True).close()
    database.sql(kafka_processes.TABLE, database=url.rpartition("/")[2])
    count = str(EVENTS // WRITERS)
    writers = [processes.start("write", url, str(seed), count, str(KEYS)) for seed in range(WRITERS)]

    def relay(number: int) -> subprocess.Popen[bytes]:
        return processes.start("relay", url, broker.address, "t", str(tmp_path / f"index{number}"))

    relays = [relay(0), relay(1)]
    started = time.monotonic()
    told = 0
    for kill in range(KILLS):
        told = progress(url, told)
        if kill % 4 == 1:
            broker.kill()
        if kill == KILLS // 2:
            database.kill()
            time.sleep(0.5)
            database.start()
        for child in relays:  # one of them publishes at this moment
            child.kill()
            child.wait()
        relays = [relay(0), relay(1)]
        if kill % 4 == 1:
            broker.start()
    for writer in writers:
        assert writer.wait(END_S) == 0
    deadline = time.monotonic() + END_S
    while waiting(url):
        assert time.monotonic() < deadline, "the events do not leave"
        time.sleep(0.2)
    took = time.monotonic() - started
    processes.end()
    check(broker.records("t"), changes(url), took)


def progress(url: str, before: int) -> int:
    """Wait until events have left since the last kill; return how many have left by now."""
    deadline = time.monotonic() + END_S
    while (told := sum(changes(url).values()) - waiting(url)) <= before:
        assert time.monotonic() < deadline, "no event leaves"
        time.sleep(0.05)
    return told


def changes(url: str) -> dict[str, int]:
    """Return how often each thing was changed, as the database says."""
    records = open_postgres(url, pool=2)
    try:
        with records.read() as uow:
            rows = uow._open.exec_driver_sql("SELECT key, changes FROM test_things").all()  # noqa: SLF001
        return {str(key): int(number) for key, number in rows}
    finally:
        records.close()


def check(arrived: list[Any], made: dict[str, int], took: float) -> None:
    """Compare what a consumer read with what the database holds."""
    assert sum(made.values()) >= EVENTS // WRITERS * WRITERS
    ids: dict[str, list[str]] = defaultdict(list)
    for record in arrived:
        ids[record.key.decode()].append(json.loads(record.value)["id"])
    assert set(ids) == set(made)
    for key, number in made.items():
        assert list(dict.fromkeys(ids[key])) == [f"{key}-{n}" for n in range(1, number + 1)]
    once = sum(made.values())
    print(f"{once} events, {len(arrived) - once} of them again, {KILLS} relays killed, {took:.1f} s")  # noqa: T201
