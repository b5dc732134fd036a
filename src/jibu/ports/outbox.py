"""What waits for the relay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from jibu.domain.events import Event, Job


class Outbox(Protocol):
    """Events and jobs, written in the transaction of the change that causes them."""

    def emit(self, event: Event) -> None:
        """Leave an event for the broker. Transactions that tell of one key take turns, so that order is theirs."""

    def enqueue(self, kind: str, key: str, version: int, *, at: datetime, delay_s: float = 0.0) -> None:
        """Leave a job for the relay, not before ``delay_s`` seconds. The same (kind, key, version) waits once.

        A parked one is made due again with its attempts forgotten.
        """

    def due(self, *, at: datetime) -> bool:
        """Tell whether there is a job to claim, without writing."""

    def claim_jobs(self, *, at: datetime, lease_s: float, limit: int, kinds: Sequence[str] = ()) -> list[Job]:
        """Lease due jobs (of these kinds, or of any) to this relay, oldest first, and count the attempt.

        A lease that runs out makes the job due again. While one job of a key is leased no other job of
        the same key is given out, so that work on one aggregate never runs twice at a time.
        """

    def extend(self, job: Job, *, at: datetime, lease_s: float) -> bool:
        """Prolong the lease; False when it was lost or the job was withdrawn: stop working on it."""

    def finish(self, job: Job) -> bool:
        """Remove a job that is done; False, and nothing done, when the lease was lost."""

    def retry(
        self, job: Job, *, at: datetime, delay_s: float, error: str, park: bool, counted: bool = True
    ) -> None:
        """Give a job back for later, or park it for an operator to see. A lost lease makes this a no-op.

        ``counted=False`` takes back the attempt: the job itself was not at fault.
        """

    def unpublished(self, *, limit: int) -> list[Event]:
        """Return the oldest unpublished events, in order."""

    def publishable(self, *, at: datetime, limit: int) -> list[Event]:
        """Return the oldest unpublished events of keys that nothing holds up now, in order."""

    def mark_published(self, event_ids: Sequence[str]) -> None:
        """Record that the broker has these events; what held up their keys is over."""

    def hold(self, event: Event, *, at: datetime, delay_s: float, reason: str, park: bool) -> None:
        """Hold up an event's key, for a while or until an operator looks: its later events wait behind it."""

    def holds(self) -> list[Hold]:
        """Return what is held up, by key."""

    def release(self, event_id: str) -> None:
        """Let a held event be tried again now, as if for the first time. Raises: NotFound."""

    def discard(self, event_id: str) -> Event:
        """Remove a held event for good, so that those behind it go on; return it. Raises: NotFound."""

    def lead(self, name: str, holder: str, *, at: datetime, lease_s: float) -> bool:
        """Take or prolong a named lease; False while another holder has it."""

    def beat(self, relay_id: str, *, at: datetime) -> None:
        """Record that a relay is alive."""

    def backlog(self, *, at: datetime) -> Backlog:
        """Count what waits."""


@dataclass(frozen=True, slots=True)
class Hold:
    """An event that the broker refused, in front of all later ones of its key. ``parked``: not tried again."""

    event_id: str
    type: str
    key: str
    attempts: int
    reason: str
    due_at: datetime
    parked: bool


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in the outbox: jobs that are due or running, parked jobs, events; and when a relay last lived.

    ``events`` counts held ones too. ``held`` and ``parked_events`` count events that were refused, not those
    that wait behind them. ``dead_letters`` counts messages of other blocks that were put aside, ``incoming`` those
    that wait.
    """

    jobs: int
    parked: int
    events: int
    oldest_job_age_s: float
    relay_seen_at: datetime | None
    oldest_event_age_s: float = 0.0
    held: int = 0
    parked_events: int = 0
    dead_letters: int = 0
    incoming: int = 0
