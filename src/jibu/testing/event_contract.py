"""Holds events to ``openapi/events.yaml``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]
from jsonschema import Draft7Validator, FormatChecker  # type: ignore[import-untyped]

import jibu
from jibu.domain.cloudevents import structured
from jibu.domain.events import Event


@cache
def contract() -> dict[str, Any]:
    """Return the document: of the installed package, or at the top of a source tree."""
    package = Path(jibu.__file__).parent
    folder = next(f for f in (package / "openapi", package.parents[1] / "openapi") if f.is_dir())
    document: dict[str, Any] = yaml.safe_load((folder / "events.yaml").read_text(encoding="utf-8"))
    return document


def messages(action: str) -> Iterator[tuple[str, str]]:
    """Yield (channel address, type) of everything that is sent, or received."""
    document = contract()
    for operation in document["operations"].values():
        if operation["action"] == action:
            channel = document["channels"][operation["channel"]["$ref"].rpartition("/")[2]]
            for message in channel["messages"].values():
                name = message["$ref"].rpartition("/")[2]
                yield channel["address"], document["components"]["messages"][name]["name"]


@cache
def _validator(event_type: str) -> Draft7Validator:
    document = contract()
    [payload] = [m["payload"] for m in document["components"]["messages"].values() if m["name"] == event_type]
    return Draft7Validator(payload | {"components": document["components"]}, format_checker=FormatChecker())


def faults(event_type: str, envelope: object) -> list[str]:
    """Say what is wrong with a CloudEvent of this type. Raises: ValueError where no type has that name."""
    return [error.message for error in _validator(event_type).iter_errors(envelope)]


def check_event(event: Event) -> None:
    """Raises: AssertionError where an event is not as the contract says."""
    envelope = json.loads(structured(event, "urn:test"))
    assert faults(event.type, envelope) == [], event
