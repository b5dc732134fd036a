"""Who waits for whom where a database lets several transactions write at once.

A writing transaction takes a turn for each thing (collection, document and its jobs, conversation …) before it
looks at it, and keeps it until it ends. So what it read stays true while it writes, as if it wrote alone. Where
several are needed they are taken in this order, so that nobody waits in a circle: person, collection, origin, key.
For consent: agreement, policy, individual, record, signature, webhooks' keys by id, audit.
"""

from __future__ import annotations

from typing import Protocol

from sqlalchemy import Connection

WRITES = "jibu_writes"
"""Execution option that tells a vendor's begin hook that the transaction may write."""
TURNS = "jibu_turns"
"""Execution option with the ``Turns`` of a writing transaction."""

COLLECTION = "collection"
ORIGIN = "origin"
"""What documents are found by when they come again: owner and external id, or content."""
KEY = "key"
"""A document with its versions, receipt and jobs; also other keys of jobs."""
PERSON = "person"
"""What is kept on behalf of an individual; taken first of all, by who keeps under a consent and by who erases."""
CONVERSATION = "conversation"
ANSWER = "answer"
ROOM = "room"
"""A Pub/Sub room; taken before keys of jobs."""
LEASE = "lease"
POLICY = "policy"
AGREEMENT = "agreement"
INDIVIDUAL = "individual"
RECORD = "record"
AUDIT = "audit"
"""Taken last of all: every change to consent ends with an entry in the one audit log."""
EVENT = "event"
"""The key of an event. Whoever tells of it takes this last, so that events of a key leave in order of commits."""


class Locking(Protocol):
    """How one database makes transactions wait. Locks end with their transaction."""

    def lock(self, connection: Connection, name: str) -> None:
        """Wait for a lock. Raises: Unavailable when that takes too long."""

    def try_lock(self, connection: Connection, name: str) -> bool:
        """Take a lock if it is free."""


class Turns:
    """The turns that one writing transaction has."""

    def __init__(self, vendor: Locking) -> None:
        self._vendor = vendor
        self._held: set[str] = set()

    def take(self, connection: Connection, name: str) -> None:
        """Wait for a turn, once."""
        if name not in self._held:
            self._vendor.lock(connection, name)
            self._held.add(name)

    def try_take(self, connection: Connection, name: str) -> bool:
        """Take a turn that nobody has."""
        if name not in self._held and self._vendor.try_lock(connection, name):
            self._held.add(name)
        return name in self._held


def take(connection: Connection, kind: str, *name: str | None) -> None:
    """Wait for the turn on one thing; transactions that only read need none. Raises: Unavailable."""
    turns: Turns | None = connection.get_execution_options().get(TURNS)
    if turns is not None:
        turns.take(connection, _text(kind, name))


def try_take(connection: Connection, kind: str, *name: str | None) -> bool:
    """Take the turn on one thing unless another transaction has it."""
    turns: Turns | None = connection.get_execution_options().get(TURNS)
    return turns is None or turns.try_take(connection, _text(kind, name))


def _text(kind: str, name: tuple[str | None, ...]) -> str:
    return repr((kind, *name))
