"""Events as CloudEvents 1.0 in JSON, the form in which other blocks read them.

The format: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

from __future__ import annotations

import json
from typing import Any

from jibu.domain.events import Event

CONTENT_TYPE = "application/cloudevents+json; charset=UTF-8"


def envelope(event: Event, source: str) -> dict[str, Any]:
    """Return the event as what is to be written as JSON. ``source`` names this block to those who read it."""
    return {
        "specversion": "1.0",
        "id": event.event_id,
        "source": source,
        "type": event.type,
        "subject": event.subject,
        "time": event.time.isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "partitionkey": event.key,
        "data": dict(event.data),
    }


def structured(event: Event, source: str) -> bytes:
    """Return the event as one JSON object in UTF-8. Raises: TypeError, ValueError where it cannot be one."""
    told = envelope(event, source)
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
