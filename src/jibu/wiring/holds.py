"""Builds what operators need for events that were refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from jibu.settings import Settings
from jibu.usecases.publishing import Holds
from jibu.wiring.parts import open_records


@contextmanager
def build_holds(settings: Settings) -> Iterator[Holds]:
    """Open the record store alone. Raises: Misconfigured, Unavailable."""
    records = open_records(settings)
    try:
        yield Holds(records=records)
    finally:
        records.close()
