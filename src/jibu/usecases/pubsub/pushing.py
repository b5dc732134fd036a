"""Pushing events to subscribers."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import uuid4

import structlog

from jibu.domain.errors import Forbidden, JibuError, NotFound, Unavailable
from jibu.domain.pubsub import Delivery, Mode, Published, Subscription
from jibu.ports import Clock, Pusher, Records, Signer
from jibu.usecases.pubsub.items import address, claim, envelope

LEASE_S = 120.0
AT_ONCE = 8
BATCH, SLICE = 20, timedelta(seconds=5)
"""Most events for one subscription before it is the others' turn, and the longest time."""
CHORES = timedelta(minutes=1)
PUSH = "jibu-push+jws"
"""What a push is signed for: the JWS says for whom, which event, when, and the SHA-256 of the body."""


class Pushing:
    """Pushes what is due, to several subscribers side by side and to each one in order.

    A subscription is leased while it is worked on, so that several processes may push. One that does not answer
    is left alone for a while; one event that is answered with an error waits on its own, unless the order counts.
    """

    def __init__(
        self, *, records: Records, pusher: Pusher, signer: Signer, clock: Clock, retention: timedelta
    ) -> None:
        self._records = records
        self._pusher = pusher
        self._signer = signer
        self._clock = clock
        self._retention = retention
        self._id = uuid4().hex
        self._log = structlog.get_logger("jibu.pubsub")

    def run_forever(self, stop: threading.Event, *, poll_s: float = 0.5) -> None:
        """Push until ``stop`` is set. Errors are logged and never end the loop."""
        clean_from = self._clock()
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="push") as pool:
            while not stop.is_set():
                try:
                    if self._clock() >= clean_from:
                        self.clean()
                        clean_from = self._clock() + CHORES
                    pushed = self._turn(pool, stop)
                except Exception as error:  # noqa: BLE001 - whatever it is, pushing must live
                    self._log.warning("pushing failed", error=_name(error))
                    pushed = 0
                if not pushed:
                    stop.wait(poll_s)

    def run_once(self) -> int:
        """Push everything that is due now, once; return how many attempts were made. Raises: Unavailable."""
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="push") as pool:
            return self._turn(pool, threading.Event())

    def clean(self) -> None:
        """Park what is out of time and forget what is old. Raises: Unavailable."""
        at = self._clock()
        with self._records.write() as uow:
            parked = uow.pubsub.expire(at=at)
            forgotten = uow.pubsub.forget(before=at - self._retention)
            uow.commit()
        if parked or forgotten:
            self._log.info("events cleaned", parked=parked, forgotten=forgotten)

    def _turn(self, pool: ThreadPoolExecutor, stop: threading.Event) -> int:
        with self._records.read() as uow:
            due = uow.pubsub.to_push(at=self._clock(), limit=4 * AT_ONCE)
        return sum(pool.map(lambda subscription: self._guarded(subscription, stop), due))

    def _guarded(self, subscription: Subscription, stop: threading.Event) -> int:
        """Serve a subscription; what goes wrong with it is no other's concern."""
        try:
            return self._serve(subscription, stop)
        except Exception as error:  # noqa: BLE001 - the others must get theirs
            told = {"subscription": subscription.subscription_id, "error": _name(error)}
            self._log.warning("pushing to a subscriber failed", **told)
            return 0

    def _serve(self, subscription: Subscription, stop: threading.Event) -> int:
        """Push a subscription's events while they are due; return how many attempts were made."""
        if not self._lead(subscription, LEASE_S):
            return 0
        attempts, until = 0, self._clock() + SLICE
        try:
            while attempts < BATCH and self._clock() < until and not stop.is_set():
                found = self._next(subscription.subscription_id, self._clock())
                if found is None:
                    break
                attempts += 1
                if not self._attempt(*found):
                    break
        except NotFound:
            pass  # room, subscription or event removed meanwhile
        finally:
            self._lead(subscription, 0.0)
        return attempts

    def _next(
        self, subscription_id: str, at: datetime
    ) -> tuple[Subscription, str | None, Delivery, Published] | None:
        """Return what to push next and where. Looked up for each event: rights, options and events may have ended."""
        with self._records.read() as uow:
            subscription = uow.pubsub.subscription_by_id(subscription_id)
            if subscription.mode is not Mode.PUSH:
                return None
            url = address(uow.pubsub.room(subscription.room_id).subscriber(subscription.subscriber))
            waiting = uow.pubsub.waiting(subscription, at=at, limit=1)
            return (subscription, url, waiting[0], uow.pubsub.event(waiting[0].event_id)) if waiting else None

    def _attempt(
        self, subscription: Subscription, url: str | None, delivery: Delivery, event: Published
    ) -> bool:
        """Push one event and record what came of it; return whether to go on with the next one."""
        error, reached = self._push(subscription, url, event)
        with self._records.write() as uow:
            if error is None:
                uow.pubsub.confirm(subscription, event.event_id)
            else:
                due_at = self._clock() + subscription.backoff.pause(delivery.attempts + 1)
                uow.pubsub.failed(delivery, error=error, due_at=due_at)
                if not reached:
                    uow.pubsub.postpone(subscription, due_at=due_at)
            uow.commit()
        return error is None or (reached and not subscription.fifo)

    def _push(self, subscription: Subscription, url: str | None, event: Published) -> tuple[str | None, bool]:
        """Return what went wrong, None where nothing did, and whether there was an answer at all."""
        if url is None:
            return "the room has no push address of this client any more", False
        body = envelope(event)
        try:
            status = self._pusher.push(url, body, self._headers(subscription, event, body))
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

    def _lead(self, subscription: Subscription, lease_s: float) -> bool:
        name = f"push:{subscription.subscription_id}"
        with self._records.write() as uow:
            leads = uow.outbox.lead(name, self._id, at=self._clock(), lease_s=lease_s)
            uow.commit()
        return leads


def _name(error: Exception) -> str:
    """Return what may be logged of an error: never its text, which may quote an event."""
    return error.code if isinstance(error, JibuError) else type(error).__name__
