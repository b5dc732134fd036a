"""The way of a document into the index, with all that may come between."""

from __future__ import annotations

import pytest
from ingestion import ADMIN, OFFICER, READER, Ingestion

from jibu.domain.documents import DocumentStatus
from jibu.domain.errors import NotFound, Unavailable
from jibu.testing.faults import FaultyEmbedder, FaultyParser


def long_text(words: str = "fee", sections: int = 40) -> str:
    """Return a Markdown document of many sections, each a passage."""
    parts = [
        f"## Form {n}\n\n" + f"The {words} for form {n} is {n * 50} shillings at office {n}. " * 12
        for n in range(sections)
    ]
    return "# All forms\n\n" + "\n\n".join(parts) + "\n"


def never(_: int) -> None:
    """No fault."""


def down(_: int) -> None:
    """Fail in a way that passes."""
    raise Unavailable("away")


def bug(_: int) -> None:
    """Fail as our own mistakes do."""
    raise ZeroDivisionError


def test_an_indexed_document_is_found_and_told(block: Ingestion) -> None:
    """Status, title, language and event; the title from the text counts where none was given."""
    document = block.receive("# Pasipoti\n\nPasipoti mpya inagharimu shilingi 4,550 katika ofisi zote.\n")
    assert block.found("pasipoti") == []
    block.relay().run_until_idle()
    document = block.documents.get(READER, document.document_id)
    assert (document.status, document.live_version, document.title) == (DocumentStatus.INDEXED, 1, "Pasipoti")
    assert (document.passages, document.languages) == (1, ("sw",))
    assert document.indexed_at is not None
    [found] = block.found("pasipoti")
    assert (found.title, found.collection_id) == ("Pasipoti", "travel")
    assert "4,550" in found.passage.text
    assert block.backlog().jobs == block.backlog().events == 0


def test_a_given_title_stays(block: Ingestion) -> None:
    """What the caller said wins over the text."""
    document = block.receive("# In the text\n\nSome words.\n", title="As said", language="en")
    block.relay().run_until_idle()
    document = block.documents.get(READER, document.document_id)
    assert (document.title, document.language) == ("As said", "en")


def test_title_and_headings_are_embedded_but_not_counted(block: Ingestion) -> None:
    """They stand before the text that the embedder gets; offsets are those of the text alone."""
    block.embedder = watched = FaultyEmbedder(block.embedder, never)
    document = block.receive("# Passports\n\n## Fees\n\nIt costs 4,550 shillings.\n", title="Travel guide")
    block.relay().run_until_idle()
    assert all(text.startswith("Travel guide") for text in watched.texts)
    assert any("Fees" in text for text in watched.texts)
    text = block.documents.text(READER, document.document_id)
    for found in block.found("cost"):
        assert text[found.passage.start : found.passage.end] == found.passage.text


def test_a_file_that_cannot_be_read_fails_alone_with_its_reason(block: Ingestion) -> None:
    """The other one is indexed; the failure is told by its code and not tried again."""
    bad = block.receive("%PDF-1.7 and then nothing", filename="a.pdf")
    good = block.receive("# Good\n\nThis is fine.\n")
    block.relay().run_until_idle()
    failed = block.documents.get(READER, bad.document_id)
    assert failed.status is DocumentStatus.FAILED
    assert failed.failure is not None
    assert failed.failure.reason
    assert block.documents.get(READER, good.document_id).status is DocumentStatus.INDEXED
    assert block.backlog().jobs == block.backlog().parked == 0


def test_a_document_without_text_fails_as_empty(block: Ingestion) -> None:
    """It is not live and the reason says so."""
    document = block.receive(" \n\n ", filename="a.txt")
    block.relay().run_until_idle()
    failure = block.documents.get(READER, document.document_id).failure
    assert failure is not None
    assert failure.reason == "empty"


def test_a_failed_replacement_leaves_the_old_version(block: Ingestion) -> None:
    """Readers go on with it; a good one then replaces both."""
    document = block.receive("# Fees\n\nIt costs 100 shillings.\n", external_id="x")
    block.relay().run_until_idle()
    block.receive("%PDF-1.7 broken", external_id="x", filename="a.pdf")
    block.relay().run_until_idle()
    shown = block.documents.get(READER, document.document_id)
    assert (shown.status, shown.version, shown.live_version) == (DocumentStatus.FAILED, 2, 1)
    assert "100 shillings" in block.documents.text(READER, document.document_id)
    assert len(block.found("cost")) == 1
    block.sweep()
    assert len(block.found("cost")) == 1
    block.receive("# Fees\n\nIt costs 300 shillings.\n", external_id="x")
    block.relay().run_until_idle()
    assert "300 shillings" in block.found("cost")[0].passage.text


