"""Builds what operators need for what was given up or put aside."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from jibu.settings import Settings
from jibu.usecases.parking import Parking
from jibu.wiring.parts import now, open_records


@contextmanager
def build_parking(settings: Settings) -> Iterator[Parking]:
    """Open the record store alone. Raises: Misconfigured, Unavailable."""
    records = open_records(settings)
    try:
        yield Parking(records=records, clock=now)
    finally:
        records.close()
