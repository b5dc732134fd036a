"""SQLite against the record store's contract, and what only SQLite does."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from jibu.adapters.store import schema, sqlite, tables
from jibu.adapters.store.sql import SqlRecords
from jibu.adapters.store.sqlite import open_sqlite
from jibu.domain.errors import Misconfigured, NotFound, Unavailable
from jibu.testing.records_contract import RecordsContract
from jibu.testing.records_samples import receive, whole


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database is."""
    return tmp_path / "data" / "jibu.db"


@pytest.fixture
def records(path: Path) -> Iterator[SqlRecords]:
    """A new database."""
    found = open_sqlite(path)
    yield found
    found.close()


@pytest.fixture
def open_records(path: Path) -> Callable[[], SqlRecords]:
    """Open the same file again."""
    return partial(open_sqlite, path)


class TestSqlite(RecordsContract):
    """The contract."""


def test_the_database_is_durable_and_forgets(records: SqlRecords, path: Path) -> None:
    """Write-ahead log, full synchronisation, foreign keys, deleted bytes overwritten."""
    engine = sqlite.Sqlite().engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
    engine.dispose()
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}


def test_erased_text_is_in_no_file(records: SqlRecords, path: Path) -> None:
    """Neither the content nor the passages of an erased document stay, in the log either."""
    secret = b"pasipoti"
    receive(records, "d0", b"something else")
    whole(records, "d1", b"only here: zebra")
    with records.write() as uow:
        uow.documents.erase("d1")
        uow.commit()
    records.compact()
    for file in path.parent.iterdir():
        held = file.read_bytes()
        assert b"zebra" not in held
        assert secret not in held


def test_compacting_waits_for_readers(path: Path) -> None:
    """A snapshot that stays open makes it Unavailable, not silently undone."""
    records = open_sqlite(path, busy_s=0.05)
    receive(records, "d1")
    with records.read() as uow:
        uow.documents.get("d1")
        receive(records, "d2")
        with pytest.raises(Unavailable):
            records.compact()
    records.compact()
    records.close()


def test_a_locked_database_is_unavailable(path: Path) -> None:
    """A writer that never ends costs others a bounded time and a hint when to come back."""
    records = open_sqlite(path, busy_s=0.05)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable) as caught, records.write():
        pass
    assert caught.value.retry_after > 0
    with records.read() as uow:
        assert uow.collections.all() == []
    holder.close()
    with records.write() as uow:
        uow.commit()
    records.close()


def test_a_database_cut_off_is_named(records: SqlRecords, path: Path) -> None:
    """Damage is Misconfigured with what to do, on opening and on reading."""
    whole(records, "d1")
    records.compact()
    records.close()
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * 40_000)
    with pytest.raises(Misconfigured), open_sqlite(path).read() as uow:
        uow.documents.get("d1")


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    """It is left as it is."""
    path = tmp_path / "jibu.db"
    path.write_bytes(b"my holiday pictures" * 100)
    with pytest.raises(Misconfigured):
        open_sqlite(path)
    assert path.read_bytes() == b"my holiday pictures" * 100


def test_a_newer_database_is_refused(records: SqlRecords, path: Path) -> None:
    """Its revision is named and nothing is changed."""
    records.close()
    with sqlite3.connect(path) as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
    db.close()
    with pytest.raises(Misconfigured, match="9999"):
        open_sqlite(path)


def test_many_may_open_a_new_database_at_once(path: Path) -> None:
    """Exactly one of them migrates."""
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: open_sqlite(path), range(6)))
    for records in found:
        receive(records, "d1")
        records.close()
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT version FROM documents").fetchall() == [(6,)]
        assert db.execute("SELECT count(*) FROM counters").fetchone() == (1,)
    db.close()


def test_migrations_make_the_tables_that_the_queries_use(records: SqlRecords, path: Path) -> None:
    """And the newest one is the one that the code names."""
    records.close()
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []
    engine.dispose()
    assert ScriptDirectory(str(schema.MIGRATIONS)).get_current_head() == schema.HEAD


def test_migrations_go_down_and_up_again(records: SqlRecords, path: Path) -> None:
    """Down leaves nothing but the note of where we are."""
    whole(records, "d1")
    records.migrate("base")
    with sqlite3.connect(path) as db:
        names = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    db.close()
    assert names <= {"alembic_version", "sqlite_sequence"}
    records.migrate()
    with records.read() as uow, pytest.raises(NotFound):
        uow.documents.get("d1")
