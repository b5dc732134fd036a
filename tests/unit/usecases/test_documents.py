"""Documents: receiving, showing, hiding, erasing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from ingestion import ADMIN, OFFICER, READER, Ingestion

from jibu.domain.access import AccessFilter, Caller
from jibu.domain.documents import DocumentStatus, NewDocument
from jibu.domain.errors import InvalidInput, NotFound, TooLarge

PASSPORT = "# Passports\n\nA passport costs 4,550 shillings.\n"
NEW = NewDocument("travel", PASSPORT.encode(), filename="passports.md")


def test_a_received_document_is_safe_and_its_job_waits(block: Ingestion) -> None:
    """Bytes, event and job are there when ``receive`` returns."""
    document, done = block.documents.receive(OFFICER, NEW)
    assert done
    assert (document.status, document.version, document.title) == (
        DocumentStatus.RECEIVED,
        1,
        "passports.md",
    )
    assert document.media_type == "text/markdown"
    with block.records.read() as uow:
        assert uow.documents.content(document.document_id, 1) == NEW.content
    assert block.backlog().jobs == 1
    told = block.events()[-1]
    assert (told.type, told.key) == ("jibu.document.received.v1", document.document_id)
    assert dict(told.data) == {
        "documentId": document.document_id,
        "collectionId": "travel",
        "version": 1,
        "sha256": document.sha256,
    }


def test_the_same_again_is_nothing_new(block: Ingestion) -> None:
    """No version, no event, no job; before and after it is indexed."""
    first, _ = block.documents.receive(OFFICER, NEW)
    events = len(block.events())
    again, done = block.documents.receive(OFFICER, NEW)
    assert (again, done) == (first, False)
    assert len(block.events()) == events
    assert block.backlog().jobs == 1
    block.relay().run_until_idle()
    again, done = block.documents.receive(OFFICER, NEW)
    assert (again.document_id, again.version, done) == (first.document_id, 1, False)


def test_the_same_external_id_is_the_next_version(block: Ingestion) -> None:
    """Also with a new title only; another external id is another document."""
    one, _ = block.documents.receive(OFFICER, replace(NEW, external_id="x"))
    two, _ = block.documents.receive(OFFICER, replace(NEW, external_id="x", content=b"other"))
    three, _ = block.documents.receive(OFFICER, replace(NEW, external_id="x", content=b"other", title="T"))
    other, _ = block.documents.receive(OFFICER, replace(NEW, external_id="y"))
    assert {one.document_id, two.document_id, three.document_id} == {one.document_id}
    assert (two.version, three.version, three.title) == (2, 3, "T")
    assert (other.version, other.document_id == one.document_id) == (1, False)


def test_the_same_content_with_other_words_is_the_next_version(block: Ingestion) -> None:
    """Without an external id the content tells which document is meant; in its collection only."""
    block.collection("tax")
    one, _ = block.documents.receive(OFFICER, NEW)
    two, _ = block.documents.receive(OFFICER, replace(NEW, title="Passports"))
    other, _ = block.documents.receive(OFFICER, replace(NEW, collection_id="tax"))
    assert (two.document_id, two.version) == (one.document_id, 2)
    assert other.document_id != one.document_id


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        (None, {"content": b""}),
        ("/title", {"title": " "}),
        ("/title", {"title": "x" * 301}),
        ("/filename", {"filename": "a\nb"}),
        ("/url", {"url": "javascript:alert(1)"}),
        ("/language", {"language": "kiswahili sanifu"}),
        ("/externalId", {"external_id": ""}),
        ("/dataAgreementId", {"individual_id": "i"}),
        ("/individualId", {"agreement_id": "g"}),
    ],
)
def test_what_is_said_is_checked(block: Ingestion, field: str | None, changes: dict[str, object]) -> None:
    """The error names the field; nothing is stored."""
    with pytest.raises(InvalidInput) as caught:
        block.documents.receive(OFFICER, replace(NEW, **changes))
    assert caught.value.field == field
    assert block.documents.page(ADMIN, collection_id=None, status=None, offset=0, limit=9).total == 0


def test_a_document_over_the_limit_is_refused(block: Ingestion) -> None:
    """The limit itself passes."""
    block.documents.receive(OFFICER, replace(NEW, content=b"x" * 100_000))
    with pytest.raises(TooLarge):
        block.documents.receive(OFFICER, replace(NEW, content=b"x" * 100_001))


def test_an_indexed_document_shows_text_and_passages(block: Ingestion) -> None:
    """Offsets cut the text exactly."""
    document = block.receive(PASSPORT)
    with pytest.raises(NotFound):
        block.documents.text(READER, document.document_id)
    assert block.documents.passages(READER, document.document_id, offset=0, limit=9).total == 0
    block.relay().run_until_idle()
    text = block.documents.text(READER, document.document_id)
    page = block.documents.passages(READER, document.document_id, offset=0, limit=9)
    assert page.total == len(page.items) == 1
    assert "4,550 shillings" in text
    assert all(text[p.start : p.end] == p.text for p in page.items)
    assert block.documents.text(READER, document.document_id, 1) == text
    with pytest.raises(NotFound):
        block.documents.text(READER, document.document_id, 2)


def test_a_document_that_one_may_not_read_is_not_there(block: Ingestion) -> None:
    """On every path, erasure included."""
    block.collection("tax", read=("read:tax",))
    document = block.receive(PASSPORT, collection_id="tax")
    block.relay().run_until_idle()
    name = document.document_id
    for ask in (
        lambda: block.documents.get(OFFICER, name),
        lambda: block.documents.text(OFFICER, name),
        lambda: block.documents.passages(OFFICER, name, offset=0, limit=1),
        lambda: block.documents.erase(OFFICER, name),
        lambda: block.documents.receive(OFFICER, replace(NEW, collection_id="tax")),
        lambda: block.documents.receive(OFFICER, replace(NEW, collection_id="nowhere")),
    ):
        with pytest.raises(NotFound):
            ask()
    assert block.documents.page(OFFICER, collection_id=None, status=None, offset=0, limit=9).total == 0
    clerk = Caller("KE/GOV/B/tax", frozenset({"read:tax"}))
    assert block.documents.get(clerk, name).status is DocumentStatus.INDEXED


def test_a_document_of_an_individual_is_shown_to_nobody(block: Ingestion) -> None:
    """Not even to the administrator; who loads sees its state alone; it can be erased."""
    mine = block.receive(PASSPORT, individual_id="i", agreement_id="g")
    block.relay().run_until_idle()
    for caller in (READER, OFFICER, ADMIN):
        for ask in (block.documents.get, block.documents.text)[caller is OFFICER :]:
            with pytest.raises(NotFound):
                ask(caller, mine.document_id)
        assert block.documents.page(caller, collection_id=None, status=None, offset=0, limit=9).total == 0
    state = block.documents.get(OFFICER, mine.document_id)
    assert (state.status.value, state.title, state.filename) == ("indexed", "", None)
    assert block.found("passport") == []
    owned = AccessFilter(frozenset({"travel"}), owners=frozenset({"i\x1fg"}))
    assert len(block.index.dense(block.embedder.embed_query("passport"), owned, 9)) == 1
    same = block.receive(PASSPORT)
    assert same.document_id != mine.document_id
    assert block.documents.erase(OFFICER, mine.document_id).verified == ("records", "answers", "index")


def test_pages_can_be_narrowed(block: Ingestion) -> None:
    """By collection and status, newest first."""
    block.collection("tax")
    block.receive("one")
    block.clock.advance(1)
    block.receive("two", collection_id="tax")
    page = block.documents.page(READER, collection_id=None, status="received", offset=0, limit=1)
    assert ([d.collection_id for d in page.items], page.total) == (["tax"], 2)
    page = block.documents.page(READER, collection_id="travel", status="indexed", offset=0, limit=9)
    assert page.total == 0
    with pytest.raises(InvalidInput):
        block.documents.page(READER, collection_id=None, status="lost", offset=0, limit=9)


def test_an_erased_document_is_gone_at_once(block: Ingestion) -> None:
    """From records and index, looked at again; the receipt counts what went and is kept."""
    document = block.receive(PASSPORT, external_id="x")
    block.relay().run_until_idle()
    block.receive("# Passports\n\nA passport costs 9,100 shillings.\n", external_id="x")
    block.relay().run_until_idle()
    assert len(block.found("passport")) == 1
    receipt = block.documents.erase(OFFICER, document.document_id)
    assert receipt.verified == ("records", "answers", "index")
    removed = dict(receipt.removed)
    assert (removed["documents"], removed["document_versions"], removed["passages"]) == (1, 2, 2)
    assert removed["index"] == 2
    assert block.found("passport") == []
    assert block.index.info().passages == 0
    with pytest.raises(NotFound):
        block.documents.get(ADMIN, document.document_id)
    with pytest.raises(NotFound):
        block.documents.erase(OFFICER, document.document_id)
    with block.records.read() as uow:
        assert uow.receipts.of_document(document.document_id) == receipt
    told = block.events()[-1]
    assert told.type == "jibu.document.erased.v1"
    assert PASSPORT.split()[2] not in str(told)


def test_an_erased_document_leaves_no_byte(block: Ingestion, tmp_path: Path) -> None:
    """After compaction its words are in no file of the data folder."""
    document = block.receive("# Zebrafish\n\nThe zebrafish licence costs 77 shillings.\n")
    block.receive(PASSPORT)
    block.relay().run_until_idle()
    assert _holding(tmp_path, b"zebrafish")
    block.documents.erase(OFFICER, document.document_id)
    block.sweep()
    assert _holding(tmp_path, b"zebrafish") == []
    assert len(block.found("passport")) == 1


def _holding(folder: Path, word: bytes) -> list[str]:
    """Return the files in a folder that hold a word."""
    return [str(f) for f in folder.rglob("*") if f.is_file() and word in f.read_bytes().lower()]
