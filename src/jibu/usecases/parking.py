"""What an operator does with what was given up or put aside.

A parked event holds up the later ones of its key: retried it goes first, dropped it lets them go. A parked push or
webhook message has let later ones pass: retried it comes after them. A message of others is not kept: whoever sent
it has to send it again.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from jibu.domain.access import Caller
from jibu.domain.consent.values import Schema
from jibu.domain.errors import Conflict, Forbidden, NotFound
from jibu.domain.parked import Kind, Parked, Place
from jibu.domain.pubsub import PUBLISHED
from jibu.ports import Clock, Page, Records, UnitOfWork
from jibu.usecases.consent.noting import Actor, Noting
from jibu.usecases.consent.webhooks import webhook_hash
from jibu.usecases.pubsub.publishing import FanOut
from jibu.usecases.work import WEBHOOK

AT_ONCE = 500
SCOPES = {
    Kind.EVENT: "mediator.admin",
    Kind.PUSH: "mediator.admin",
    Kind.WEBHOOK: "consent.config",
    Kind.MESSAGE: "mediator.admin",
}
OPERATOR = Caller("command-line", frozenset(SCOPES.values()))
"""Who works at the command line of the block's own machine."""


@dataclass(frozen=True, slots=True)
class Retried:
    """How many are tried again, and how many are left: those that cannot be, and those over ``AT_ONCE``."""

    retried: int
    left: int


@dataclass(frozen=True, slots=True)
class Round:
    """What came of one look at ``AT_ONCE`` items: how many are tried again, and how many cannot be.

    ``last``: where the last of them stood; where there was none, where the look began. ``behind``: how many stand
    behind it.
    """

    retried: int
    refused: int
    behind: int
    last: Place | None


class Parking:
    """List, retry, drop. Who did what is in the signed audit log."""

    def __init__(self, *, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock
        self._log = structlog.get_logger("jibu.parking")

    def page(
        self, caller: Caller, kind: Kind, *, key: str | None = None, offset: int, limit: int
    ) -> Page[Parked]:
        """List what is parked, oldest first. Raises: Forbidden, Unavailable."""
        _check(caller, kind)
        with self._records.read() as uow:
            return uow.parked.page(kind, key=key, offset=offset, limit=limit)

    def get(self, caller: Caller, kind: Kind, item_id: str) -> Parked:
        """Return one. Raises: Forbidden, NotFound, Unavailable."""
        _check(caller, kind)
        with self._records.read() as uow:
            return uow.parked.get(kind, item_id)

    def retry(self, caller: Caller, kind: Kind, item_id: str) -> None:
        """Have one tried again now. Raises: Forbidden, NotFound, Conflict (it cannot be), Unavailable."""
        _check(caller, kind)
        with self._records.write() as uow:
            item = uow.parked.get(kind, item_id)
            self._again(uow, item)
            self._note(uow, caller, item, "retried")
            uow.commit()
        self._told("retried", caller, kind, item_id)

    def retry_all(self, caller: Caller, kind: Kind, *, key: str | None = None) -> Retried:
        """Have the oldest ``AT_ONCE`` tried again now, all or those of a key. Raises: Forbidden, Unavailable."""
        found = self.retry_next(caller, kind, key=key)
        refused = found.refused
        while found.behind and not found.retried:  # those that cannot be do not keep it from the others
            found = self.retry_next(caller, kind, key=key, after=found.last)
            refused += found.refused
        return Retried(found.retried, refused + found.behind)

    def retry_next(
        self, caller: Caller, kind: Kind, *, key: str | None = None, after: Place | None = None
    ) -> Round:
        """Have the oldest ``AT_ONCE`` behind a place tried again now. Raises: Forbidden, Unavailable.

        Whoever goes on behind the ``last`` place sees nothing twice, even where the broker refuses all at once.
        """
        _check(caller, kind)
        if kind is Kind.MESSAGE:  # what it said is not kept: nothing to look at one by one
            return Round(0, self.page(caller, kind, key=key, offset=0, limit=1).total, 0, after)
        retried: list[Parked] = []
        refused = 0
        with self._records.write() as uow:
            found = uow.parked.page(kind, key=key, after=after, offset=0, limit=AT_ONCE)
            # By key, and the log last: whoever else changes several waits for the same ones in the same order.
            for item in sorted(found.items, key=lambda one: one.key):
                try:
                    self._again(uow, item)
                except Conflict:
                    refused += 1
                    continue
                except NotFound:  # somebody else was faster
                    continue
                retried.append(item)
            for item in retried:
                self._note(uow, caller, item, "retried")
            uow.commit()
        for item in retried:
            self._told("retried", caller, kind, item.item_id)
        last = (found.items[-1].at, found.items[-1].item_id) if found.items else after
        return Round(len(retried), refused, found.total - len(found.items), last)

    def drop(self, caller: Caller, kind: Kind, item_id: str) -> None:
        """Give one up for good: nobody will be told of it. Raises: Forbidden, NotFound, Unavailable.

        What was published in a room still goes to its subscribers: the drop takes the event from the broker alone.
        """
        self._deliver(self.get(caller, kind, item_id))
        with self._records.write() as uow:
            item = uow.parked.get(kind, item_id)
            uow.parked.drop(kind, item_id)
            self._note(uow, caller, item, "dropped")
            uow.commit()
        self._told("dropped", caller, kind, item_id)

    def _deliver(self, item: Parked) -> None:
        """Make the deliveries that wait for the broker to bring this event back: once dropped it never will."""
        if item.kind is Kind.EVENT and item.type == PUBLISHED:
            FanOut(records=self._records, clock=self._clock).run(item.key)

    def _again(self, uow: UnitOfWork, item: Parked) -> None:
        at = self._clock()
        uow.parked.retry(item.kind, item.item_id, at=at)
        if item.kind is Kind.WEBHOOK:
            uow.outbox.enqueue(WEBHOOK, item.key, 0, at=at)

    def _note(self, uow: UnitOfWork, caller: Caller, item: Parked, what: str) -> None:
        noting = Noting(uow, Actor.of(caller), self._clock())
        if item.kind is Kind.WEBHOOK:
            now = webhook_hash(uow.webhooks.get(item.key))
            noting.note(f"delivery.{what}", Schema.WEBHOOK, item.key, content_hash=now)
        else:
            noting.note(f"{item.kind.value}.{what}", Schema.PARKED, item.item_id)

    def _told(self, what: str, caller: Caller, kind: Kind, item_id: str) -> None:
        self._log.warning(f"parked item {what}", kind=kind.value, item=item_id, client=caller.client)


def _check(caller: Caller, kind: Kind) -> None:
    if SCOPES[kind] not in caller.scopes:
        raise Forbidden(f"this needs the scope {SCOPES[kind]}")
