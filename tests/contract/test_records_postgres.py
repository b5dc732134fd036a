"""PostgreSQL against the record store's contract, and what only PostgreSQL does."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from jibu.adapters.store.postgres import open_postgres
from jibu.adapters.store.sql import SqlRecords
from jibu.domain.errors import Conflict, InvalidInput, Misconfigured, Unavailable
from jibu.testing.records_contract import RecordsContract
from jibu.testing.records_samples import collection, event, receive

sys.path.insert(0, str(Path(__file__).parents[2]))  # the helpers beside the tests

from tests.services import postgres

POOL = 40
THROW_OUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE application_name = 'jibu' AND state LIKE 'idle%'"
)


@pytest.fixture
def url() -> str:
    """Where a database with empty tables is."""
    return postgres.empty_database()


@pytest.fixture
def open_records(url: str) -> Callable[[], SqlRecords]:
    """Open the same database again."""
    return partial(open_postgres, url, pool=POOL)


@pytest.fixture
def records(open_records: Callable[[], SqlRecords]) -> Iterator[SqlRecords]:
    """A new database."""
    found = open_records()
    yield found
    found.close()


class TestPostgres(RecordsContract):
    """The contract."""


def sqlstate(connection: Connection, statement: str) -> str | None:
    """Run a statement and return a value as text."""
    return str(connection.execute(text(statement)).scalar())


def test_reads_are_snapshots_that_cannot_write_and_writes_are_bounded(records: SqlRecords) -> None:
    """The server is told so, and how long anything may take."""

    def told(unit: object) -> dict[str, str | None]:
        connection = unit._connection  # type: ignore[attr-defined]  # noqa: SLF001
        names = ("transaction_isolation", "transaction_read_only", "statement_timeout", "lock_timeout")
        return {name: sqlstate(connection, f"SHOW {name}") for name in names}

    for _ in range(2):  # a pooled connection forgets what the last one said
        with records.read() as uow:
            assert told(uow) == {
                "transaction_isolation": "repeatable read",
                "transaction_read_only": "on",
                "statement_timeout": "30s",
                "lock_timeout": "10s",
            }
        with records.write() as uow:
            found = told(uow)
            assert (found["transaction_isolation"], found["transaction_read_only"]) == (
                "read committed",
                "off",
            )


def test_ids_sort_as_in_every_other_database(records: SqlRecords) -> None:
    """By code points, though this server's language would sort otherwise."""
    names = ["a-b", "a.b", "ab", "a_b", "a-a", "a0"]
    with records.write() as uow:
        for name in names:
            uow.collections.put(collection(name))
        assert [c.collection_id for c in uow.collections.all()] == sorted(names)


def test_waiting_for_another_writer_ends(url: str) -> None:
    """With a hint when to come back; a reader does not wait at all."""
    records = open_postgres(url, lock_s=0.3)
    with records.write() as holder:
        holder.collections.put(collection())
        started = time.monotonic()
        with records.write() as uow, pytest.raises(Unavailable) as caught:
            uow.collections.put(collection())
        assert caught.value.retry_after > 0
        assert time.monotonic() - started < 5
        with records.read() as uow:
            assert uow.collections.all() == []
    records.close()


def test_a_slow_statement_ends(url: str) -> None:
    """No caller waits for ever."""
    records = open_postgres(url, timeout_s=0.3)
    with pytest.raises(Unavailable, match="took too long"):
        records.look(lambda connection: connection.execute(text("SELECT pg_sleep(30)")) and None)
    records.close()


def test_connections_run_out_in_bounded_time(url: str) -> None:
    """More units than connections: the last one is told that the database is busy."""
    records = open_postgres(url, pool=2, lock_s=0.3)
    with records.read(), records.read(), pytest.raises(Unavailable), records.read():
        pass
    records.close()


