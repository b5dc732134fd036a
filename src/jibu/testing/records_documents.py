"""Contract cases: collections and documents."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jibu.domain.access import owner_key
from jibu.domain.documents import DocumentStatus, Failure, NewDocument
from jibu.domain.errors import Conflict, NotFound
from jibu.ports import Records
from jibu.testing.records_samples import (
    LATER,
    NOW,
    activate,
    collection,
    parsed,
    receive,
    save,
    text_of,
    whole,
)


class CollectionCases:
    """Collections."""

    def test_a_collection_comes_back_as_it_was_put(self, records: Records) -> None:
        """Every field survives, times with their zone."""
        with records.write() as uow:
            assert uow.collections.put(collection()) is True
            uow.commit()
        with records.read() as uow:
            assert uow.collections.get("travel") == collection()

    def test_putting_again_replaces_and_keeps_the_first_time(self, records: Records) -> None:
        """``put`` says that it is not new and leaves ``created_at``."""
        with records.write() as uow:
            uow.collections.put(collection())
            changed = collection(title="Tax", read=("read:tax",), created_at=LATER, updated_at=LATER)
            assert uow.collections.put(changed) is False
            assert uow.collections.get("travel") == replace(changed, created_at=NOW)

    def test_collections_are_listed_by_id(self, records: Records) -> None:
        """All of them, in order."""
        with records.write() as uow:
            for name in ("tax", "births", "travel"):
                uow.collections.put(collection(name))
            assert [c.collection_id for c in uow.collections.all()] == ["births", "tax", "travel"]

    def test_only_an_empty_collection_goes(self, records: Records) -> None:
        """Conflict while it holds documents, NotFound when it is not there."""
        receive(records, "d1")
        with records.write() as uow:
            with pytest.raises(Conflict):
                uow.collections.delete("travel")
            uow.documents.erase("d1")
            uow.collections.delete("travel")
            with pytest.raises(NotFound):
                uow.collections.delete("travel")
            with pytest.raises(NotFound):
                uow.collections.get("travel")


class DocumentCases:
    """Documents before they are replaced."""

    def test_a_received_document_keeps_all_that_was_said(self, records: Records) -> None:
        """Bytes and metadata come back as they came."""
        new = NewDocument(
            collection_id="travel",
            content=b"\x00\xff bytes",
            filename="ü.pdf",
            title="T",
            media_type="application/pdf",
            url="https://example.org/ü",
            language="sw",
            external_id="x-1",
            licence="CC0-1.0",
            individual_id="i",
            agreement_id="g",
        )
        with records.write() as uow:
            uow.collections.put(collection())
            made = uow.documents.receive(
                "d1", new, title="T", media_type="application/pdf", fingerprint="ab", at=NOW
            )
            uow.commit()
        with records.read() as uow:
            found = uow.documents.get("d1")
            assert uow.documents.content("d1", 1) == new.content
            assert uow.documents.fingerprint("d1") == "ab"
        assert found == made
        assert (found.version, found.status, found.live_version) == (1, DocumentStatus.RECEIVED, None)
        assert (found.size, found.received_at, found.passages, found.pages) == (8, NOW, 0, None)
        for name in ("filename", "title", "url", "language", "external_id", "licence", "agreement_id"):
            assert getattr(found, name) == getattr(new, name)

    def test_a_document_needs_its_collection(self, records: Records) -> None:
        """Receiving into nowhere is NotFound and stores nothing."""
        with records.write() as uow, pytest.raises(NotFound):
            uow.documents.receive(
                "d1", NewDocument("nowhere", b"x"), title="", media_type="", fingerprint="", at=NOW
            )

    def test_unknown_documents_are_not_found(self, records: Records) -> None:
        """Every way to ask for one says so."""
        with records.write() as uow:
            d = uow.documents
            for ask in (
                lambda: d.get("no"),
                lambda: d.get("no", 1),
                lambda: d.content("no", 1),
                lambda: d.text("no"),
                lambda: d.text("no", 1),
                lambda: d.fingerprint("no"),
                lambda: d.requeue("no", 1),
                lambda: d.save_parsed("no", 1, parsed("x"), [], title=""),
                lambda: d.activate("no", 1, at=NOW, languages=()),
                lambda: d.fail("no", 1, Failure("empty", "")),
                lambda: d.erase("no"),
            ):
                with pytest.raises(NotFound):
                    ask()
            assert d.passages("no", 1) == []
            assert d.count_passages("no", 1) == 0
            assert d.drop_versions("no", before=9) == 0

    def test_parsed_passages_come_back_whole(self, records: Records) -> None:
        """Text, passages, sentences, headers and pages; and again after a second, other run."""
        receive(records, "d1")
        save(records, "d1", 1, count=5)
        expected = save(records, "d1", 1, count=3)
        with records.read() as uow:
            d = uow.documents
            assert d.text("d1", 1) == text_of(1)
            assert d.passages("d1", 1) == expected
            assert d.passages("d1", 1, offset=1, limit=1) == expected[1:2]
            assert d.count_passages("d1", 1) == 3
            document = d.get("d1")
        assert (document.title, document.pages, document.passages) == ("Title 1", 2, 3)
        assert document.status is DocumentStatus.RECEIVED
        for passage in expected:
            assert text_of(1)[passage.start : passage.end] == passage.text

    def test_documents_are_found_by_external_id_or_content(self, records: Records) -> None:
        """Within a collection and an owner; content counts only where there is no external id."""
        one = receive(records, "d1", b"one", external_id="x")
        two = receive(records, "d2", b"two")
        mine = receive(records, "d3", b"two", individual_id="i", agreement_id="g")
        owner = owner_key("i", "g")
        with records.read() as uow:

            def find(owner: str | None, external: str | None, sha256: str) -> str | None:
                found = uow.documents.find("travel", owner=owner, external_id=external, sha256=sha256)
                return None if found is None else found.document_id

            assert find(None, "x", "other") == "d1"
            assert find(None, None, one.sha256) is None
            assert find(None, None, two.sha256) == "d2"
            assert find(owner, None, mine.sha256) == "d3"
            assert find(owner, "x", one.sha256) is None
            assert find(None, "y", one.sha256) is None

    def test_pages_are_newest_first_and_filtered(self, records: Records) -> None:
        """By collection, owner and status; ``total`` counts all that match."""
        with records.write() as uow:
            for name in ("tax", "travel"):
                uow.collections.put(collection(name))
            for number in range(5):
                uow.documents.receive(
                    f"d{number}",
                    NewDocument("tax" if number == 4 else "travel", b"x"),
                    title="",
                    media_type="",
                    fingerprint="",
                    at=NOW.replace(minute=number),
                )
            uow.commit()
        receive(records, "mine", individual_id="i", agreement_id="g")
        with records.write() as uow:
            uow.documents.fail("d1", 1, Failure("empty", "no text"))
            uow.commit()
        travel, nobody = frozenset({"travel"}), frozenset[str]()
        with records.read() as uow:
            page = uow.documents.page(travel, nobody, offset=1, limit=2)
            assert ([d.document_id for d in page.items], page.total) == (["d2", "d1"], 4)
            assert uow.documents.page(nobody, nobody, offset=0, limit=9).total == 0
            owner = owner_key("i", "g")
            assert owner is not None
            mine = uow.documents.page(travel, frozenset({owner}), offset=0, limit=9)
            assert mine.total == 5
            failed = uow.documents.page(travel, nobody, offset=0, limit=9, status="failed")
            assert [d.failure for d in failed.items] == [Failure("empty", "no text")]

    def test_a_failed_version_can_be_tried_again(self, records: Records) -> None:
        """The failure is shown, and gone after ``requeue``."""
        receive(records, "d1")
        with records.write() as uow:
            uow.documents.fail("d1", 1, Failure("truncated", "the file ends early"))
            document = uow.documents.get("d1")
            assert document.status is DocumentStatus.FAILED
            assert document.failure == Failure("truncated", "the file ends early")
            uow.documents.requeue("d1", 1)
            document = uow.documents.get("d1")
            assert (document.status, document.failure) == (DocumentStatus.RECEIVED, None)

    def test_erasing_leaves_no_row(self, records: Records) -> None:
        """Counts per table are returned; nothing is found afterwards, jobs included."""
        found = whole(records, "d1", b"one")
        whole(records, "d1", b"two")
        whole(records, "d2")
        with records.write() as uow:
            uow.outbox.enqueue("index", "d1", 2, at=NOW)
            uow.outbox.enqueue("index", "d2", 1, at=NOW)
            removed = dict(uow.documents.erase("d1"))
            uow.commit()
        assert removed["documents"] == 1
        assert removed["document_versions"] == 2
        assert removed["passages"] == 6
        assert removed["jobs"] == 1
        with records.write() as uow:
            for ask in (uow.documents.get, uow.documents.text, uow.documents.erase):
                with pytest.raises(NotFound):
                    ask("d1")
            ids = [p.passage_id for p in found]
            assert uow.documents.hydrate(ids, epoch=uow.documents.epoch()) == []
            assert [j.key for j in uow.outbox.claim_jobs(at=NOW, lease_s=9, limit=9)] == ["d2"]
            assert list(uow.documents.live()) == [("d2", 1)]

    def test_erasing_takes_the_bytes_out(self, records: Records) -> None:
        """``compact`` after an erasure works and leaves the store usable."""
        whole(records, "d1")
        with records.write() as uow:
            uow.documents.erase("d1")
            uow.commit()
        records.compact()
        receive(records, "d2")
        activate(records, "d2", 1)
