"""The message log: chained, signed, dropped in whole batches; and whatever is changed shows."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jibu.adapters.auth.block_key import BlockKey
from jibu.adapters.store.sql import SqlRecords
from jibu.adapters.store.sqlite import open_sqlite
from jibu.cli import cli
from jibu.domain.errors import InvalidInput
from jibu.domain.exchanges import Exchange, ExchangeFilter
from jibu.usecases.sealing import Sealing
from jibu.usecases.verifying import MessageLogCheck

START = datetime(2026, 11, 21, 9, tzinfo=UTC)


class Log:
    """A message log on SQLite with a clock of its own."""

    def __init__(self, folder: Path) -> None:
        self.now = START
        self.path = folder / "jibu.db"
        self.records: SqlRecords = open_sqlite(self.path)
        self.signer = BlockKey.in_folder(folder)
        self.sealing = Sealing(
            records=self.records,
            signer=self.signer,
            clock=lambda: self.now,
            keep=timedelta(days=30),
            every_s=0.01,
        )
        self.count = 0

    def add(self, count: int) -> None:
        """Append exchanges."""
        found = []
        for _ in range(count):
            self.count += 1
            found.append(exchange(self.count, self.now))
        with self.records.write() as uow:
            uow.mediator.exchanges.add(found)
            uow.commit()

    def batches(self, *sizes: int) -> None:
        """Append and seal batches."""
        for size in sizes:
            self.add(size)
            assert self.sealing.seal() == size

    def faults(self, expect: str | None = None) -> list[str]:
        """Check the log; return what is wrong."""
        report = MessageLogCheck(records=self.records, signer=self.signer).verify(expect=expect)
        return [f"{one.where}: {one.what}" for one in report.faults]

    def change(self, *statements: str) -> None:
        """Do something behind Jibu's back."""
        database = sqlite3.connect(self.path)
        with database:
            for statement in statements:
                database.execute(statement)
        database.close()


def exchange(number: int, at: datetime) -> Exchange:
    """Return an exchange."""
    return Exchange(
        message_id=f"m{number}",
        request_id=f"r{number}",
        trace_id="0" * 32,
        consumer="ZZ/GOV/a/portal",
        provider="ZZ/GOV/b/registry",
        service="citizens",
        method="GET",
        endpoint="/citizens/{id}",
        started_at=at,
        duration_ms=number,
        request_bytes=0,
        response_bytes=10,
        request_sha256="a" * 64,
        response_sha256="b" * 64,
        status=200,
        outcome="ok",
    )


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    """Return an empty log."""
    found = Log(tmp_path)
    yield found
    found.records.close()


def test_batches_follow_each_other(log: Log) -> None:
    """Sequences without a hole, each batch on the head of the one before; nothing waits; all is as signed."""
    assert log.sealing.seal() == 0
    log.batches(3, 1, 5)
    log.add(2)
    report = MessageLogCheck(records=log.records, signer=log.signer).verify()
    assert (report.batches, report.entries, report.waiting, report.faults) == (3, 9, 2, ())
    with log.records.read() as uow:
        found = uow.mediator.exchanges.batches(offset=0, limit=10).items
        assert [(one.first, one.last) for one in found] == [(1, 3), (4, 4), (5, 9)]
        assert [one.previous_sha256 for one in found[1:]] == [one.head_sha256 for one in found[:-1]]
        entry = uow.mediator.exchanges.get("m4")
        assert (entry.sequence, entry.batch) == (4, 2)
    assert report.head == f"3:{found[2].head_sha256}"


CHANGES = {
    "a status": "UPDATE mediator_messages SET status = 500 WHERE message_id = 'm5'",
    "a time": "UPDATE mediator_messages SET started_at = '2020-01-01 00:00:00.000000' WHERE message_id = 'm5'",
    "a consumer": "UPDATE mediator_messages SET consumer = 'ZZ/GOV/x/y' WHERE message_id = 'm1'",
    "a sum": "UPDATE mediator_messages SET response_sha256 = 'c' WHERE message_id = 'm9'",
    "a link": "UPDATE mediator_messages SET chain_sha256 = 'c' WHERE message_id = 'm9'",
    "an entry gone": "DELETE FROM mediator_messages WHERE message_id = 'm5'",
    "the last gone": "DELETE FROM mediator_messages WHERE message_id = 'm9'",
    "a batch's entries gone": "DELETE FROM mediator_messages WHERE batch = 2",
    "a batch gone": "DELETE FROM mediator_batches WHERE number = 2",
    "the first gone": "DELETE FROM mediator_batches WHERE number = 1",
    "said to be dropped": "UPDATE mediator_batches SET dropped_at = '2026-11-21 10:00:00.000000' WHERE number = 1",
    "a head": "UPDATE mediator_batches SET head_sha256 = 'c' WHERE number = 2",
    "a signing time": "UPDATE mediator_batches SET signed_at = '2020-01-01 00:00:00.000000' WHERE number = 3",
    "a signature": "UPDATE mediator_batches SET signature = (SELECT signature FROM mediator_batches WHERE number = 1)",
    "no signature": "UPDATE mediator_batches SET signature = '' WHERE number = 3",
    "an entry moved": "UPDATE mediator_messages SET batch = 3 WHERE message_id = 'm5'",
    "an entry in no batch": "UPDATE mediator_messages SET batch = 77, sequence = 99 WHERE message_id = 'm10'",
}


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_shows(log: Log, name: str) -> None:
    """Changed, removed, added, moved: no statement goes unnoticed."""
    log.batches(3, 3, 3)
    log.add(1)
    assert log.faults() == []
    log.change(CHANGES[name])
    assert log.faults() != []


