"""Events in the shape that subscribers get them: the contract's EventItem."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from jibu.domain.pubsub import Published, Subscriber, Subscription

PARTS = ("instanceId", "memberClass", "memberCode", "applicationCode")


def client_parts(client: str) -> dict[str, str]:
    """Return INSTANCE/CLASS/MEMBER/APPLICATION as the contract's object."""
    return dict(zip(PARTS, client.split("/"), strict=False))


def item(event: Published) -> dict[str, Any]:
    """Return an event as EventItem."""
    return {
        "id": event.event_id,
        "sequence": event.sequence,
        "publisherId": client_parts(event.publisher),
        "eventType": event.event_type,
        "event": json.loads(event.body),
    }


def envelope(event: Published) -> bytes:
    """Return the body that is pushed."""
    return json.dumps(item(event), ensure_ascii=False, separators=(",", ":")).encode()


def claim(subscription: Subscription, event: Published, body: bytes, at: datetime) -> bytes:
    """Return what the block signs about one push: for whom, what exactly, and when."""
    told = {
        "aud": subscription.subscriber,
        "subscriptionId": subscription.subscription_id,
        "eventId": event.event_id,
        "iat": int(at.timestamp()),
        "sha256": hashlib.sha256(body).hexdigest(),
    }
    return json.dumps(told, separators=(",", ":")).encode()


def address(right: Subscriber | None) -> str | None:
    """Return where to push to, None when the client lost its right or has no address."""
    return None if right is None else right.push_url
