"""The record store on SQLAlchemy Core. What one database does its own way is in its ``Vendor``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, Self

from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from jibu.adapters.store import schema
from jibu.adapters.store.audit import SqlAudit
from jibu.adapters.store.collections import SqlCollections
from jibu.adapters.store.consent import SqlConsent
from jibu.adapters.store.consent_agreements import SqlAgreements, SqlRevisions
from jibu.adapters.store.conversations import SqlConversations
from jibu.adapters.store.decisions import SqlDecisions
from jibu.adapters.store.documents import SqlDocuments
from jibu.adapters.store.generations import SqlGenerations
from jibu.adapters.store.incoming import SqlIncoming
from jibu.adapters.store.mediator import SqlMediator
from jibu.adapters.store.outbox import SqlOutbox
from jibu.adapters.store.parked import SqlParked
from jibu.adapters.store.pubsub import SqlPubSub
from jibu.adapters.store.receipts import SqlReceipts
from jibu.adapters.store.turns import TURNS, WRITES, Locking, Turns
from jibu.adapters.store.webhooks import SqlWebhooks
from jibu.domain.errors import Conflict, JibuError, Unavailable


class Vendor(Locking, Protocol):
    """What differs between databases."""

    def engine(self, url: str) -> Engine:
        """Return an engine whose transactions are snapshots or, where ``WRITES`` asks for it, may write.

        Those that write exclude each other, or they see what is committed and take turns (see ``turns``).
        """

    def translate(self, error: DBAPIError) -> JibuError | None:
        """Return the domain's word for a driver's error, None to let it pass (broken constraints)."""

    def lock_schema(self, connection: Connection) -> None:
        """Hold other processes' migrations off until the transaction ends."""

    def compact(self, engine: Engine) -> None:
        """Take bytes of removed rows out of the files. Raises: Unavailable."""


UNKNOWN = "the connection to the database was lost while a change was being kept; it may have been or not"


class SqlUnitOfWork:
    """One transaction. See ``jibu.ports.UnitOfWork``."""

    def __init__(self, engine: Engine, vendor: Vendor, *, writes: bool) -> None:
        self._engine = engine
        self._vendor = vendor
        self._writes = writes
        self._connection: Connection | None = None

    def __enter__(self) -> Self:
        try:
            connection = self._engine.connect()
        except PoolTimeout as error:
            raise Unavailable("the database is busy", retry_after=2.0) from error
        turns = Turns(self._vendor) if self._writes else None
        self._connection = connection.execution_options(**{WRITES: self._writes, TURNS: turns})
        try:
            self._connection.begin()
        except BaseException:
            self._connection.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        for error in exc:
            if isinstance(error, IntegrityError):
                raise Conflict("another change came first; look again and repeat this one") from error

    def commit(self) -> None:
        """Make the changes durable and visible.

        Raises: Unavailable. Where the connection broke meanwhile nobody knows whether they were kept, so this is
        never repeated here; the caller may look, or send the same again: every change in Jibu allows that.
        """
        connection = self._open
        try:
            connection.commit()
        except Unavailable as error:
            if not connection.invalidated:
                raise
            raise Unavailable(UNKNOWN, retry_after=error.retry_after) from error

    @property
    def _open(self) -> Connection:
        if self._connection is None:
            raise RuntimeError("a unit of work is used outside its with block")
        return self._connection

    @property
    def collections(self) -> SqlCollections:
        """Collections."""
        return SqlCollections(self._open)

    @property
    def documents(self) -> SqlDocuments:
        """Documents."""
        return SqlDocuments(self._open)

    @property
    def conversations(self) -> SqlConversations:
        """Conversations, answers and feedback."""
        return SqlConversations(self._open)

    @property
    def outbox(self) -> SqlOutbox:
        """Events and jobs."""
        return SqlOutbox(self._open)

    @property
    def pubsub(self) -> SqlPubSub:
        """Rooms, subscriptions and their events."""
        return SqlPubSub(self._open)

    @property
    def mediator(self) -> SqlMediator:
        """Directory and message log of the information mediator."""
        return SqlMediator(self._open)

    @property
    def incoming(self) -> SqlIncoming:
        """Events of other blocks."""
        return SqlIncoming(self._open)

    @property
    def receipts(self) -> SqlReceipts:
        """Erasure receipts."""
        return SqlReceipts(self._open)

    @property
    def consent(self) -> SqlConsent:
        """Individuals, consent records and signatures."""
        return SqlConsent(self._open)

    @property
    def agreements(self) -> SqlAgreements:
        """Policies and data agreements."""
        return SqlAgreements(self._open)

    @property
    def revisions(self) -> SqlRevisions:
        """Revisions."""
        return SqlRevisions(self._open)

    @property
    def audit(self) -> SqlAudit:
        """The audit log."""
        return SqlAudit(self._open)

    @property
    def webhooks(self) -> SqlWebhooks:
        """Webhooks and their deliveries."""
        return SqlWebhooks(self._open)

    @property
    def generations(self) -> SqlGenerations:
        """Generations of the index."""
        return SqlGenerations(self._open)

    @property
    def decisions(self) -> SqlDecisions:
        """Consent decisions."""
        return SqlDecisions(self._open)

    @property
    def parked(self) -> SqlParked:
        """What waits for an operator."""
        return SqlParked(self._open)


class SqlRecords:
    """The record store. Safe to share between threads; several processes may use one database."""

    def __init__(self, url: str, vendor: Vendor) -> None:
        self._vendor = vendor
        self._engine = vendor.engine(url)
        event.listen(self._engine, "handle_error", self._translate)

    def _translate(self, context: ExceptionContext) -> None:
        error = context.sqlalchemy_exception
        if not isinstance(error, DBAPIError):
            return
        if context.is_pre_ping and context.is_disconnect:
            return  # the pool opens another connection
        known = self._vendor.translate(error)
        if known is not None:
            raise known from error

    def read(self) -> SqlUnitOfWork:
        """Open a snapshot."""
        return SqlUnitOfWork(self._engine, self._vendor, writes=False)

    def write(self) -> SqlUnitOfWork:
        """Open a transaction that may write."""
        return SqlUnitOfWork(self._engine, self._vendor, writes=True)

    def migrate(self, revision: str = schema.HEAD) -> None:
        """Bring the tables to a revision; processes that do so at once wait for each other.

        Raises: Misconfigured when the database is newer than this code; Unavailable.
        """
        with self._engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
            self._vendor.lock_schema(connection)
            schema.migrate(connection, revision)

    def look(self, check: Callable[[Connection], None]) -> None:
        """Let ``check`` look at the database itself. Raises: Unavailable, Misconfigured, what ``check`` raises."""
        with self._engine.connect() as connection, connection.begin():
            check(connection)

    def revision(self) -> str | None:
        """Return the tables' revision, None where there are none. Raises: Misconfigured when it is half there."""
        with self._engine.connect() as connection, connection.begin():
            return schema.whole(connection)

    def compact(self) -> None:
        """Overwrite what removed rows left behind. Raises: Unavailable."""
        self._vendor.compact(self._engine)

    def ping(self) -> None:
        """Raises: Unavailable."""
        with self._engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        """Release connections."""
        self._engine.dispose()