def test_text_that_cannot_be_stored_is_refused(records: SqlRecords) -> None:
    """PostgreSQL has no place for NUL; it is the input's fault, not the database's."""
    with records.write() as uow, pytest.raises(InvalidInput):
        uow.collections.put(collection(title="a\x00b"))


def test_a_broken_constraint_is_a_conflict(records: SqlRecords) -> None:
    """What no turn prevents is told as what it is: somebody else came first."""

    def twice() -> None:
        with records.write() as uow:
            uow.outbox.emit(event(1))
            uow.outbox.emit(event(1))

    with pytest.raises(Conflict):
        twice()


def test_addresses_that_cannot_work_say_what_to_do() -> None:
    """Each mistake has its own sentence, and none repeats the password."""
    running = postgres.server()
    wrong = {
        "looks like postgresql://": "mysql://owner:only%20for%20tests@127.0.0.1/jibu",
        "looks like ": "owner:only%20for%20tests",
        "user or password": running.url(password="wrong"),
        "no such database": running.url("nowhere"),
        "option": running.url() + "?sslmod=verify-full",
        "has no TLS": running.url() + "?sslmode=require",
        "run `jibu migrate`": running.new_database(),
    }
    for words, url in wrong.items():
        with pytest.raises(Misconfigured, match=words) as caught:
            open_postgres(url)
        assert "only" not in str(caught.value)


def test_a_server_that_is_away_is_unavailable() -> None:
    """At once where nobody listens; with a hint when to come back."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        with pytest.raises(Unavailable) as caught:
            open_postgres(f"postgresql://owner:x@127.0.0.1:{found.getsockname()[1]}/jibu")
    assert caught.value.retry_after > 0


def test_a_database_in_another_encoding_is_refused() -> None:
    """Before anything is stored in it."""
    running = postgres.server()
    running.sql(
        "CREATE DATABASE latin TEMPLATE template0 ENCODING LATIN1 LOCALE_PROVIDER libc "
        "LC_COLLATE 'C' LC_CTYPE 'C'"
    )
    with pytest.raises(Misconfigured, match="ENCODING 'UTF8'"):
        open_postgres(running.url("latin"))


def test_connections_that_died_while_idle_are_replaced(records: SqlRecords) -> None:
    """Nobody notices that the server threw everybody out."""
    receive(records, "d1")
    postgres.server().sql(THROW_OUT)
    with records.read() as uow:
        assert uow.documents.get("d1").version == 1
    receive(records, "d2")


def test_a_connection_that_dies_in_a_transaction_is_unavailable(records: SqlRecords) -> None:
    """Nothing of it is kept, and the next one works."""
    receive(records, "d1")
    with records.write() as uow:
        uow.documents.get("d1")
        postgres.server().sql(THROW_OUT)
        with pytest.raises(Unavailable):
            uow.documents.erase("d1")
    with records.read() as uow:
        assert uow.documents.get("d1").version == 1
        postgres.server().sql(THROW_OUT)
        with pytest.raises(Unavailable):
            uow.documents.get("d1")
    receive(records, "d2")


def test_a_lost_commit_says_that_it_may_have_been_kept(records: SqlRecords) -> None:
    """Nobody repeats it unasked: the caller is told to look."""
    with records.write() as uow:
        uow.collections.put(collection())
        postgres.server().sql(THROW_OUT)
        with pytest.raises(Unavailable, match="may have been or not"):
            uow.commit()


def test_a_killed_server_comes_back_as_it_was(records: SqlRecords) -> None:
    """What was committed is there; what was under way is not, and was said to be Unavailable."""
    receive(records, "d1")
    running = postgres.server()
    with records.write() as uow:
        uow.documents.erase("d1")
        running.kill()
        with pytest.raises(Unavailable):
            uow.commit()
    for refused in (records.ping, lambda: receive(records, "d2")):
        with pytest.raises(Unavailable):
            refused()
    running.start()
    records.ping()
    with records.read() as uow:
        assert uow.documents.get("d1").version == 1
    receive(records, "d2")
