"""Live data: what services of other blocks say about an individual, now. It is cited and never kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question is known by: the message log keeps its exchanges under the same ids."""

    request_id: str
    trace_id: str


@dataclass(frozen=True, slots=True)
class LiveField:
    """One thing that a service said.

    ``path`` is the JSON Pointer (RFC 6901) of the value in the body of the answer. ``label`` is what the service's
    description calls it, else what its name says, outermost first. ``text`` is the value as people read it: one line.
    """

    path: str
    label: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class LiveSource:
    """Where and when something live was said.

    ``message_id`` names the exchange in the message log, ``response_sha256`` is the hash of the answer's body.
    """

    service_id: str
    title: str
    retrieved_at: datetime
    message_id: str
    response_sha256: str


@dataclass(frozen=True, slots=True)
class LiveRecord:
    """What one service said about an individual. No fields: it knows of no such individual, or says nothing."""

    source: LiveSource
    fields: tuple[LiveField, ...]
    language: str = "und"


@dataclass(frozen=True, slots=True)
class LiveFailure:
    """A service that could not be asked. ``reason``: the code of the mediator's error; ``stage`` as there."""

    service_id: str
    reason: str
    stage: str | None = None
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class LiveData:
    """What the services of a question said, in the order they were named."""

    records: tuple[LiveRecord, ...] = ()
    failures: tuple[LiveFailure, ...] = ()
