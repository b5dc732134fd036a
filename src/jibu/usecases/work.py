"""Words that the use cases and the relay share about jobs."""

from __future__ import annotations

from collections.abc import Callable

from jibu.domain.events import Job

INDEX = "index"
SWEEP = "sweep"
ERASE = "erase"
COMPACT = "compact"
WEBHOOK = "webhook"
SIGN_AUDIT = "sign-audit"
SIGN_AUDIT_DELAY_S = 2.0
"""How long entries of the audit log may wait for others to be signed with."""
SWEEP_DELAY_S = 60.0
"""How long a replaced version stays for searches that began before: far longer than any search takes."""

Keep = Callable[[], None]
"""Called before each lasting step of a long job; it prolongs the lease. Raises: LeaseLost, Stopping."""

Handler = Callable[[Job, Keep], None]
"""Does one job and removes it from the outbox in the transaction that ends it. Raises: Later, LeaseLost, …"""


class LeaseLost(Exception):
    """The job belongs to another relay, or was withdrawn: leave it alone."""


class Stopping(Exception):
    """The relay is asked to stop; the job is given back and resumes where it was."""


class Later(Exception):
    """The job is fine but its time has not come."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"in {seconds:.0f} s")
        self.seconds = seconds


def first_title(filename: str | None) -> str:
    """Return the title that a document without one has until its text has been read."""
    return filename or "Untitled"
