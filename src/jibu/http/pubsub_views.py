"""Pub/Sub as the JSON of the contract, and back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from jibu.domain.pubsub import Backoff, Delivery, Mode, Room, Subscriber, Subscription
from jibu.http.views import Json, moment
from jibu.usecases.pubsub.items import client_parts, item
from jibu.usecases.pubsub.publishing import EventStatus


def room(one: Room) -> Json:
    """Return a room."""
    return {
        "roomId": one.room_id,
        "title": one.title,
        "manager": one.manager,
        "publishers": list(one.publishers),
        "subscribers": [{"client": s.client, "pushUrl": s.push_url} for s in one.subscribers],
        "createdAt": moment(one.created_at),
    }


def room_in(room_id: str, body: Json) -> Room:
    """Return the room that a body describes."""
    subscribers = tuple(Subscriber(s["client"], s.get("pushUrl")) for s in body.get("subscribers", []))
    publishers = tuple(dict.fromkeys(body.get("publishers", [])))
    return Room(room_id, body["title"], body["manager"], publishers, subscribers)


def event_type(name: str, schema: str) -> Json:
    """Return an event type."""
    return {"eventType": name, "schema": json.loads(schema)}


def subscription(one: Subscription) -> Json:
    """Return a subscription."""
    return {
        "id": one.subscription_id,
        "subscriberId": client_parts(one.subscriber),
        "eventType": one.event_type,
        "delivery": one.mode.value,
        "options": {
            "TTL": one.ttl_s,
            "FIFO": one.fifo,
            "backoff": {
                "firstSeconds": one.backoff.first_s,
                "factor": one.backoff.factor,
                "longestSeconds": one.backoff.longest_s,
            },
        },
    }


def subscription_in(old: Subscription, body: Json) -> Subscription:
    """Return what a body asks for; what it leaves out stays as in ``old``."""
    options: Json = body.get("options", {})
    return replace(
        old,
        mode=Mode(body.get("delivery", old.mode.value)),
        ttl_s=options.get("TTL", old.ttl_s),
        fifo=options.get("FIFO", old.fifo),
        backoff=_backoff(old.backoff, options.get("backoff", {})),
    )


def _backoff(old: Backoff, body: Json) -> Backoff:
    return Backoff(
        float(body.get("firstSeconds", old.first_s)),
        float(body.get("factor", old.factor)),
        float(body.get("longestSeconds", old.longest_s)),
    )


def status(found: EventStatus) -> Json:
    """Return an event with how far it is for each subscriber."""
    return item(found.event) | {
        "publishedAt": moment(found.event.published_at),
        "stoppedAt": moment(found.event.stopped_at),
        "deliveries": [_delivery(one) for one in found.deliveries],
    }


def _delivery(one: Delivery) -> dict[str, Any]:
    return {
        "subscriptionId": one.subscription_id,
        "subscriberId": client_parts(one.subscriber),
        "status": one.status.value,
        "attempts": one.attempts,
        "nextAttemptAt": moment(one.due_at) if one.status.value == "pending" else None,
        "expiresAt": moment(one.expires_at),
        "error": one.error,
    }
