"""SQLite: one file, write-ahead log, several processes at once."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from jibu.adapters.store.sql import SqlRecords
from jibu.adapters.store.turns import WRITES
from jibu.domain.errors import JibuError, Misconfigured, Unavailable

BUSY_S = 10.0
PRAGMAS = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA synchronous = FULL",
    "PRAGMA secure_delete = ON",
    "PRAGMA temp_store = MEMORY",
)
BUSY = {"SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL"}
BROKEN = {"SQLITE_CORRUPT", "SQLITE_NOTADB"}
CLOSED = {"SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH"}
FAILING = {"SQLITE_FULL", "SQLITE_IOERR", "SQLITE_NOMEM", "SQLITE_INTERRUPT", "SQLITE_TOOBIG"}


class Sqlite:
    """What SQLite does its own way. ``busy_s``: how long to wait for another process's lock."""

    def __init__(self, busy_s: float = BUSY_S) -> None:
        self._busy_s = busy_s

    def engine(self, url: str) -> Engine:
        """Return an engine that begins transactions itself: the driver would begin them too late."""
        engine = create_engine(
            url, pool_size=8, max_overflow=32, pool_timeout=BUSY_S, connect_args={"timeout": self._busy_s}
        )
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
        return engine

    def translate(self, error: DBAPIError) -> JibuError | None:
        """Sort SQLite's error codes into: try again, broken, not allowed, failing."""
        return _translate(error.orig)

    def lock(self, connection: Connection, name: str) -> None:
        """Do nothing: a writing transaction already excludes all others."""

    def try_lock(self, connection: Connection, name: str) -> bool:  # noqa: ARG002
        """Do nothing, as above."""
        return True

    def lock_schema(self, connection: Connection) -> None:
        """Do nothing: a writing transaction already excludes all others."""

    def compact(self, engine: Engine) -> None:
        """Write the file anew, then empty the log.

        Deleted cells are zeroed as they go, but copies that a rearranged page left behind are not. Writing the
        file anew takes about a second for 100 MB; writers wait meanwhile.
        """
        pooled = engine.raw_connection()
        try:
            cursor = pooled.cursor()
            cursor.execute("PRAGMA temp_store = FILE")  # the whole database passes through it
            try:
                cursor.execute("VACUUM")
            finally:
                cursor.execute("PRAGMA temp_store = MEMORY")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            busy = bool((cursor.fetchone() or (1,))[0])
        except sqlite3.Error as error:
            raise _translate(error) or Unavailable("the database cannot be compacted") from error
        finally:
            pooled.close()
        if busy:
            raise Unavailable("the database is being read; its log could not be emptied", retry_after=2.0)


def open_sqlite(path: Path, *, busy_s: float = BUSY_S, migrate: bool = True) -> SqlRecords:
    """Open or create the database file and bring its tables up to date (unless ``migrate`` is False).

    Raises: Misconfigured (not a database, newer than this code, no permission), Unavailable (locked, disk).
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _switch_to_wal(path)
    except sqlite3.Error as error:
        raise _translate(error) or Unavailable("the database cannot be opened") from error
    except OSError as error:
        raise Misconfigured(f"the data folder cannot be used: {error.strerror}") from error
    records = SqlRecords(str(URL.create("sqlite+pysqlite", database=str(path))), Sqlite(busy_s))
    try:
        if migrate:
            records.migrate()
    except BaseException:
        records.close()
        raise
    return records


def _switch_to_wal(path: Path) -> None:
    """Set the journal mode, which the file then remembers. SQLite does not wait for locks here, so we do."""
    deadline = time.monotonic() + BUSY_S
    connection = sqlite3.connect(path, timeout=BUSY_S)
    try:
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if _code(error) not in BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return
    finally:
        connection.close()


def _prepare(connection: sqlite3.Connection, record: Any) -> None:  # noqa: ARG001
    connection.isolation_level = None
    for pragma in PRAGMAS:
        connection.execute(pragma)


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _code(error: BaseException | None) -> str:
    """Return the primary result code: extended ones add a suffix (SQLITE_BUSY_SNAPSHOT)."""
    name = getattr(error, "sqlite_errorname", None) or ""
    return "_".join(name.split("_")[:2])


def _translate(error: BaseException | None) -> JibuError | None:
    code = _code(error)
    if code in BUSY:
        return Unavailable("the database is busy", retry_after=2.0)
    if code in BROKEN:
        return Misconfigured("the database file is damaged or is no database; restore it from a backup")
    if code in CLOSED:
        return Misconfigured("the database file cannot be opened or written; check its folder's permissions")
    if code in FAILING:
        return Unavailable("the database cannot store or read; check the disk", retry_after=30.0)
    return None