def test_entries_that_change_places_show(log: Log) -> None:
    """Two entries with each other's sequence."""
    log.batches(4)
    log.change(
        "UPDATE mediator_messages SET sequence = -1 WHERE message_id = 'm2'",
        "UPDATE mediator_messages SET sequence = 2 WHERE message_id = 'm3'",
        "UPDATE mediator_messages SET sequence = 3 WHERE message_id = 'm2'",
    )
    assert log.faults() == ["batch 1: entry 2 (m3) is not as it was signed"]


def test_a_forger_without_the_key_shows(log: Log, tmp_path: Path) -> None:
    """A chain that is made again in full, but signed with another key."""
    log.batches(2, 2)
    log.change(
        "DELETE FROM mediator_batches",
        "UPDATE mediator_messages SET batch = NULL, sequence = NULL, chain_sha256 = NULL, status = 404",
    )
    forger = BlockKey.in_folder(tmp_path / "elsewhere")
    Sealing(records=log.records, signer=forger, clock=lambda: log.now, keep=timedelta(days=1)).seal()
    assert log.faults() == ["batch 1: is not as it was signed"]


def test_a_log_that_was_cut_off_shows_by_a_head_that_was_kept(log: Log) -> None:
    """Without it nobody could tell; with it, the newest batch is missed."""
    log.batches(2, 2)
    kept = MessageLogCheck(records=log.records, signer=log.signer).verify().head
    log.batches(1)
    assert log.faults(kept) == []
    log.change(
        "DELETE FROM mediator_messages WHERE batch > 1",
        "DELETE FROM mediator_batches WHERE number > 1",
    )
    assert log.faults() == []
    assert log.faults(kept) == ["batch 2: is gone"]
    log.batches(2)
    assert log.faults(kept) == ["batch 2: has another head than the one you kept"]
    with pytest.raises(InvalidInput):
        log.faults("2")


def test_old_batches_are_dropped_whole(log: Log) -> None:
    """Their exchanges go, their heads stay, and the rest still verifies; young ones are not touched."""
    log.batches(3, 2)
    log.now += timedelta(days=31)
    log.batches(4)
    assert log.sealing.drop() == 5
    assert log.sealing.drop() == 0
    report = MessageLogCheck(records=log.records, signer=log.signer).verify()
    assert (report.batches, report.dropped, report.entries, report.faults) == (3, 2, 4, ())
    with log.records.read() as uow:
        assert uow.mediator.exchanges.page(ExchangeFilter(), offset=0, limit=50).total == 4
    log.change("UPDATE mediator_batches SET drop_token = NULL WHERE number = 2")
    assert log.faults() == ["batch 2: was not dropped by this block"]


def test_several_sealers_make_one_chain(log: Log) -> None:
    """They take turns; no exchange is sealed twice and none is forgotten."""
    stop = threading.Event()
    threads = [threading.Thread(target=log.sealing.run_forever, args=(stop,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        log.add(3)
    stop.set()
    for thread in threads:
        thread.join()
    report = MessageLogCheck(records=log.records, signer=log.signer).verify()
    assert (report.entries, report.waiting, report.faults) == (60, 0, ())


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=4),
    field=st.sampled_from(["request_id", "method", "endpoint", "outcome", "request_sha256", "trace_id"]),
    data=st.data(),
)
def test_any_field_of_any_entry_counts(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], field: str, data: st.DataObject
) -> None:
    """Whatever is changed of whichever entry, its batch is named."""
    log = Log(tmp_path_factory.mktemp("log"))
    try:
        log.batches(*sizes)
        number = data.draw(st.integers(1, sum(sizes)))
        log.change(f"UPDATE mediator_messages SET {field} = 'other' WHERE message_id = 'm{number}'")  # noqa: S608
        batch = next(n for n in range(1, len(sizes) + 1) if number <= sum(sizes[:n]))
        assert log.faults() == [f"batch {batch}: entry {number} (m{number}) is not as it was signed"]
    finally:
        log.records.close()


def test_the_command_tells_and_fails(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line for each log, its head, and code 1 with what is wrong."""
    log.batches(2, 1)
    monkeypatch.setenv("JIBU_DATA_DIR", str(log.path.parent))
    good = CliRunner().invoke(cli, ["audit", "verify"])
    assert good.exit_code == 0
    assert "message log: 2 batches (0 dropped), 3 entries, 0 waiting: as signed" in good.output
    head = next(line for line in good.output.splitlines() if "head: messages=" in line).partition("head: ")[2]
    assert CliRunner().invoke(cli, ["audit", "verify", "--expect", head]).exit_code == 0
    log.change("UPDATE mediator_messages SET status = 500 WHERE message_id = 'm2'")
    bad = CliRunner().invoke(cli, ["audit", "verify"])
    assert bad.exit_code == 1
    assert "batch 1: entry 2 (m2) is not as it was signed" in bad.output
