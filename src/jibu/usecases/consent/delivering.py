"""Messages on their way to webhooks: signed, in order for each webhook, tried again, and given up in the end."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from datetime import datetime, timedelta
from random import SystemRandom

from jibu.domain.consent.values import Delivery, Webhook
from jibu.domain.errors import Forbidden, NotFound, Unavailable
from jibu.domain.events import Job
from jibu.ports import Clock, Pusher, Records
from jibu.usecases.work import WEBHOOK, Handler, Keep, Later

MAX_ATTEMPTS = 8
FIRST_DELAY_S, LONGEST_DELAY_S = 5.0, 3600.0
SIGNATURE = "X-Jibu-Signature"
DELIVERY = "X-Jibu-Delivery"


class Delivering:
    """Sends what waits for a webhook, oldest first. Later messages wait while one is tried again."""

    def __init__(
        self,
        *,
        records: Records,
        clock: Clock,
        pusher: Pusher,
        max_attempts: int = MAX_ATTEMPTS,
        first_delay_s: float = FIRST_DELAY_S,
    ) -> None:
        self._records = records
        self._clock = clock
        self._pusher = pusher
        self._max_attempts = max_attempts
        self._first_delay_s = first_delay_s

    @property
    def handlers(self) -> dict[str, Handler]:
        """What the relay calls for each kind of job."""
        return {WEBHOOK: self.work}

    def work(self, job: Job, keep: Keep) -> None:
        """Send until nothing waits. Raises: Later (a message is to be tried again), LeaseLost, Unavailable."""
        while True:
            keep()
            found = self._next(job.key)
            if found is None:
                if self._finish(job):
                    return
                continue
            self._send(*found)

    def _next(self, webhook_id: str) -> tuple[Webhook, Delivery] | None:
        with self._records.read() as uow:
            try:
                webhook = uow.webhooks.get(webhook_id)
            except NotFound:
                return None
            delivery = None if webhook.disabled else uow.webhooks.next(webhook_id)
        return None if delivery is None else (webhook, delivery)

    def _finish(self, job: Job) -> bool:
        """Remove the job unless a message came meanwhile."""
        with self._records.write() as uow:
            # First of all, so that whoever leaves a message from now on leaves a new job.
            uow.outbox.finish(job)
            try:
                waiting = not uow.webhooks.get(job.key).disabled and uow.webhooks.next(job.key) is not None
            except NotFound:
                waiting = False
            if waiting:
                return False
            uow.commit()
        return True

    def _send(self, webhook: Webhook, delivery: Delivery) -> None:
        now = self._clock()
        if delivery.next_at is not None and delivery.next_at > now:
            raise Later((delivery.next_at - now).total_seconds())
        error = self._push(webhook, delivery, now)
        failed = None if error is None else self._failed(delivery, error, now)
        with self._records.write() as uow:
            if failed is None:
                uow.webhooks.done(delivery.delivery_id)
            else:
                uow.webhooks.failed(failed)
            uow.commit()
        if failed is not None and failed.next_at is not None:
            raise Later((failed.next_at - now).total_seconds())

    def _push(self, webhook: Webhook, delivery: Delivery, now: datetime) -> str | None:
        """Return what went wrong, None when it was delivered."""
        body = delivery.body.encode()
        headers = (
            ("Content-Type", webhook.content_type),
            (SIGNATURE, signed(webhook.secret, body, int(now.timestamp()))),
            (DELIVERY, delivery.delivery_id),
        )
        try:
            status = self._pusher.push(webhook.payload_url, body, headers)
        except (Unavailable, Forbidden) as error:
            return str(error)[:200]
        return None if 200 <= status < 300 else f"HTTP status {status}"

    def _failed(self, delivery: Delivery, error: str, now: datetime) -> Delivery:
        attempts = delivery.attempts + 1
        dead = attempts >= self._max_attempts
        delay = min(self._first_delay_s * 4.0 ** (attempts - 1), LONGEST_DELAY_S)
        again = None if dead else now + timedelta(seconds=delay * SystemRandom().uniform(0.5, 1.0))
        return replace(delivery, attempts=attempts, dead=dead, error=error, next_at=again)


def signed(secret: str, body: bytes, timestamp: int) -> str:
    """Return the signature header of a message: receivers refuse old times and other bodies."""
    mac = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
    return f"t={timestamp},v1={mac.hexdigest()}"
