"""PostgreSQL: one database for many processes on many machines."""

from __future__ import annotations

import importlib.util
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from jibu.adapters.store import schema
from jibu.adapters.store.postgres_errors import translate
from jibu.adapters.store.sql import SqlRecords
from jibu.adapters.store.turns import WRITES
from jibu.domain.errors import JibuError, Misconfigured

POOL = 20
TIMEOUT_S = 30.0
LOCK_S = 10.0
OLDEST = 130000
SHAPE = "postgresql://user:password@host:5432/database"
# A peer that is gone without a word is noticed within a minute.
NETWORK = {
    "connect_timeout": "5",
    "keepalives_idle": "20",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "40000",
    "application_name": "jibu",
}
LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")
TABLES_THAT_FORGET = (
    "document_contents",
    "document_texts",
    "consent_signatures",
    "consent_records",
    "consent_revisions",
    "consent_individuals",
    "audit_entries",
    "document_links",
    "document_names",
    "passages",
    "document_versions",
    "documents",
    "answers",
    "feedback",
    "conversation_turns",
    "conversations",
    "consent_decisions",
)


class Postgres:
    """What PostgreSQL does its own way. ``pool``: most connections; ``timeout_s``: longest statement."""

    def __init__(self, *, pool: int = POOL, timeout_s: float = TIMEOUT_S, lock_s: float = LOCK_S) -> None:
        self._pool = pool
        self._timeout_s = timeout_s
        self._lock_s = min(lock_s, timeout_s)

    def engine(self, url: str) -> Engine:
        """Return an engine that looks whether a connection still lives before it hands it out."""
        address = _address(url)
        engine = create_engine(
            address,
            pool_size=self._pool,
            max_overflow=0,
            pool_timeout=self._lock_s,
            pool_pre_ping=True,
            pool_recycle=1800,
            pool_use_lifo=True,
            use_native_hstore=False,
            hide_parameters=True,
            connect_args=self._connecting(address),
        )
        event.listen(engine, "begin", _begin)
        return engine

    def _connecting(self, address: URL) -> dict[str, str]:
        limits = {
            "statement_timeout": self._timeout_s,
            "lock_timeout": self._lock_s,
            "idle_in_transaction_session_timeout": max(60.0, self._timeout_s),
        }
        ours = " ".join(f"-c {name}={int(1000 * seconds)}" for name, seconds in limits.items())
        said = address.query
        network = {name: value for name, value in NETWORK.items() if name not in said}
        return {**network, "client_encoding": "utf8", "options": f"{ours} {said.get('options', '')}".strip()}

    def translate(self, error: DBAPIError) -> JibuError | None:
        """Sort PostgreSQL's error codes into: try again, set up wrongly, cannot be stored."""
        return translate(error.orig)

    def lock(self, connection: Connection, name: str) -> None:
        """Wait for an advisory lock that ends with the transaction."""
        connection.execute(LOCK, {"name": name})

    def try_lock(self, connection: Connection, name: str) -> bool:
        """Take an advisory lock if it is free."""
        return bool(connection.execute(TRY_LOCK, {"name": name}).scalar())

    def lock_schema(self, connection: Connection) -> None:
        """Wait as long as another migration takes; then let no statement of ours be too slow, but none wait long."""
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        self.lock(connection, "schema")
        connection.execute(text(f"SET LOCAL lock_timeout = {int(1000 * self._lock_s)}"))

    def compact(self, engine: Engine) -> None:
        """Vacuum the tables that held erased text.

        No query can see it afterwards and its space is used again, but PostgreSQL does not overwrite it at
        once, neither there nor in its write-ahead log, standbys and archives.
        """
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("SET statement_timeout = 0"))
            try:
                for table in TABLES_THAT_FORGET:
                    connection.execute(text(f"VACUUM {table}"))
            finally:
                connection.execute(text("RESET statement_timeout"))


def open_postgres(
    url: str, *, pool: int = POOL, timeout_s: float = TIMEOUT_S, lock_s: float = LOCK_S, migrate: bool = False
) -> SqlRecords:
    """Open a database whose tables `jibu migrate` has made (``migrate``: bring them up to date now).

    Raises: Misconfigured (address, password, encoding, tables older or newer than this code), Unavailable.
    """
    records = SqlRecords(url, Postgres(pool=pool, timeout_s=timeout_s, lock_s=lock_s))
    try:
        records.look(_check_server)
        if migrate:
            records.migrate()
        _check_revision(records.revision())
    except BaseException:
        records.close()
        raise
    return records


def connect_postgres(url: str) -> SqlRecords:
    """Open a database to migrate it, whatever its tables are. Raises: Misconfigured, Unavailable."""
    records = SqlRecords(url, Postgres(pool=2))
    try:
        records.look(_check_server)
    except BaseException:
        records.close()
        raise
    return records


def _address(url: str) -> URL:
    if importlib.util.find_spec("psycopg") is None:
        raise Misconfigured("PostgreSQL needs the package psycopg: pip install 'jibu-bb[production]'")
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        address = None
    if address is None or address.drivername not in ("postgresql", "postgres", "postgresql+psycopg"):
        # The address itself may hold a password: it is never repeated.
        raise Misconfigured(
            f"JIBU_DATABASE_URL is no address of a PostgreSQL database; it looks like {SHAPE}"
        )
    return address.set(drivername="postgresql+psycopg")


def _begin(connection: Connection) -> None:
    """Say how the transaction begins; the driver sends that with the first statement."""
    from psycopg import IsolationLevel

    # A pooled connection keeps what the last one said, so both are said every time.
    driver: Any = connection.connection.dbapi_connection
    writes = bool(connection.get_execution_options().get(WRITES, False))
    driver.isolation_level = IsolationLevel.READ_COMMITTED if writes else IsolationLevel.REPEATABLE_READ
    driver.read_only = not writes


def _check_server(connection: Connection) -> None:
    encoding = connection.execute(text("SHOW server_encoding")).scalar()
    if encoding != "UTF8":
        raise Misconfigured(f"the database's encoding is {encoding}: create it with ENCODING 'UTF8'")
    version = connection.execute(text("SHOW server_version_num")).scalar()
    if int(version or 0) < OLDEST:
        raise Misconfigured("PostgreSQL is too old: version 13 or later is needed")


def _check_revision(present: str | None) -> None:
    if present is None:
        raise Misconfigured("the database is empty: run `jibu migrate`")
    known = [revision for revision, _ in schema.steps()] if present != schema.HEAD else [present]
    if present not in known:
        raise schema.too_new(present)
    if present != schema.HEAD:
        raise Misconfigured(f"the database is at revision {present}, not {schema.HEAD}: run `jibu migrate`")
