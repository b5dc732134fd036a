"""Pushing events to subscribers."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

import structlog

from jibu.domain.errors import Forbidden, JibuError, NotFound, Unavailable
from jibu.domain.pubsub import Delivery, Due, Mode, Published, Subscription
from jibu.ports import Clock, Pusher, Records, Signer
from jibu.usecases.pubsub.items import claim, envelope
from jibu.usecases.pubsub.lanes import AT_ONCE, Lanes, Served

LOOK_AT = 200
"""Subscriptions looked at in one go; the next look goes on behind them."""
BATCH, SLICE = 20, timedelta(seconds=5)
"""Most events for one subscription before it is the others' turn, and the longest time."""
SLOW_S = 0.5
"""Who takes that long to answer is slow, and shares threads with other slow ones."""
SPARE_S = 5.0
PUSH = "jibu-push+jws"
"""What a push is signed for: the JWS says for whom, which event, when, and the SHA-256 of the body."""


@dataclass(frozen=True, slots=True)
class _Next:
    """What to push next, and where."""

    subscription: Subscription
    url: str | None
    delivery: Delivery
    event: Published


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of one attempt. ``go_on``: the next event may follow; ``pause_s``: until this one comes again."""

    slow: bool
    go_on: bool
    pause_s: float | None = None


class Pushing:
    """Pushes what is due, to several subscribers side by side and to each one in order.

    A subscription is leased while it is worked on, so that several processes may push; a process that dies leaves a
    lease that runs out. One that does not answer rests for a while; one event that is answered with an error waits
    on its own, unless the order counts. ``push_s``: longest time for one push.
    """

    def __init__(
        self, *, records: Records, pusher: Pusher, signer: Signer, clock: Clock, push_s: float = 5.0
    ) -> None:
        self._records = records
        self._pusher = pusher
        self._signer = signer
        self._clock = clock
        # Two who push one subscription at once break no order: an event goes out only when those before it are
        # settled. They would only push things twice.
        self._lease_s = SLICE.total_seconds() + push_s + SPARE_S
        self._id = uuid4().hex
        self._after = ""
        self._log = structlog.get_logger("jibu.pubsub")

    def run_forever(self, stop: threading.Event, *, poll_s: float = 0.5) -> None:
        """Push until ``stop`` is set. Errors are logged and never end the loop."""
        with Lanes(lambda subscription_id, quick: self._guarded(subscription_id, stop, quick=quick)) as lanes:
            while not stop.is_set():
                try:
                    for due in self._due():
                        lanes.take(due)
                except Exception as error:  # noqa: BLE001 - whatever it is, pushing must live
                    self._log.warning("pushing failed", error=_name(error))
                lanes.wait(poll_s)

    def run_once(self) -> int:
        """Push everything that is due now, once; return how many attempts were made. Raises: Unavailable."""
        stop = threading.Event()
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="push") as pool:
            served = pool.map(lambda one: self._guarded(one.subscription_id, stop, quick=False), self._due())
            return sum(one.attempts for one in served)

    def _due(self) -> list[Due]:
        """Return the next subscriptions to serve, going round."""
        with self._records.read() as uow:
            found = uow.pubsub.to_push(self._id, at=self._clock(), after=self._after, limit=LOOK_AT)
        self._after = found[-1].subscription_id if len(found) == LOOK_AT else ""
        return found

    def _guarded(self, subscription_id: str, stop: threading.Event, *, quick: bool) -> Served:
        """Serve a subscription; what goes wrong with it is no other's concern."""
        try:
            if stop.is_set() or not self._lease(subscription_id, self._lease_s):
                return Served()
            try:
                return self._serve(subscription_id, stop, quick=quick)
            finally:
                self._lease(subscription_id, 0.0)
        except Exception as error:  # noqa: BLE001 - the others must get theirs
            self._log.warning(
                "pushing to a subscriber failed", subscription=subscription_id, error=_name(error)
            )
            return Served()

    def _serve(self, subscription_id: str, stop: threading.Event, *, quick: bool) -> Served:
        """Push a subscription's events while they are due and it is its turn."""
        attempts, slow, again_s = 0, False, None
        until = self._clock() + SLICE
        while attempts < BATCH and self._clock() < until and not stop.is_set() and not (slow and quick):
            try:
                found = self._next(subscription_id, self._clock())
                if found is None:
                    break
                attempts += 1
                outcome = self._attempt(found)
            except NotFound:
                break  # room, subscription or event ended meanwhile, or somebody else settled it
            slow = slow or outcome.slow
            if outcome.pause_s is not None:
                again_s = outcome.pause_s if again_s is None else min(again_s, outcome.pause_s)
            if not outcome.go_on:
                break
        return Served(attempts, slow, again_s)

    def _next(self, subscription_id: str, at: datetime) -> _Next | None:
        """Return what to push next. Looked up for each event: rights, options and events may have ended."""
        with self._records.read() as uow:
            subscription = uow.pubsub.subscription_by_id(subscription_id)
            if subscription.mode is not Mode.PUSH:
                return None
            waiting = uow.pubsub.waiting(subscription, at=at, limit=1)
            if not waiting:
                return None
            url = uow.pubsub.push_url(subscription)
            return _Next(subscription, url, waiting[0], uow.pubsub.event(waiting[0].event_id))

    def _attempt(self, found: _Next) -> _Outcome:
        """Push one event and record what came of it. Raises: NotFound when it waits no more."""
        subscription, delivery = found.subscription, found.delivery
        started = time.monotonic()
        error, reached = self._push(found)
        slow = time.monotonic() - started >= SLOW_S
        pause = subscription.backoff.pause(delivery.attempts + 1)
        with self._records.write() as uow:
            if error is None:
                uow.pubsub.confirm(subscription, delivery.event_id)
            else:
                uow.pubsub.failed(delivery, error=error, due_at=self._clock() + pause)
            uow.pubsub.rest(subscription, until=None if reached else self._clock() + pause)
            uow.commit()
        if error is None:
            return _Outcome(slow, go_on=True)
        return _Outcome(slow, go_on=reached and not subscription.fifo, pause_s=pause.total_seconds())

    def _push(self, found: _Next) -> tuple[str | None, bool]:
        """Return what went wrong, None where nothing did, and whether there was an answer at all."""
        if found.url is None:
            return "the room has no push address of this client any more", False
        body = envelope(found.event)
        try:
            status = self._pusher.push(found.url, body, self._headers(found.subscription, found.event, body))
        except (Unavailable, Forbidden) as error:
            return str(error)[:200], False
        return (None if 200 <= status < 300 else f"answered {status}"), True

    def _headers(
        self, subscription: Subscription, event: Published, body: bytes
    ) -> tuple[tuple[str, str], ...]:
        return (
            ("Content-Type", "application/json"),
            ("X-Jibu-Event-Id", event.event_id),
            ("X-Jibu-Subscription-Id", subscription.subscription_id),
            ("X-Jibu-Signature", self._signer.sign(claim(subscription, event, body, self._clock()), PUSH)),
        )

    def _lease(self, subscription_id: str, lease_s: float) -> bool:
        with self._records.write() as uow:
            held = uow.pubsub.lease(subscription_id, self._id, at=self._clock(), lease_s=lease_s)
            uow.commit()
        return held


def _name(error: Exception) -> str:
    """Return what may be logged of an error: never its text, which may quote an event."""
    return error.code if isinstance(error, JibuError) else type(error).__name__
