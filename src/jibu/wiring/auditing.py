"""Builds what checks the chains of signed entries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from jibu.domain.chains import ChainReport
from jibu.settings import Settings
from jibu.usecases.progress import Progress
from jibu.usecases.verifying import MessageLogCheck
from jibu.wiring.consent import consent_check
from jibu.wiring.parts import open_records
from jibu.wiring.signing import signer_of

Check = Callable[[str | None, Progress], ChainReport]
"""Checks one chain; takes a head that was kept elsewhere, and whom to tell how far it is."""


@contextmanager
def build_checks(settings: Settings) -> Iterator[dict[str, Check]]:
    """Return the check of each chain by its short name. Raises: Misconfigured, Unavailable."""
    records = open_records(settings)
    try:
        messages = MessageLogCheck(records=records, signer=signer_of(settings))
        yield {
            "messages": lambda head, progress: messages.verify(expect=head, progress=progress),
            "consent": consent_check(records, settings),
        }
    finally:
        records.close()
