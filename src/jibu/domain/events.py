"""Events that the block tells others, and jobs that it leaves for its relay; both wait in the outbox."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Event:
    """A change, told to other blocks. ``data`` holds ids and hashes only, never text or personal data.

    ``type`` is a CloudEvents type (``jibu.document.indexed.v1``); ``key`` orders events of one aggregate.
    """

    event_id: str
    type: str
    subject: str
    key: str
    time: datetime
    data: tuple[tuple[str, str | int | bool | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """Work for the relay. ``kind``: "index", "sweep" …; ``key`` is the aggregate, ``version`` its version."""

    job_id: int
    kind: str
    key: str
    version: int
    attempts: int
    created_at: datetime
    lease_token: str = ""
