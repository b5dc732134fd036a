# ruff: noqa: RUF001 - many scripts are the point
"""What every embedder has to do, whatever stands behind it. A subclass gives the fixture ``embedder``."""

from __future__ import annotations

import math
from array import array
from concurrent.futures import ThreadPoolExecutor

import pytest

from jibu.domain.passages import Vector
from jibu.ports import Embedder

PASSPORT = "A new passport costs 4,550 shillings and takes ten working days."
WEATHER = "Heavy rain is expected on the coast during the long rains."
HOSTILE = [
    "",
    "   ",
    "\0",
    "fee\0hidden",
    "a\ud800b",
    "\udfff",
    "\u200b",
    "\ufdfa" * 1000,
    "x" * 20_000,
    "😀" * 700,
]


def cosine(one: Vector, other: Vector) -> float:
    """Return the cosine of two vectors of norm 1."""
    return sum(a * b for a, b in zip(one, other, strict=True))


class EmbedderContract:
    """Tests that each adapter of ``Embedder`` runs."""

    def test_vectors_are_floats_of_norm_one(self, embedder: Embedder) -> None:
        """Type, size and length are what the port says, for passages and questions."""
        for vector in (*embedder.embed_passages([PASSPORT, WEATHER]), embedder.embed_query("passport fee")):
            assert isinstance(vector, array)
            assert vector.typecode == "f"
            assert len(vector) == embedder.dimension
            assert math.isclose(cosine(vector, vector), 1.0, abs_tol=1e-4)

    @pytest.mark.parametrize(
        "question", ["How much is a passport?", "Pasipoti inagharimu kiasi gani?", "护照多少钱？"]
    )
    def test_a_question_is_nearest_to_its_answer(self, embedder: Embedder, question: str) -> None:
        """Also in a language other than the document's."""
        query = embedder.embed_query(question)
        passport, weather = embedder.embed_passages([PASSPORT, WEATHER])
        assert cosine(query, passport) > cosine(query, weather)

    def test_order_is_kept(self, embedder: Embedder) -> None:
        """Each vector of a batch is that of its own text."""
        texts = [PASSPORT, WEATHER, "", PASSPORT + " " + WEATHER]
        for text, vector in zip(texts, embedder.embed_passages(texts), strict=True):
            assert cosine(vector, embedder.embed_passages([text])[0]) > 0.999

    def test_no_texts_give_no_vectors(self, embedder: Embedder) -> None:
        """An empty batch is no error."""
        assert embedder.embed_passages([]) == []

    def test_a_bad_text_never_sinks_its_batch(self, embedder: Embedder) -> None:
        """Hostile texts get finite vectors and leave their neighbours' as they were."""
        vectors = embedder.embed_passages([PASSPORT, *HOSTILE, WEATHER])
        assert len(vectors) == len(HOSTILE) + 2
        assert all(math.isfinite(value) for vector in vectors for value in vector)
        alone = embedder.embed_passages([PASSPORT])[0]
        assert cosine(vectors[0], alone) > 0.999

    @pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
    def test_a_hostile_question_gets_a_vector(self, embedder: Embedder, text: str) -> None:
        """A question is data from outside, too."""
        assert math.isclose(cosine(*[embedder.embed_query(text)] * 2), 1.0, abs_tol=1e-4)
        assert embedder.count_tokens(text) > 0

    def test_text_after_a_null_character_counts(self, embedder: Embedder) -> None:
        """Nothing is silently dropped."""
        whole = embedder.embed_passages(["Fees.\0" + PASSPORT])[0]
        assert cosine(whole, embedder.embed_passages(["Fees. " + PASSPORT])[0]) > 0.99

    def test_tokens_grow_with_the_text(self, embedder: Embedder) -> None:
        """A count says how much of ``max_tokens`` a text takes."""
        one, two = embedder.count_tokens(PASSPORT), embedder.count_tokens(PASSPORT + " " + WEATHER)
        assert 0 < one < two <= embedder.max_tokens

    def test_threads_may_share_it(self, embedder: Embedder) -> None:
        """Calls from several threads give what calls in turn give."""
        texts = [f"Form {n} is for service {n * 7}." for n in range(8)]
        expected = [embedder.embed_query(text) for text in texts]
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(embedder.embed_query, texts))
        assert all(cosine(a, b) > 0.999 for a, b in zip(expected, found, strict=True))
