"""Webhooks and their deliveries in SQL."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from jibu.adapters.store import consent_rows as rows
from jibu.adapters.store import consent_tables as t
from jibu.adapters.store.paging import page_of, put
from jibu.adapters.store.turns import KEY, take
from jibu.domain.consent.values import Delivery, Webhook
from jibu.domain.errors import NotFound
from jibu.ports import Page

W, D = t.webhooks.c, t.deliveries.c


class SqlWebhooks:
    """See ``jibu.ports.WebhookRecords``."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def get(self, webhook_id: str) -> Webhook:
        """Return one. Raises: NotFound."""
        row = self._db.execute(select(t.webhooks).where(W.webhook_id == webhook_id)).one_or_none()
        if row is None:
            raise NotFound("no such webhook")
        return rows.webhook(row)

    def put(self, webhook: Webhook, *, at: datetime) -> None:
        """Create or replace."""
        take(self._db, KEY, webhook.webhook_id)
        values = {
            "payload_url": webhook.payload_url,
            "content_type": webhook.content_type,
            "secret": webhook.secret,
            "disabled": webhook.disabled,
        }
        put(self._db, t.webhooks, (W.webhook_id, webhook.webhook_id), values, {"created_at": at})

    def delete(self, webhook_id: str) -> None:
        """Remove one with its deliveries. Raises: NotFound."""
        take(self._db, KEY, webhook_id)
        self._db.execute(delete(t.deliveries).where(D.webhook_id == webhook_id))
        if not self._db.execute(delete(t.webhooks).where(W.webhook_id == webhook_id)).rowcount:
            raise NotFound("no such webhook")

    def page(self, *, offset: int, limit: int) -> Page[Webhook]:
        """List in order of creation."""
        query = select(t.webhooks).order_by(W.created_at, W.webhook_id)
        return page_of(self._db, query, rows.webhook, offset=offset, limit=limit)

    def enabled(self) -> list[str]:
        """Return the ids of those that want to be told, in an order that all writers share."""
        query = select(W.webhook_id).where(W.disabled.is_(False)).order_by(W.webhook_id)
        return list(self._db.execute(query).scalars())

    def leave(self, delivery: Delivery) -> None:
        """Leave a message."""
        self._db.execute(
            insert(t.deliveries).values(
                delivery_id=delivery.delivery_id,
                webhook_id=delivery.webhook_id,
                body=delivery.body,
                created_at=delivery.created_at,
                attempts=0,
                dead=False,
            )
        )

    def next(self, webhook_id: str) -> Delivery | None:
        """Return the oldest that waits."""
        query = select(t.deliveries).where(D.webhook_id == webhook_id, D.dead.is_(False))
        row = self._db.execute(query.order_by(D.position).limit(1)).one_or_none()
        return None if row is None else rows.delivery(row)

    def done(self, delivery_id: str) -> None:
        """Forget a delivered one."""
        self._db.execute(delete(t.deliveries).where(D.delivery_id == delivery_id))

    def failed(self, delivery: Delivery) -> None:
        """Keep what became of an attempt."""
        kept = update(t.deliveries).where(D.delivery_id == delivery.delivery_id)
        self._db.execute(
            kept.values(
                attempts=delivery.attempts,
                next_at=delivery.next_at,
                dead=delivery.dead,
                error=delivery.error,
            )
        )

    def dead(self, *, limit: int) -> list[Delivery]:
        """Return those that were given up, newest first."""
        query = select(t.deliveries).where(D.dead.is_(True)).order_by(D.position.desc()).limit(limit)
        return [rows.delivery(row) for row in self._db.execute(query)]
