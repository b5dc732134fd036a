"""What every passage index has to do, whatever stands behind it.

A subclass gives the fixture ``setup``: a way to open an index by name, again and again on the same storage.
"""

from __future__ import annotations

import math
import threading
from array import array
from dataclasses import replace

import pytest

from jibu.domain.errors import IndexMismatch, InvalidInput
from jibu.ports import Index
from jibu.testing.index_samples import (
    ALL,
    DIMENSION,
    EMBEDDER,
    OPEN,
    IndexSetup,
    dense,
    lexical,
    passage,
    vector,
)
from jibu.testing.index_search_contract import IndexSearchContract


class IndexContract(IndexSearchContract):
    """All that an adapter of ``Index`` has to pass: searching, and here changes, durability and readers."""

    def test_adding_an_id_again_replaces_it(self, index: Index) -> None:
        """The old terms, vector and owner are gone; in one batch the last one counts."""
        index.add([passage(0, "old"), passage(1, "stays")])
        new = passage(0, "new", owner="o1", at=vector(0.0, 1.0))
        index.add([passage(0, "between"), new])
        assert (
            dense(index),
            lexical(index, "old"),
            lexical(index, "between"),
            lexical(index, "new"),
            dense(index, OPEN),
            index.info().passages,
        ) == (["d1.1.1", "d1.1.0"], [], [], ["d1.1.0"], ["d1.1.1"], 2)

    def test_adding_nothing_is_fine(self, index: Index) -> None:
        """An empty batch changes nothing."""
        index.add([])
        assert index.info().passages == 0

    def test_a_passage_without_terms_is_found_by_its_vector(self, index: Index) -> None:
        """A picture's caption may hold no word."""
        index.add([passage(0), passage(1, "word")])
        assert (dense(index), lexical(index, "word")) == (["d1.1.0", "d1.1.1"], ["d1.1.1"])

    @pytest.mark.parametrize("components", [[1.0], [math.nan] * DIMENSION, [math.inf] * DIMENSION])
    def test_a_bad_vector_is_refused_whole(self, index: Index, components: list[float]) -> None:
        """Wrong length or no number: invalid input, in a query and in a batch, which leaves nothing behind."""
        wrong = replace(passage(1, "tax"), vector=array("f", components))
        with pytest.raises(InvalidInput):
            index.add([passage(0, "tax"), wrong])
        with pytest.raises(InvalidInput):
            index.dense(array("f", components), ALL, 5)
        assert (dense(index), lexical(index, "tax")) == ([], [])

    def test_passage_ids_of_a_version(self, index: Index) -> None:
        """What a broken-off run has done already, for one version of one document."""
        index.add(
            [passage(0, "x"), passage(1, "x"), passage(0, "x", version=2), passage(0, "x", document="d2")]
        )
        assert ({"d1.1.0", "d1.1.1"}, {"d1.2.0"}, set()) == (
            index.passage_ids("d1", 1),
            index.passage_ids("d1", 2),
            index.passage_ids("d1", 3),
        )

    def test_deleting_a_document(self, index: Index) -> None:
        """All versions go, on every path; other documents stay; the count says how many."""
        index.add([passage(0, "tax"), passage(0, "tax", version=2), passage(0, "tax", document="d2")])
        assert (index.delete_document("d1"), index.delete_document("d1")) == (2, 0)
        assert (["d2.1.0"], ["d2.1.0"], [None], set(), 1) == (
            dense(index),
            lexical(index, "tax"),
            index.vectors(["d1.1.0"], ALL),
            index.passage_ids("d1", 1),
            index.info().passages,
        )

    def test_deleting_all_versions_but_one(self, index: Index) -> None:
        """After a replacement the sweep keeps the live version."""
        index.add([passage(n, "tax", version=v) for v in (1, 2, 3) for n in (0, 1)])
        assert index.delete_document("d1", keep_version=2) == 4
        assert {"d1.2.0", "d1.2.1"} == set(dense(index)) == set(lexical(index, "tax"))

    def test_a_deleted_passage_can_come_back(self, index: Index) -> None:
        """The same id is added after its deletion."""
        index.add([passage(0, "tax"), passage(1, "tax")])
        index.delete_document("d1")
        index.add([passage(0, "tax")])
        assert (dense(index), lexical(index, "tax")) == (["d1.1.0"], ["d1.1.0"])

    def test_compacting_changes_no_answer(self, index: Index) -> None:
        """Removed passages stay away and the others keep their place; twice is as good as once."""
        for n in range(10):
            index.add([passage(n, "tax", f"only{n}", document=f"d{n % 3}")])
        index.delete_document("d1")
        before = (dense(index), set(lexical(index, "tax")))
        index.compact()
        index.compact()
        assert before == (dense(index), set(lexical(index, "tax")))
        assert (
            index.frequencies(["only1", "only2", "tax"]),
            lexical(index, "only9"),
        ) == ([0, 1, 7], ["d0.1.9"])

    def test_compacting_an_emptied_index(self, index: Index) -> None:
        """Nothing is left, and it can be filled again."""
        index.add([passage(0, "tax")])
        index.delete_document("d1")
        index.compact()
        index.add([passage(1, "tax")])
        assert (dense(index), index.info().passages) == (["d1.1.1"], 1)

    def test_info(self, index: Index) -> None:
        """An index says what made it and how much it holds."""
        index.add([passage(0, "tax"), passage(1, "tax")])
        info = index.info()
        assert (info.embedder, info.dimension, info.passages) == (EMBEDDER, DIMENSION, 2)
        assert info.kind

    def test_what_was_added_is_there_after_reopening(self, setup: IndexSetup) -> None:
        """Durable when ``add`` returns, without ``close``."""
        first = setup.open("kept", EMBEDDER, DIMENSION)
        first.add([passage(0, "tax"), passage(1, "form", document="d2")])
        first.delete_document("d2")
        second = setup.open("kept", EMBEDDER, DIMENSION)
        assert (dense(second), lexical(second, "tax"), second.info().passages) == (["d1.1.0"], ["d1.1.0"], 1)
        first.close()
        second.close()

    def test_an_open_reader_sees_changes_at_once(self, setup: IndexSetup) -> None:
        """Without reopening, and without being told."""
        writer, reader = (setup.open("shared", EMBEDDER, DIMENSION) for _ in range(2))
        seen = [dense(reader)]
        writer.add([passage(0, "tax"), passage(0, "form", document="d2")])
        seen.append(dense(reader))
        writer.delete_document("d1")
        seen.append(lexical(reader, "tax", "form"))
        writer.compact()
        seen.append(lexical(reader, "tax", "form"))
        assert seen == [[], ["d1.1.0", "d2.1.0"], ["d2.1.0"], ["d2.1.0"]]
        writer.close()
        reader.close()

    @pytest.mark.parametrize(("embedder", "dimension"), [("another", DIMENSION), (EMBEDDER, 16)])
    def test_another_embedder_is_refused(self, setup: IndexSetup, embedder: str, dimension: int) -> None:
        """Vectors of two models cannot be compared; the error says so when the index is opened."""
        first = setup.open("built", EMBEDDER, DIMENSION)
        first.add([passage(0, "tax")])
        first.close()
        with pytest.raises(IndexMismatch, match="reindex"):
            setup.open("built", embedder, dimension)

    def test_closing_twice_is_fine(self, setup: IndexSetup) -> None:
        """As any clean-up may."""
        index = setup.open("closing", EMBEDDER, DIMENSION)
        index.close()
        index.close()

    def test_threads_read_while_one_writes(self, index: Index) -> None:
        """Each batch is seen whole or not at all, by dense and lexical alike, and no read fails."""
        torn: list[int] = []
        done = threading.Event()

        def read() -> None:
            while not done.is_set():
                for found in (dense(index, limit=500), lexical(index, "tax", limit=500)):
                    torn.extend([len(found)] if len(found) % 5 else [])

        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        try:
            for batch in range(40):
                index.add([passage(n, "tax", document=f"d{batch}") for n in range(5)])
        finally:
            done.set()
            for reader in readers:
                reader.join()
        assert (torn, len(dense(index, limit=500))) == ([], 200)
