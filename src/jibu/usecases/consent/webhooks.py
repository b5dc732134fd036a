"""Webhooks: who is told of changes."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace

from jibu.domain.access import Caller
from jibu.domain.consent.canonical import canonical, digest
from jibu.domain.consent.values import Schema, Webhook
from jibu.domain.errors import Conflict, InvalidInput, NotFound
from jibu.ports import Clock, Page, Records, UnitOfWork
from jibu.usecases.checks import check_web_address
from jibu.usecases.consent.common import check_same_id
from jibu.usecases.consent.noting import Actor, Noting, new_id
from jibu.usecases.work import WEBHOOK

HIDDEN = "********"
"""Shown for a secret; sent back, it keeps the secret as it is."""
CONTENT_TYPES = ("application/json", "application/cloudevents+json")
MIN_SECRET = 16
CheckAddress = Callable[[str], None]
"""Raises: InvalidInput for an address that messages are never sent to."""


class Webhooks:
    """Create, read, change and remove webhooks. A secret is shown once, when it is made."""

    def __init__(self, *, records: Records, clock: Clock, check_address: CheckAddress) -> None:
        self._records = records
        self._clock = clock
        self._check_address = check_address

    def create(self, caller: Caller, webhook: Webhook) -> Webhook:
        """Keep a new webhook; without a secret one is made. Raises: InvalidInput, Conflict, Unavailable."""
        webhook = replace(
            webhook,
            webhook_id=new_id(webhook.webhook_id, "webhook/id"),
            secret=webhook.secret or secrets.token_urlsafe(32),
        )
        self._check(webhook)
        with self._records.write() as uow:
            try:
                uow.webhooks.get(webhook.webhook_id)
            except NotFound:
                self._keep(uow, caller, webhook, "created")
            else:
                raise Conflict("there is a webhook with this id already")
            uow.commit()
        return webhook

    def get(self, webhook_id: str) -> Webhook:
        """Return one, its secret hidden. Raises: NotFound, Unavailable."""
        with self._records.read() as uow:
            return replace(uow.webhooks.get(webhook_id), secret=HIDDEN)

    def page(self, *, offset: int, limit: int) -> Page[Webhook]:
        """List webhooks, oldest first, secrets hidden. Raises: Unavailable."""
        with self._records.read() as uow:
            found = uow.webhooks.page(offset=offset, limit=limit)
        return Page(tuple(replace(one, secret=HIDDEN) for one in found.items), found.total)

    def update(self, caller: Caller, webhook_id: str, webhook: Webhook) -> Webhook:
        """Change one. Raises: NotFound, InvalidInput, Unavailable."""
        check_same_id(webhook.webhook_id, webhook_id, "webhook/id")
        with self._records.write() as uow:
            old = uow.webhooks.get(webhook_id)
            kept = old.secret if webhook.secret in {HIDDEN, ""} else webhook.secret
            webhook = replace(webhook, webhook_id=webhook_id, secret=kept)
            self._check(webhook)
            if webhook != old:
                self._keep(uow, caller, webhook, "updated")
                uow.commit()
        return replace(webhook, secret=HIDDEN)

    def delete(self, caller: Caller, webhook_id: str) -> None:
        """Remove one with the messages that wait for it. Raises: NotFound, Unavailable."""
        with self._records.write() as uow:
            uow.webhooks.delete(webhook_id)
            Noting(uow, Actor.of(caller), self._clock()).note("webhook.deleted", Schema.WEBHOOK, webhook_id)
            uow.commit()

    def _keep(self, uow: UnitOfWork, caller: Caller, webhook: Webhook, change: str) -> None:
        at = self._clock()
        uow.webhooks.put(webhook, at=at)
        uow.outbox.enqueue(WEBHOOK, webhook.webhook_id, 0, at=at)
        Noting(uow, Actor.of(caller), at).note(
            f"webhook.{change}", Schema.WEBHOOK, webhook.webhook_id, content_hash=webhook_hash(webhook)
        )

    def _check(self, webhook: Webhook) -> None:
        if webhook.content_type not in CONTENT_TYPES:
            raise InvalidInput(f"is none of {', '.join(CONTENT_TYPES)}", "webhook/contentType")
        if len(webhook.secret) < MIN_SECRET:
            raise InvalidInput(f"has fewer than {MIN_SECRET} characters", "webhook/secretKey")
        check_web_address(webhook.payload_url, "webhook/payloadUrl")
        self._check_address(webhook.payload_url)


def webhook_hash(webhook: Webhook) -> str:
    """Return what the audit log keeps of a webhook: where messages go and whether they do."""
    return digest(canonical([webhook.payload_url, webhook.content_type, webhook.disabled]))
