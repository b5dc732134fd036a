"""Every type of event, by name. ``openapi/events.yaml`` describes them; a test holds the two together.

A name is ``jibu.<aggregate>.<what happened>.v<number>``. The aggregate is also the end of the topic's name, so
that all events of one thing are in one topic and stay in order.
"""

from __future__ import annotations

EMITTED: tuple[str, ...] = (
    "jibu.collection.changed.v1",
    "jibu.document.received.v1",
    "jibu.document.indexed.v1",
    "jibu.document.failed.v1",
    "jibu.document.erased.v1",
    "jibu.document.staled.v1",
    "jibu.individual.erased.v1",
    "jibu.consent.policy.changed.v1",
    "jibu.consent.agreement.changed.v1",
    "jibu.consent.record.changed.v1",
    "jibu.audit.batch.signed.v1",
    "jibu.pubsub.room.changed.v1",
    "jibu.pubsub.event.published.v1",
)
"""What this block tells others. Add a new type here and in ``openapi/events.yaml``."""

SOURCE_CHANGED = "jibu.source.changed.v1"
SOURCE_WITHDRAWN = "jibu.source.withdrawn.v1"
TAKEN_IN: tuple[str, ...] = (SOURCE_CHANGED, SOURCE_WITHDRAWN)
"""What other blocks may tell this one."""


def aggregate_of(event_type: str) -> str:
    """Return the second word of a type's name. Raises: ValueError where the name is none of ours."""
    words = event_type.split(".")
    if len(words) < 4 or words[0] != "jibu" or not words[1]:
        raise ValueError("not a type of this block")
    return words[1]


def topic_of(prefix: str, event_type: str) -> str:
    """Return the topic that carries a type. Raises: ValueError where the name is none of ours."""
    return f"{prefix}.{aggregate_of(event_type)}"
