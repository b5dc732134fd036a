"""Freshness: other blocks tell that the source of a document changed or was withdrawn.

Nobody is believed unless the settings name the teller (the event's ``source``) for the collection. Each event is
dealt with once. A message that cannot be dealt with is put aside and never stops the others.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import structlog

from jibu.domain.arrivals import Arrival, SourceEvent, Unreadable, dead_letter, read_source_event
from jibu.domain.errors import JibuError, NotFound, TemporaryError
from jibu.domain.event_types import SOURCE_CHANGED
from jibu.ports import Clock, Inbox, Records
from jibu.usecases.publishing import backoff
from jibu.usecases.telling import tell_document

AT_ONCE, WAIT_S = 100, 0.5
TRIES = 5
FIRST_DELAY_S, LONGEST_DELAY_S = 1.0, 30.0
CHORES_EVERY_S = 10.0
REMEMBER = timedelta(days=30)
"""How long an event is known by its id. An older one is not believed: it may have been dealt with and forgotten."""
AHEAD = timedelta(days=1)
"""How far clocks may differ. What claims to come from later could come again when its id is forgotten."""
MOST_BURIED = 10_000

Allowed = frozenset[tuple[str, str]]
"""(source, collection id) pairs that are believed."""

Withdraw = Callable[[str, str], object]
"""Erases a document; gets who asked for it and its id. Raises: NotFound; Unavailable."""


class Freshness:
    """Deals with one message."""

    def __init__(self, *, records: Records, clock: Clock, withdraw: Withdraw, allowed: Allowed) -> None:
        self._records = records
        self._clock = clock
        self._withdraw = withdraw
        self._allowed = allowed
        self._log = structlog.get_logger("jibu.freshness")

    def deal_with(self, arrival: Arrival) -> str:
        """Do what the event asks, once; return ``done``, ``again`` or ``buried``. Raises: Unavailable."""
        try:
            told = read_source_event(arrival.value)
        except Unreadable as error:
            return self.bury(arrival, str(error))
        if (told.source, told.collection_id) not in self._allowed:
            return self.bury(arrival, "not-allowed")
        if not self._clock() - REMEMBER <= told.time <= self._clock() + AHEAD:
            return self.bury(arrival, "too-old" if told.time < self._clock() else "from-the-future")
        return self._changed(told) if told.type == SOURCE_CHANGED else self._withdrawn(told)

    def bury(self, arrival: Arrival, reason: str) -> str:
        """Put a message aside. Raises: Unavailable."""
        with self._records.write() as uow:
            uow.incoming.bury(dead_letter(arrival, reason), at=self._clock())
            uow.commit()
        self._log.warning("message put aside", place=arrival.place, reason=reason)
        return "buried"

    def note(self, lag: int) -> None:
        """Keep the lag for the metrics, and forget events long past. Raises: Unavailable."""
        with self._records.write() as uow:
            uow.incoming.note_lag(lag)
            uow.incoming.forget(before=self._clock() - REMEMBER - AHEAD)
            uow.incoming.prune(before=self._clock() - REMEMBER, keep=MOST_BURIED)
            uow.commit()

    def _changed(self, told: SourceEvent) -> str:
        """Mark the document stale, in the transaction that notes the event."""
        at = self._clock()
        with self._records.write() as uow:
            document = uow.documents.find(
                told.collection_id, owner=None, external_id=told.external_id, sha256=""
            )
            if not uow.incoming.first(told.once, at=at):
                return "again"
            if document is None:
                self._unknown(told)
            elif uow.documents.mark_stale(document.document_id, at=at):
                tell_document(uow, "staled", document, at)
            uow.commit()
        return "done"

    def _withdrawn(self, told: SourceEvent) -> str:
        """Erase the document, then note the event: erasing twice is erasing once."""
        with self._records.read() as uow:
            if uow.incoming.seen(told.once):
                return "again"
            document = uow.documents.find(
                told.collection_id, owner=None, external_id=told.external_id, sha256=""
            )
        if document is None:
            self._unknown(told)
        else:
            with suppress(NotFound):  # somebody else was faster
                self._withdraw(told.source, document.document_id)
        with self._records.write() as uow:
            uow.incoming.first(told.once, at=self._clock())
            uow.commit()
        return "done"

    def _unknown(self, told: SourceEvent) -> None:
        """Tell of a source that no document is from: nothing to do, and maybe a mistake in a name."""
        self._log.info("no document is from this source", collection=told.collection_id, type=told.type)


class Listening:
    """Takes messages from the inbox until it is told to stop."""

    def __init__(self, *, inbox: Inbox, freshness: Freshness, first_delay_s: float = FIRST_DELAY_S) -> None:
        self._inbox = inbox
        self._freshness = freshness
        self._first_delay_s = first_delay_s
        self._failures = 0
        self._tries: dict[str, int] = {}
        self._chores_from = 0.0
        self._log = structlog.get_logger("jibu.freshness")

    def run_forever(self, stop: threading.Event) -> None:
        """Listen until ``stop`` is set. Errors are logged and never end the loop."""
        while not stop.is_set():
            try:
                self.turn()
                self._failures = 0
            except Exception as error:  # noqa: BLE001 - whatever it is, the listener must live
                with suppress(Exception):  # what is stuck has to show
                    self._chores()
                self._inbox.start_over()
                self._failures += 1
                delay = backoff(self._failures, self._first_delay_s, LONGEST_DELAY_S)
                name = error.code if isinstance(error, JibuError) else type(error).__name__
                self._log.warning("listening failed", error=name, again_in_s=delay)
                stop.wait(delay)

    def turn(self) -> int:
        """Deal with the next messages; return how many. They are settled after all their transactions.

        Raises: Unavailable; Misconfigured.
        """
        arrivals = self._inbox.poll(wait_s=WAIT_S, limit=AT_ONCE)
        for arrival in arrivals:
            self._one(arrival)
        if arrivals:
            self._inbox.settle()
            self._tries.clear()
        self._chores()
        return len(arrivals)

    def _chores(self) -> None:
        if time.monotonic() >= self._chores_from:
            self._freshness.note(self._inbox.lag())
            self._chores_from = time.monotonic() + CHORES_EVERY_S

    def _one(self, arrival: Arrival) -> None:
        """Deal with a message; one that fails again and again for no passing reason is put aside."""
        try:
            self._freshness.deal_with(arrival)
        except TemporaryError:
            raise
        except Exception as error:
            tried = self._tries[arrival.place] = self._tries.get(arrival.place, 0) + 1
            if tried < TRIES:
                raise
            self._log.warning("message failed", place=arrival.place, error=type(error).__name__)
            self._freshness.bury(arrival, "internal-error")
