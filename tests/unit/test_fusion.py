"""One ranking from two: what holds for it whatever the two sides say."""

from __future__ import annotations

import math
import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from jibu.domain.fusion import DEPTH, Candidate, fuse, ranked, smooth, support

NEAR = 1e-6
dense = st.floats(-1, 1)
bm25 = st.floats(0, 1000)
mass = st.floats(0, 500)


@st.composite
def candidate_lists(draw: st.DrawFn, most: int = 30) -> list[Candidate]:
    """Return different passages of a few documents."""
    places = draw(
        st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), unique=True, min_size=1, max_size=most)
    )
    return [
        Candidate(
            f"d{d}.1.{o}", f"d{d}", 1, o, draw(dense), draw(st.none() | bm25), foreign=draw(st.booleans())
        )
        for d, o in places
    ]  # fmt: skip


def whole(candidates: list[Candidate], terms: float) -> dict[str, float]:
    """Return the scores after every step."""
    by_id = {c.passage_id: c for c in candidates}
    return smooth(support(fuse(candidates, terms), by_id), by_id)


@given(candidate_lists(), mass, st.randoms(use_true_random=False))
def test_the_order_of_the_candidates_does_not_matter(
    candidates: list[Candidate], terms: float, dice: random.Random
) -> None:
    """Scores and ranking are the same whichever side was read first."""
    mixed = list(candidates)
    dice.shuffle(mixed)
    assert whole(candidates, terms) == whole(mixed, terms)
    assert ranked(whole(candidates, terms)) == ranked(whole(mixed, terms))


@given(candidate_lists(), mass)
def test_every_candidate_has_a_finite_score(candidates: list[Candidate], terms: float) -> None:
    """Also where all are alike, or the question has no word of weight."""
    scores = whole(candidates, terms)
    assert scores.keys() == {c.passage_id for c in candidates}
    assert all(math.isfinite(score) for score in scores.values())


def test_more_candidates_than_the_depth_that_are_all_alike() -> None:
    """A hundred copies leave no spread; what is scored beside them is finite all the same."""
    copies = [Candidate(f"c{n}.1.0", f"c{n}", 1, 0, 0.9, 7.0) for n in range(DEPTH)]
    scores = whole([*copies, Candidate("other.1.0", "other", 1, 0, 0.7, 1.0)], 10.0)
    assert all(math.isfinite(score) for score in scores.values())
    assert ranked(scores)[-1] == "other.1.0"


@given(candidate_lists(), mass, dense, bm25)
def test_what_is_better_on_both_sides_is_no_worse(
    candidates: list[Candidate], terms: float, cosine: float, words: float
) -> None:
    """Within one question: nearer and more words never score lower."""
    low = Candidate("low.1.0", "low", 1, 0, cosine, words)
    high = Candidate("high.1.0", "high", 1, 0, min(1.0, cosine + 0.1), words + 1)
    scores = fuse([*candidates, low, high], terms)
    assert scores["high.1.0"] >= scores["low.1.0"]


@given(candidate_lists(), mass, st.floats(0, 0.5), st.floats(0, 50))
def test_a_passage_gains_from_its_own_scores(
    candidates: list[Candidate], terms: float, nearer: float, more: float
) -> None:
    """The same passage with a higher cosine or BM25 never scores lower than it did."""
    one = replace(candidates[0], lexical=candidates[0].lexical or 0.0, foreign=False)
    before = fuse([one, *candidates[1:]], terms)[one.passage_id]
    closer = replace(one, dense=min(1.0, one.dense + nearer))
    wordier = replace(one, lexical=(one.lexical or 0.0) + more)
    for better in (closer, wordier):
        assert fuse([better, *candidates[1:]], terms)[one.passage_id] >= before - NEAR * max(1, abs(before))


@given(candidate_lists(), mass, dense)
def test_a_foreign_passage_without_shared_words_is_neither_praised_nor_blamed(
    candidates: list[Candidate], terms: float, cosine: float
) -> None:
    """Its score is that of its cosine alone: whatever words the question has, it stays."""
    foreign = Candidate("f.1.0", "f", 1, 0, cosine, None, foreign=True)
    known = replace(foreign, foreign=False)
    wordless = [replace(c, lexical=None) for c in candidates]
    neutral = fuse([*wordless, known], 1.0)["f.1.0"]
    assert math.isclose(fuse([*candidates, foreign], terms)["f.1.0"], neutral, rel_tol=NEAR, abs_tol=NEAR)


def test_a_passage_in_the_questions_language_is_blamed_for_sharing_no_word() -> None:
    """That is what sets it apart from a foreign one."""
    others = [Candidate(f"d{n}.1.0", f"d{n}", 1, 0, 0.8, 5.0) for n in range(5)]
    one = Candidate("x.1.0", "x", 1, 0, 0.85)
    assert fuse([*others, one], 5.0)["x.1.0"] < fuse([*others, replace(one, foreign=True)], 5.0)["x.1.0"]


@given(candidate_lists(), mass)
def test_support_and_neighbours_only_raise(candidates: list[Candidate], terms: float) -> None:
    """Each later step leaves a score or raises it."""
    by_id = {c.passage_id: c for c in candidates}
    first = fuse(candidates, terms)
    second = support(first, by_id)
    third = smooth(second, by_id)
    for passage, score in first.items():
        assert second[passage] >= score
        assert third[passage] >= second[passage] - NEAR * max(1, abs(score))


def test_a_document_with_several_good_passages_gains() -> None:
    """Two good passages of one document stand before an equal one that is alone."""
    pair = [Candidate("a.1.0", "a", 1, 0, 0.9, 5.0), Candidate("a.1.5", "a", 1, 5, 0.9, 5.0)]
    alone = Candidate("b.1.0", "b", 1, 0, 0.9, 5.0)
    scores = whole([*pair, alone], 5.0)
    assert ranked(scores) == ["a.1.0", "a.1.5", "b.1.0"]
    assert scores["a.1.5"] > scores["b.1.0"]


def test_a_passage_gains_from_a_good_neighbour_of_its_own_version_only() -> None:
    """The passage after the best one rises; the same place in another version or document does not."""
    best = Candidate("a.2.3", "a", 2, 3, 0.95, 9.0)
    beside, version, document = (
        Candidate("a.2.4", "a", 2, 4, 0.8, 1.0),
        Candidate("a.1.4", "a", 1, 4, 0.8, 1.0),
        Candidate("b.2.4", "b", 2, 4, 0.8, 1.0),
    )
    by_id = {c.passage_id: c for c in (best, beside, version, document)}
    scores = fuse(list(by_id.values()), 5.0)
    smoothed = smooth(scores, by_id)
    assert smoothed["a.2.4"] > scores["a.2.4"]
    assert smoothed["a.1.4"] == smoothed["b.2.4"] == scores["b.2.4"]
    assert smoothed["a.2.3"] == scores["a.2.3"]


def test_equal_scores_are_ranked_by_id() -> None:
    """The order is the same on every machine."""
    assert ranked({"b": 1.0, "a": 1.0, "c": 2.0}) == ["c", "a", "b"]
