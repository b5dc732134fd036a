"""Builds what rebuilds the index, and what changes its embedder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from jibu.settings import Settings
from jibu.usecases.reindex import Reindex
from jibu.usecases.renewal import Renewal
from jibu.wiring.engines import SettledEngines
from jibu.wiring.parts import now, open_records, parts
from jibu.wiring.safety import refuse_unsafe


@contextmanager
def build_reindex(settings: Settings) -> Iterator[Reindex]:
    """Build what rebuilds the live index; one that is damaged is replaced first. Raises: as ``parts``."""
    refuse_unsafe(settings)
    records = open_records(settings)
    try:
        with records.read() as uow:
            live = uow.generations.live()
    finally:
        records.close()
    SettledEngines(settings).start_over(live)
    with parts(settings) as p:
        space = p.spaces.live()
        yield Reindex(records=p.records, index=space.index, embedder=space.embedder, segmenter=p.segmenter)


@contextmanager
def build_renewal(settings: Settings) -> Iterator[Renewal]:
    """Build what changes the embedder. Raises: Misconfigured, Unavailable."""
    from jibu.adapters.text.icu import IcuSegmenter

    refuse_unsafe(settings)
    records = open_records(settings)
    try:
        yield Renewal(records=records, engines=SettledEngines(settings), segmenter=IcuSegmenter(), clock=now)
    finally:
        records.close()
