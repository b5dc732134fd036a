"""A log of events in one file: for one box, and for whoever reads events over the API."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from jibu.domain.errors import Misconfigured, Unavailable
from jibu.domain.events import Event
from jibu.ports import LogSlice, Refusal

KEPT = 100_000
SCHEMA = """
CREATE TABLE IF NOT EXISTS log (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    subject TEXT NOT NULL,
    key TEXT NOT NULL,
    time TEXT NOT NULL,
    data TEXT NOT NULL
)
"""
BOUNDS = "SELECT min(position), max(position) FROM log"


class LocalBroker:
    """Keeps the newest ``kept`` events in order; an event id that it has already is passed over.

    Safe to share between threads and between processes.
    """

    def __init__(self, path: Path, *, kept: int = KEPT) -> None:
        """Open or create the log. Raises: Misconfigured, Unavailable."""
        self._kept = kept
        self._lock = threading.Lock()
        with _translated():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=10.0, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute(SCHEMA)

    def publish(self, events: Sequence[Event]) -> list[Refusal]:
        """Store events, all or none; a log on disk refuses none. Raises: Unavailable."""
        rows = [
            (e.event_id, e.type, e.subject, e.key, e.time.isoformat(), json.dumps(e.data)) for e in events
        ]
        with self._lock, _translated():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._db.executemany(
                    "INSERT INTO log (event_id, type, subject, key, time, data) VALUES (?, ?, ?, ?, ?, ?)"
                    " ON CONFLICT (event_id) DO NOTHING",
                    rows,
                )
                self._db.execute(
                    "DELETE FROM log WHERE position <= (SELECT max(position) FROM log) - ?", (self._kept,)
                )
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
        return []

    def read(self, *, after: int = 0, limit: int = 100) -> list[tuple[int, Event]]:
        """Return (position, event) of up to ``limit`` events behind a position, in order. Raises: Unavailable."""
        with self._lock, _translated():
            rows = self._db.execute(
                "SELECT position, event_id, type, subject, key, time, data FROM log"
                " WHERE position > ? ORDER BY position LIMIT ?",
                (after, limit),
            ).fetchall()
        return [(position, _event(rest)) for position, *rest in rows]

    def slice(self, *, after: int, limit: int, types: Sequence[str] = ()) -> LogSlice:
        """Return events behind a position, and where the log begins and ends. Raises: Unavailable."""
        with self._lock, _translated():
            self._db.execute("BEGIN")  # one snapshot for both questions
            try:
                first, last = self._db.execute(BOUNDS).fetchone()
                rows = self._db.execute(
                    "SELECT position, event_id, type, subject, key, time, data FROM log"
                    " WHERE position > ? AND (? = 0 OR type IN (SELECT value FROM json_each(?)))"
                    " ORDER BY position LIMIT ?",
                    (after, len(types), json.dumps(types), limit),
                ).fetchall()
            finally:
                self._db.execute("COMMIT")
        items = tuple((position, _event(rest)) for position, *rest in rows)
        return LogSlice(items, first or 0, last or 0)

    def ping(self) -> None:
        """Raises: Unavailable."""
        with self._lock, _translated():
            self._db.execute("SELECT 1").fetchone()

    def close(self) -> None:
        """Release the file; safe to call twice."""
        with self._lock:
            self._db.close()


def _event(row: Sequence[str]) -> Event:
    event_id, event_type, subject, key, time, data = row
    pairs = tuple((str(name), value) for name, value in json.loads(data))
    return Event(event_id, event_type, subject, key, datetime.fromisoformat(time), pairs)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise Unavailable("the event log cannot be used now", retry_after=2.0) from error
    except sqlite3.DatabaseError as error:
        raise Misconfigured("the event log is damaged; move it away") from error
    except OSError as error:
        raise Misconfigured(f"the event log cannot be used: {error.strerror}") from error
