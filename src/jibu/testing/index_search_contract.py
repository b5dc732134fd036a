"""What every passage index has to find, and what it has to hide."""

from __future__ import annotations

import math

import pytest

from jibu.domain.access import AccessFilter
from jibu.ports import Index, WeightedTerm
from jibu.testing.index_samples import (
    ALL,
    OPEN,
    IndexSuite,
    dense,
    lexical,
    passage,
    vector,
)


class IndexSearchContract(IndexSuite):
    """Ranking, terms in every script, filters, limits."""

    def test_an_empty_index_finds_nothing(self, index: Index) -> None:
        """No passage, no hit, no error."""
        assert ([], [], [0], [None], set(), 0) == (
            dense(index),
            lexical(index, "word"),
            index.frequencies(["word"]),
            index.vectors(["d1.1.0"], ALL),
            index.passage_ids("d1", 1),
            index.delete_document("d1"),
        )

    def test_dense_hits_come_by_cosine(self, index: Index) -> None:
        """Nearest first, with the cosine as score and the document named."""
        index.add([passage(n, "x") for n in (3, 1, 2)])
        hits = index.dense(vector(1.0), ALL, 2)
        assert [(h.passage_id, h.document_id) for h in hits] == [("d1.1.1", "d1"), ("d1.1.2", "d1")]
        assert [1 / math.sqrt(1.01), 1 / math.sqrt(1.04)] == pytest.approx([h.score for h in hits], abs=2e-3)

    def test_lexical_hits_come_by_bm25(self, index: Index) -> None:
        """Rare terms count more, repeats count more, long passages less; any term may match."""
        index.add(
            [
                passage(0, "tax", "rare"),
                passage(1, "tax", "tax"),
                passage(2, "tax", "other"),
                passage(3, "tax", *["pad"] * 30),
                passage(4, "unrelated", "words"),
            ]
        )
        assert lexical(index, "tax", "rare") == ["d1.1.0", "d1.1.1", "d1.1.2", "d1.1.3"]

    def test_lexical_scores_follow_the_formula(self, index: Index) -> None:
        """The score is weight x idf x tf (k1 + 1) / (tf + k1 (1 - b + b length / mean length)), summed."""
        index.add([passage(0, "tax", "tax", "form"), passage(1, "form"), passage(2, "else", "where")])
        tax = math.log(1 + 2.5 / 1.5) * 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 3 / 2))
        form = math.log(1 + 1.5 / 2.5) * 2.2 / (1 + 1.2 * (0.25 + 0.75 * 3 / 2))
        (best, *_) = index.lexical([WeightedTerm("tax", 0.5), WeightedTerm("form", 2.0)], ALL, 5)
        assert best.passage_id == "d1.1.0"
        assert best.score == pytest.approx(0.5 * tax + 2.0 * form, rel=1e-3)

    def test_weights_change_the_order(self, index: Index) -> None:
        """A query decides how much each of its terms counts."""
        index.add([passage(0, "left", "x"), passage(1, "right", "y")])
        for heavy, first in (("left", "d1.1.0"), ("right", "d1.1.1")):
            terms = [WeightedTerm(t, 3.0 if t == heavy else 1.0) for t in ("left", "right")]
            assert first == index.lexical(terms, ALL, 1)[0].passage_id

    def test_unknown_terms_find_nothing(self, index: Index) -> None:
        """No match is no hit, not a hit of score 0."""
        index.add([passage(0, "tax")])
        assert (lexical(index, "absent"), lexical(index)) == ([], [])

    @pytest.mark.parametrize(
        "term",
        [
            "ច្បាប់",
            "ภาษี",
            "कानून",
            "القانون",
            "Ünïcode",
            "税",
            "don't",
            "a-b",
            "C++",
            "e\u0301",
            "§12",
            "x_y",
            "🏛",
            "İ",
        ],
    )
    def test_terms_are_kept_verbatim(self, index: Index, term: str) -> None:
        """No folding, splitting or dropping of marks: a term matches itself and nothing near it."""
        index.add(
            [passage(0, term, "filler"), passage(1, term + "x", "filler"), passage(2, term[:-1] or "-")]
        )
        assert (lexical(index, term), index.frequencies([term])) == (["d1.1.0"], [1])

    def test_frequencies_count_passages(self, index: Index) -> None:
        """A term repeated in a passage counts once."""
        index.add([passage(0, "tax", "tax"), passage(1, "tax", "form")])
        assert index.frequencies(["tax", "form", "none"]) == [2, 1, 0]

    @pytest.mark.parametrize(
        ("access", "found"),
        [
            (AccessFilter(frozenset({"a"})), {"d1.1.0"}),
            (AccessFilter(frozenset({"a"}), frozenset({"o1"})), {"d1.1.0", "d1.1.1"}),
            (
                AccessFilter(frozenset({"a", "b"}), frozenset({"o2"})),
                {"d1.1.0", "d1.1.2", "d1.1.3", "d1.1.4"},
            ),
            (AccessFilter(frozenset({"a", "b"}), languages=frozenset({"km", "fr"})), {"d1.1.4"}),
            (AccessFilter(frozenset()), set()),
            (AccessFilter(frozenset(), frozenset({"o1"})), set()),
            (AccessFilter(frozenset({"unknown"}), frozenset({"o1"})), set()),
        ],
    )
    def test_the_filter_holds_on_every_path(
        self, index: Index, access: AccessFilter, found: set[str]
    ) -> None:
        """Collections, owner keys and languages decide alike for dense, lexical and stored vectors."""
        rows = [
            passage(0, "tax"),
            passage(1, "tax", owner="o1"),
            passage(2, "tax", owner="o2"),
            passage(3, "tax", collection="b"),
            passage(4, "tax", collection="b", language="km"),
        ]
        index.add(rows)
        ids = [row.passage_id for row in rows]
        shown = {i for i, kept in zip(ids, index.vectors(ids, access), strict=True) if kept is not None}
        assert (found, found, found) == (
            set(dense(index, access)),
            set(lexical(index, "tax", access=access)),
            shown,
        )

    def test_the_filter_acts_inside_the_query(self, index: Index) -> None:
        """A few allowed passages are found though very many better ones are hidden."""
        index.add([passage(n, "tax", "tax", owner="o2", at=vector(1.0)) for n in range(500)])
        index.add([passage(n, "tax", "pad", document="mine", at=vector(0.1, 1.0)) for n in range(3)])
        mine = {f"mine.1.{n}" for n in range(3)}
        assert (mine, mine) == (
            set(dense(index, OPEN, limit=5)),
            set(lexical(index, "tax", access=OPEN, limit=5)),
        )

    def test_limits(self, index: Index) -> None:
        """Never more than asked for, and all there is when that is less."""
        index.add([passage(n, "tax") for n in range(20)])
        sizes = [(len(dense(index, limit=k)), len(lexical(index, "tax", limit=k))) for k in (1, 7, 20, 100)]
        assert sizes == [(1, 1), (7, 7), (20, 20), (20, 20)]

    def test_vectors_come_back_nearly_as_given(self, index: Index) -> None:
        """In the order asked, None for what is not there."""
        given = passage(1, "x", at=vector(0.3, -0.4, 0.5, 0.7))
        index.add([given, passage(2, "y")])
        absent, kept = index.vectors(["nobody.1.0", given.passage_id], ALL)
        assert absent is None
        assert kept is not None
        assert given.vector.tolist() == pytest.approx(kept.tolist(), abs=2e-3)
