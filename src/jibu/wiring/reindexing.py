"""Builds what rebuilds the index."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from jibu.settings import Settings
from jibu.usecases.reindex import Reindex
from jibu.wiring.indexes import start_index_over
from jibu.wiring.models import make_embedder
from jibu.wiring.parts import parts
from jibu.wiring.safety import refuse_unsafe


@contextmanager
def build_reindex(settings: Settings) -> Iterator[Reindex]:
    """Build what rebuilds the index; one that is damaged or was made by another embedder is replaced first."""
    refuse_unsafe(settings)
    embedder = make_embedder(settings)
    start_index_over(settings, embedder=embedder.name, dimension=embedder.dimension)
    with parts(settings) as p:
        yield Reindex(records=p.records, index=p.index, embedder=p.embedder, segmenter=p.segmenter)
