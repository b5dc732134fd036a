"""Hand the outbox's events to the broker: one publisher at a time, in order per key, at least once.

The publisher's lease is prolonged while a call lasts (``keep``). Where that fails, or the process was frozen, the
broker shuts out whoever is late (see ``Broker``). An event that the broker refuses holds up its own key only: it
is tried again after growing pauses, then parked until an operator releases or discards it; later events of its key
wait.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from random import SystemRandom

import structlog

from jibu.domain.errors import JibuError
from jibu.domain.events import Event
from jibu.ports import Broker, Clock, Records, Refusal, UnitOfWork

AT_ONCE = 500
FIRST_DELAY_S, LONGEST_DELAY_S = 2.0, 600.0
LONGEST_AWAY_S = 30.0
"""Longest pause while the broker is away: it concerns every event, so it is looked for more often."""
PUBLISHER, LEASE_S = "publisher", 15.0


def backoff(attempts: int, first_s: float, longest_s: float = LONGEST_DELAY_S) -> float:
    """Return a growing delay, shortened at random so that relays do not march in step."""
    delay = min(first_s * 2.0 ** min(attempts - 1, 30), longest_s)
    return round(delay * SystemRandom().uniform(0.5, 1.0), 3)


class Publisher:
    """One relay's part in publishing. ``holder`` names the relay among others."""

    def __init__(
        self,
        *,
        records: Records,
        broker: Broker,
        clock: Clock,
        holder: str,
        max_attempts: int = 8,
        first_delay_s: float = FIRST_DELAY_S,
        lease_s: float = LEASE_S,
    ) -> None:
        self._records = records
        self._broker = broker
        self._clock = clock
        self._holder = holder
        self._max_attempts = max_attempts
        self._first_delay_s = first_delay_s
        self._lease_s = lease_s
        self._busy = False
        self._from = 0.0
        self._failures = 0
        self._log = structlog.get_logger("jibu.publisher").bind(relay=holder[:8])

    @property
    def broker_away(self) -> bool:
        """Whether the last try failed."""
        return self._failures > 0

    def turn(self) -> bool:
        """Publish the next events; return whether there were any. Raises: Unavailable (records)."""
        if time.monotonic() < self._from or not self._waiting(limit=1):
            return False
        if not self._lead(self._lease_s):
            return False
        events = self._waiting(limit=AT_ONCE)
        if not events:
            return False
        self._busy = True
        try:
            refused = self._broker.publish(events)
        except JibuError as error:
            self._put_off(error, len(events))
            return False
        finally:
            self._busy = False
        self._failures = 0
        self._settle(events, refused)
        return True

    def keep(self) -> None:
        """Prolong the lease of a call that is under way; for another thread. Raises: Unavailable (records)."""
        if self._busy:
            self._lead(self._lease_s)

    def leave(self) -> None:
        """Let another relay publish at once. Raises: Unavailable (records)."""
        self._lead(0.0)

    def _waiting(self, *, limit: int) -> list[Event]:
        with self._records.read() as uow:
            return uow.outbox.publishable(at=self._clock(), limit=limit)

    def _lead(self, lease_s: float) -> bool:
        """Become or stay the one relay that publishes, so that events stay in order."""
        with self._records.write() as uow:
            leads = uow.outbox.lead(PUBLISHER, self._holder, at=self._clock(), lease_s=lease_s)
            uow.commit()
        return leads

    def _put_off(self, error: JibuError, events: int) -> None:
        self._failures += 1
        delay = backoff(self._failures, self._first_delay_s, LONGEST_AWAY_S)
        self._from = time.monotonic() + delay
        self._log.warning("publishing failed", error=error.code, events=events, again_in_s=delay)

    def _settle(self, events: Sequence[Event], refused: Sequence[Refusal]) -> None:
        """Forget what the broker has; hold up what it refused."""
        reasons = {refusal.event_id: refusal.reason for refusal in refused}
        with self._records.write() as uow:
            uow.outbox.mark_published(_stored(events, set(reasons)))
            known = {hold.event_id: hold.attempts for hold in uow.outbox.holds()} if reasons else {}
            for event in events:
                if event.event_id in reasons:
                    self._hold(uow, event, known.get(event.event_id, 0) + 1, reasons[event.event_id])
            uow.commit()

    def _hold(self, uow: UnitOfWork, event: Event, tried: int, reason: str) -> None:
        park = tried >= self._max_attempts
        delay = backoff(tried, self._first_delay_s)
        uow.outbox.hold(event, at=self._clock(), delay_s=delay, reason=reason, park=park)
        self._log.warning(
            "event refused", event_id=event.event_id, type=event.type, reason=reason, parked=park
        )


def _stored(events: Sequence[Event], refused: set[str]) -> list[str]:
    """Return the ids of events that are in front of the refused ones of their keys."""
    stuck: set[str] = set()
    stored = []
    for event in events:
        if event.event_id in refused:
            stuck.add(event.key)
        elif event.key not in stuck:
            stored.append(event.event_id)
    return stored