def test_a_failed_document_sent_again_is_tried_again(block: Ingestion) -> None:
    """As the same version, once: it is not a no-op, as nothing came of it."""
    inner = block.parser
    block.parser = FaultyParser(inner, bug)
    document = block.receive("# Fees\n\nIt costs 100 shillings.\n")
    block.relay(max_attempts=2).run_until_idle()
    shown = block.documents.get(READER, document.document_id)
    assert shown.failure is not None
    assert shown.failure.reason == "internal-error"
    assert block.backlog().parked == 1
    block.parser = inner
    again = block.receive("# Fees\n\nIt costs 100 shillings.\n")
    assert (again.document_id, again.version, again.status) == (
        document.document_id,
        1,
        DocumentStatus.RECEIVED,
    )
    block.relay().run_until_idle()
    assert block.documents.get(READER, document.document_id).status is DocumentStatus.INDEXED
    assert block.backlog().parked == 0


def test_a_replacement_is_seen_at_once_and_the_old_one_swept_later(block: Ingestion) -> None:
    """For a minute the index holds both, readers see the new one; then the old one is gone everywhere."""
    document = block.receive("# Fees\n\nIt costs 100 shillings.\n", external_id="x")
    block.relay().run_until_idle()
    block.receive("# Fees\n\nIt costs 200 shillings.\n", external_id="x")
    block.relay().run_until_idle()
    assert block.index.info().passages == 2
    assert [f.passage.version for f in block.found("cost")] == [2]
    assert "100" in block.documents.text(READER, document.document_id, 1)
    block.sweep()
    assert block.index.info().passages == 1
    assert [f.passage.version for f in block.found("cost")] == [2]
    with pytest.raises(NotFound):
        block.documents.text(READER, document.document_id, 1)


def test_replacements_in_a_row_all_pass_and_the_last_one_stays(block: Ingestion) -> None:
    """Received faster than they are indexed."""
    for number in range(1, 6):
        document = block.receive(f"# Fees\n\nIt costs {number}00 shillings.\n", external_id="x")
    block.relay().run_until_idle()
    shown = block.documents.get(READER, document.document_id)
    assert (shown.version, shown.live_version) == (5, 5)
    assert ["500" in f.passage.text for f in block.found("cost")] == [True]
    block.sweep()
    assert block.index.info().passages == 1


def test_what_passes_is_tried_again_and_nothing_is_done_twice(block: Ingestion) -> None:
    """An embedder that is away now and then: every passage is embedded once, the text parsed once."""
    block.embedder = flaky = FaultyEmbedder(block.embedder, lambda call: down(call) if call % 2 else None)
    block.parser = parser = FaultyParser(block.parser, never)
    document = block.receive(long_text())
    block.relay().run_until_idle()
    shown = block.documents.get(READER, document.document_id)
    assert shown.status is DocumentStatus.INDEXED
    assert shown.passages == len(flaky.texts) == len(set(flaky.texts)) == block.index.info().passages
    assert shown.passages > 32
    assert parser.calls == 1


def test_what_never_passes_is_parked_and_shown(block: Ingestion) -> None:
    """After so many attempts, with status, event and backlog."""
    block.embedder = dead = FaultyEmbedder(block.embedder, down)
    document = block.receive("# Fees\n\nIt costs 100 shillings.\n")
    block.relay(max_attempts=3).run_until_idle()
    assert dead.calls == 3
    shown = block.documents.get(READER, document.document_id)
    assert shown.failure is not None
    assert (shown.status, shown.failure.reason) == (DocumentStatus.FAILED, "unavailable")
    assert (block.backlog().jobs, block.backlog().parked) == (0, 1)


@pytest.mark.parametrize("moment", [1, 2, 3])
def test_erasing_while_indexing_wins(block: Ingestion, moment: int) -> None:
    """Between any two steps: nothing of the document is left in the index or comes back."""

    def erase(call: int) -> None:
        if call == moment:
            block.documents.erase(OFFICER, document.document_id)

    block.embedder = FaultyEmbedder(block.embedder, erase)
    document = block.receive(long_text())
    block.relay().run_until_idle()
    assert block.index.info().passages == 0
    with pytest.raises(NotFound):
        block.documents.get(ADMIN, document.document_id)
    assert block.backlog().jobs == 0


def test_erasing_while_parsing_wins(block: Ingestion) -> None:
    """The text is not stored any more."""

    def erase(_: int) -> None:
        block.documents.erase(OFFICER, document.document_id)

    block.parser = FaultyParser(block.parser, erase)
    document = block.receive("# Fees\n\nIt costs 100 shillings.\n")
    block.relay().run_until_idle()
    with block.records.read() as uow, pytest.raises(NotFound):
        uow.documents.text(document.document_id, 1)
    assert block.index.info().passages == 0


def test_events_tell_ids_and_hashes_only(block: Ingestion) -> None:
    """The whole story in order, without a word of the document."""
    document = block.receive("# Zebra\n\nZebra costs 100 shillings.\n", title="Zebra", filename="zebra.md")
    block.receive("%PDF-1.7 zebra", filename="zebra.pdf")
    block.relay().run_until_idle()
    block.documents.erase(OFFICER, document.document_id)
    block.relay().run_until_idle()
    told = [event for _, event in block.broker.read()]  # type: ignore[attr-defined]
    mine = [event.type for event in told if event.key == document.document_id]
    assert mine == [f"jibu.document.{change}.v1" for change in ("received", "indexed", "erased")]
    assert "jibu.document.failed.v1" in {event.type for event in told}
    assert "zebra" not in str(told).lower()
