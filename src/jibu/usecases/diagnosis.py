"""Looks that take longer than a probe may: whether the index is whole and the models work."""

from __future__ import annotations

import math
from datetime import datetime

from jibu.domain.errors import Unavailable
from jibu.ports import Embedder, Index, Records, Segmenter

SAMPLE = "The office opens at eight. It closes at four."


def check_counts(records: Records, index: Index, *, at: datetime) -> None:
    """Compare how many passages are live and how many the index holds.

    The index may hold more while a version is on its way in or out, but never fewer. Raises: Unavailable.
    """
    with records.read() as uow:
        live = uow.documents.live_passages()
        waiting = uow.outbox.backlog(at=at)
        versions = list(uow.documents.live())
    held = index.info().passages
    if held < live:
        raise Unavailable(f"the index holds {held} of {live} passages: run jibu reindex")
    if held > live and not waiting.jobs:
        exact = sum(len(index.passage_ids(document_id, version)) for document_id, version in versions)
        if exact < live:
            raise Unavailable(f"the index holds {exact} of {live} passages: run jibu reindex")


def check_embedder(embedder: Embedder) -> None:
    """Raises: Unavailable when the model does not load or gives no vector of norm 1."""
    vector = embedder.embed_query(SAMPLE)
    norm = math.sqrt(sum(value * value for value in vector))
    if len(vector) != embedder.dimension or not math.isclose(norm, 1.0, abs_tol=0.01):
        raise Unavailable(f"the embedder gives {len(vector)} components of norm {norm:.2f}")


def check_segmenter(segmenter: Segmenter) -> None:
    """Raises: Unavailable when two sentences are not told apart."""
    if len(segmenter.sentences(SAMPLE, "en")) != 2 or not segmenter.terms(SAMPLE, "en"):
        raise Unavailable("the segmenter does not tell sentences and words apart")
