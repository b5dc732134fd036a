"""What `jibu check` looks at beyond the probes."""

from __future__ import annotations

import pytest
from ingestion import Ingestion

from jibu.domain.errors import Unavailable
from jibu.testing.memory import HashEmbedder
from jibu.usecases.diagnosis import check_counts, check_embedder, check_segmenter

TEXT = "# Ferry\n\nIt costs 3 nuras.\n\n# Bus\n\nIt costs 1 nura."


def test_a_whole_index_is_well(block: Ingestion) -> None:
    """Empty, with a document, and after the document was replaced."""
    check_counts(block.records, block.index, at=block.clock())
    for price in "34":
        block.receive(TEXT.replace("3", price), external_id="ferry")
        block.relay().run_until_idle()
        check_counts(block.records, block.index, at=block.clock())


def test_a_lost_passage_is_found(block: Ingestion) -> None:
    """The message tells both numbers and what to do."""
    document = block.receive(TEXT)
    block.relay().run_until_idle()
    block.index.delete_document(document.document_id)
    with pytest.raises(Unavailable, match=r"holds 0 of \d+ passages: run jibu reindex"):
        check_counts(block.records, block.index, at=block.clock())


def test_models_that_work_are_well(block: Ingestion) -> None:
    """Nothing is raised."""
    check_embedder(HashEmbedder())
    check_segmenter(block.segmenter)
