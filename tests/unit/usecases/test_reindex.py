"""Rebuilding the index from the records."""

from __future__ import annotations

import pytest
from ingestion import Ingestion

from jibu.domain.errors import Unavailable
from jibu.testing.faults import FaultyEmbedder
from jibu.usecases.reindex import Reindex

LONG = "# All forms\n\n" + "\n\n".join(
    f"## Form {n}\n\n" + f"The fee for form {n} is {n * 50} shillings at office {n}. " * 12 for n in range(40)
)


def reindex(block: Ingestion) -> Reindex:
    """Return the use case on the parts as they are now."""
    return Reindex(
        records=block.records, index=block.index, embedder=block.embedder, segmenter=block.segmenter
    )


@pytest.fixture
def filled(block: Ingestion) -> Ingestion:
    """Two documents, one of them replaced, and an index that lost everything."""
    document = block.receive("# Fees\n\nIt costs 100 shillings.\n", external_id="x")
    block.receive(LONG)
    block.relay().run_until_idle()
    block.receive("# Fees\n\nIt costs 200 shillings.\n", external_id="x")
    block.relay().run_until_idle()
    block.receive("not indexed yet", external_id="x")
    with block.records.read() as uow:
        names = [name for name, _ in uow.documents.live()]
    assert document.document_id in names
    for name in names:
        block.index.delete_document(name)
    assert block.found("cost") == []
    return block


def test_an_empty_index_is_filled_from_the_records(filled: Ingestion) -> None:
    """With live versions only; progress ends at the total, which is what is returned."""
    seen: list[tuple[int, int]] = []
    count = reindex(filled).run(lambda done, total: seen.append((done, total)))
    assert count == filled.index.info().passages > 32
    assert seen[0] == (0, count)
    assert seen[-1] == (count, count)
    assert seen == sorted(seen)
    [fees] = [found for found in filled.found("cost") if found.title == "Fees"]
    assert fees.passage.version == 2


def test_a_run_that_broke_off_resumes(filled: Ingestion) -> None:
    """What is in the index is not embedded again."""

    def away(call: int) -> None:
        if call == 3:
            raise Unavailable("away")

    inner = filled.embedder
    filled.embedder = first = FaultyEmbedder(inner, away)
    with pytest.raises(Unavailable):
        reindex(filled).run()
    filled.embedder = second = FaultyEmbedder(inner, lambda _: None)
    count = reindex(filled).run()
    assert len(first.texts) + len(second.texts) == count == filled.index.info().passages
    assert set(first.texts).isdisjoint(second.texts)


def test_what_became_live_meanwhile_is_checked_too(filled: Ingestion) -> None:
    """A version that the relay put in during the run, and that is not whole in the index, is told."""

    def replace_once(_done: int, _total: int) -> None:
        with filled.records.read() as uow:
            versions = dict(uow.documents.live())
        if max(versions.values()) == 2:
            filled.relay().run_until_idle()
            for name in versions:
                filled.index.delete_document(name, keep_version=1)

    with pytest.raises(Unavailable, match="run reindex again"):
        reindex(filled).run(replace_once)


def test_a_whole_index_stays_as_it_is(filled: Ingestion) -> None:
    """A second run embeds nothing and removes replaced versions."""
    reindex(filled).run()
    filled.embedder = watched = FaultyEmbedder(filled.embedder, lambda _: None)
    count = reindex(filled).run()
    assert watched.calls == 0
    assert filled.index.info().passages == count
