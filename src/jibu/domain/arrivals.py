"""What other blocks tell this one: the event in a message, or why it is none."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jibu.domain.event_types import TAKEN_IN

MAX_BYTES = 65_536
LIMITS = {"id": 255, "source": 1000, "type": 255}


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message as it came in. ``place`` finds it again: topic, partition and offset."""

    topic: str
    partition: int
    offset: int
    value: bytes

    @property
    def place(self) -> str:
        """Where it is, as one word."""
        return f"{self.topic}/{self.partition}/{self.offset}"


@dataclass(frozen=True, slots=True)
class SourceEvent:
    """What another block says about the source of a document. ``source`` is who says it."""

    event_id: str
    source: str
    type: str
    collection_id: str
    external_id: str
    time: datetime

    @property
    def once(self) -> str:
        """Return what the same event has each time that it comes, and no other: CloudEvents' source and id."""
        return hashlib.sha256(json.dumps([self.source, self.event_id]).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that nothing could be done with. Its text is not kept: it is hostile or personal for all we know."""

    place: str
    reason: str
    size: int
    sha256: str


class Unreadable(ValueError):
    """A message that is no event that this block takes; the text is a stable word."""


def dead_letter(arrival: Arrival, reason: str) -> DeadLetter:
    """Return what is kept of a message that is put aside."""
    digest = hashlib.sha256(arrival.value).hexdigest()
    return DeadLetter(arrival.place, reason, len(arrival.value), digest)


def read_source_event(value: bytes) -> SourceEvent:
    """Read a structured CloudEvent of a type that is taken in. Raises: Unreadable."""
    told = _object(_parsed(value))
    if told.get("specversion") != "1.0":
        raise Unreadable("not-a-cloudevent")
    event_id, source, kind = (_text(told, name, LIMITS[name]) for name in ("id", "source", "type"))
    if kind not in TAKEN_IN:
        raise Unreadable("unknown-type")
    data = _object(told.get("data"))
    collection, external = _text(data, "collectionId", 255), _text(data, "externalId", 255)
    return SourceEvent(event_id, source, kind, collection, external, _time(told))


def _time(told: dict[str, Any]) -> datetime:
    try:
        found = datetime.fromisoformat(_text(told, "time", 64))
    except ValueError as error:
        raise Unreadable("not-as-described") from error
    if found.tzinfo is None:
        raise Unreadable("not-as-described")
    return found


def _parsed(value: bytes) -> Any:
    if len(value) > MAX_BYTES:
        raise Unreadable("too-large")
    try:
        return json.loads(value.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Unreadable("not-json") from error


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unreadable("not-as-described")
    return value


def _text(told: dict[str, Any], name: str, limit: int) -> str:
    value = told.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= limit or not value.isprintable():
        raise Unreadable("not-as-described")
    return value
