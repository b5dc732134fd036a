"""Contract cases: versions, epochs and what readers see meanwhile."""

from __future__ import annotations

import threading

import pytest

from jibu.domain.documents import DocumentStatus, Failure
from jibu.domain.errors import Conflict, NotFound
from jibu.domain.passages import passage_id
from jibu.ports import Records
from jibu.testing.records_samples import LATER, activate, receive, save, text_of, whole


def _hydrated(records: Records, ids: list[str], epoch: int) -> list[str]:
    with records.read() as uow:
        return [found.passage.passage_id for found in uow.documents.hydrate(ids, epoch=epoch)]


def _epoch(records: Records) -> int:
    with records.read() as uow:
        return uow.documents.epoch()


class VersionCases:
    """Replacement."""

    def test_nothing_is_seen_before_activation(self, records: Records) -> None:
        """A parsed version has no live text and no passages to find; then it has both."""
        receive(records, "d1")
        found = save(records, "d1", 1)
        before = _epoch(records)
        ids = [p.passage_id for p in found]
        assert _hydrated(records, ids, before) == []
        with records.read() as uow, pytest.raises(NotFound):
            uow.documents.text("d1")
        assert activate(records, "d1", 1) is None
        assert _epoch(records) > before
        assert _hydrated(records, ids, _epoch(records)) == ids
        with records.read() as uow:
            document = uow.documents.get("d1")
            assert uow.documents.text("d1") == text_of(1)
        assert (document.status, document.live_version) == (DocumentStatus.INDEXED, 1)
        assert (document.indexed_at, document.languages) == (LATER, ("sw", "en"))

    def test_hydrated_passages_are_whole_and_in_the_order_asked(self, records: Records) -> None:
        """With title, collection and address of their version; unknown ids are left out."""
        one = whole(records, "d1")
        two = whole(records, "d2")
        asked = [two[1].passage_id, "nonsense", one[2].passage_id, "d1.9.0", two[0].passage_id]
        with records.read() as uow:
            found = uow.documents.hydrate(asked, epoch=uow.documents.epoch())
        assert [f.passage for f in found] == [two[1], one[2], two[0]]
        assert {(f.title, f.collection_id, f.score) for f in found} == {("Title 1", "travel", 0.0)}
        with records.read() as uow:
            assert uow.documents.hydrate([], epoch=uow.documents.epoch()) == []

    def test_an_epoch_sees_one_version_and_never_two(self, records: Records) -> None:
        """A search that began before a replacement goes on seeing the old version."""
        old = [p.passage_id for p in whole(records, "d1", b"one")]
        before = _epoch(records)
        new = [p.passage_id for p in whole(records, "d1", b"two")]
        after = _epoch(records)
        assert _hydrated(records, old + new, before) == old
        assert _hydrated(records, old + new, after) == new

    def test_the_next_version_waits_behind_the_live_one(self, records: Records) -> None:
        """Until it is activated readers see the old text; each version keeps its own description."""
        whole(records, "d1", b"one")
        receive(records, "d1", b"two", filename="b.md")
        with records.read() as uow:
            d = uow.documents
            newest, first = d.get("d1"), d.get("d1", 1)
            assert d.text("d1") == text_of(1)
        assert (newest.version, newest.status, newest.live_version) == (2, DocumentStatus.RECEIVED, 1)
        assert (newest.filename, first.filename) == ("b.md", "a.md")
        assert (first.version, first.status, first.title) == (1, DocumentStatus.INDEXED, "Title 1")

    def test_activation_says_what_it_replaces_and_repeats_harmlessly(self, records: Records) -> None:
        """A second activation changes nothing that readers see."""
        whole(records, "d1", b"one")
        receive(records, "d1", b"two")
        ids = [p.passage_id for p in save(records, "d1", 2)]
        assert activate(records, "d1", 2) == 1
        epoch = _epoch(records)
        assert activate(records, "d1", 2) is None
        assert _hydrated(records, ids, epoch) == ids
        assert _hydrated(records, ids, _epoch(records)) == ids

    def test_an_older_version_never_comes_back(self, records: Records) -> None:
        """Activating it once a newer one is live is a conflict."""
        receive(records, "d1", b"one")
        save(records, "d1", 1)
        whole(records, "d1", b"two")
        with pytest.raises(Conflict):
            activate(records, "d1", 1)

    def test_a_failed_version_leaves_the_live_one(self, records: Records) -> None:
        """Its status is shown, its predecessor is read."""
        whole(records, "d1", b"one")
        receive(records, "d1", b"two")
        with records.write() as uow:
            uow.documents.fail("d1", 2, Failure("encrypted", "locked"))
            uow.commit()
        with records.read() as uow:
            document = uow.documents.get("d1")
            assert uow.documents.text("d1") == text_of(1)
        assert (document.status, document.live_version) == (DocumentStatus.FAILED, 1)

    def test_dropping_spares_the_live_version(self, records: Records) -> None:
        """Older versions go with text, bytes and passages."""
        for content in (b"one", b"two", b"three"):
            whole(records, "d1", content)
        receive(records, "d1", b"four")
        with records.write() as uow:
            d = uow.documents
            assert d.drop_versions("d1", before=4) == 2
            for version in (1, 2):
                for ask in (d.text, d.content, d.get):
                    with pytest.raises(NotFound):
                        ask("d1", version)
                assert d.count_passages("d1", version) == 0
            assert d.text("d1") == text_of(3)
            assert d.content("d1", 4) == b"four"

    def test_live_versions_are_listed(self, records: Records) -> None:
        """By id, without documents that have none; their passages are counted."""
        whole(records, "d2")
        whole(records, "d1", b"one")
        whole(records, "d1", b"two")
        receive(records, "d3")
        with records.read() as uow:
            assert list(uow.documents.live()) == [("d1", 2), ("d2", 1)]
            assert uow.documents.live_passages() == 6

    def test_readers_see_old_or_new_while_versions_change(self, records: Records) -> None:
        """A reader that takes an epoch and then hydrates always gets exactly one whole version."""
        whole(records, "d1", b"0")
        ids = [passage_id("d1", version, n) for version in range(1, 40) for n in range(3)]
        stop, seen, wrong = threading.Event(), set(), []

        def watch() -> None:
            while not stop.is_set():
                found = _hydrated(records, ids, _epoch(records))
                versions = {name.split(".")[1] for name in found}
                seen.update(versions)
                if len(found) != 3 or len(versions) != 1:
                    wrong.append(found)

        reader = threading.Thread(target=watch)
        reader.start()
        try:
            for number in range(1, 15):
                whole(records, "d1", str(number).encode())
        finally:
            stop.set()
            reader.join()
        assert wrong == []
        assert "15" in seen or _hydrated(records, ids, _epoch(records))[0].startswith("d1.15.")
