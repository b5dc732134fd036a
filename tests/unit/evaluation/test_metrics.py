"""The measures, on cases small enough to work out by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jibu.evaluation.bootstrap import figure, figure_of, mean_figure
from jibu.evaluation.metrics import auroc, document_recall, evidence_recall, first_words, ndcg, phrase_recall

SCORES = st.lists(st.sampled_from([0.0, 0.1, 0.5, 0.5, 0.9, 1.0]), min_size=1, max_size=12)


def test_recall_counts_distinct_documents() -> None:
    """Several passages of one document take one place."""
    assert document_recall(["a", "a", "b", "a", "c", "d", "e", "f"], ["e", "f"]) == 0.5
    assert document_recall([], ["a"]) == 0.0


def test_ndcg_of_a_perfect_and_a_late_ranking() -> None:
    """The best order scores 1; a lone document in the second place 1 / log2(3)."""
    assert ndcg(["a", "a", "b"], {"a": 2, "b": 1}) == 1.0
    assert ndcg(["x", "a"], {"a": 1}) == pytest.approx(1 / math.log2(3))
    assert ndcg(["b", "a"], {"a": 2, "b": 1}) == pytest.approx(
        (1 + 3 / math.log2(3)) / (3 + 1 / math.log2(3))
    )
    assert ndcg([f"x{n}" for n in range(10)] + ["a"], {"a": 1}) == 0.0


def test_the_budget_ends_inside_a_passage() -> None:
    """Words are counted on blank space, and the last passage is cut."""
    assert first_words(["one two", "three  four\nfive"], 4).split() == ["one", "two", "three", "four"]
    assert first_words([], 4) == ""


@pytest.mark.parametrize(
    ("span", "text", "found"),
    [
        ("ten days", "It takes TEN, days.", 1.0),
        ("ten days", "ten working days", 0.0),
        ("a b c", "c b a", 0.0),
        ("a b c d e", "e d c x b", 1.0),
        ("a b c d e", "e d c x", 0.0),
        ("a b c d", "d c b", 0.0),
        ("days", "holidays", 0.0),
        ("पासपोर्ट शुल्क", "नया पासपोर्ट शुल्क है", 1.0),
        ("\uff46\uff55ll", "full", 1.0),
    ],
)
def test_spans_are_found_in_order_or_by_four_fifths_of_their_words(
    span: str, text: str, found: float
) -> None:
    """Short spans need their sequence; longer ones four fifths of their words."""
    assert evidence_recall([span], text) == found


def test_phrases_need_their_characters() -> None:
    """Phrases are looked for as they are, but for case and blank space."""
    assert phrase_recall(["Shilingi\n4,550", "a b c d e"], "shilingi 4,550.50 e d c b a") == 0.5


def test_auroc_of_known_orders() -> None:
    """Perfect, reversed, tied, and missing sides."""
    assert auroc([0.9, 0.8], [0.1]) == 1.0
    assert auroc([0.1], [0.9, 0.8]) == 0.0
    assert auroc([0.5], [0.5]) == 0.5
    assert auroc([], [0.5]) is None
    assert auroc([0.5], []) is None


@given(SCORES, SCORES)
def test_auroc_counts_pairs(positive: list[float], negative: list[float]) -> None:
    """It equals the share of pairs in the right order, ties counted half."""
    pairs = [(p > n) + (p == n) / 2 for p in positive for n in negative]
    assert auroc(positive, negative) == pytest.approx(sum(pairs) / len(pairs))


def test_intervals_are_the_same_for_the_same_seed() -> None:
    """A figure can be checked by anyone; the interval holds the value."""
    values = [0.0, 1.0, 1.0, 0.5, 1.0, 0.0, 1.0]
    one = figure(values, seed=7)
    assert one == figure(values, seed=7)
    assert one is not None
    assert one.low <= one.value <= one.high
    assert one.n == 7
    assert one.value == pytest.approx(4.5 / 7)
    assert figure([], seed=7) is None


def test_any_statistic_gets_an_interval() -> None:
    """Samples in which it has no value are left out."""
    found = figure_of([1.0, 0.0, 1.0], lambda some: max(some) if any(some) else None, seed=1)
    assert found is not None
    assert (found.value, found.low, found.high, found.n) == (1.0, 1.0, 1.0, 3)
    assert figure_of([], lambda _: None, seed=1) is None


def test_the_mean_over_sets_weighs_sets_alike() -> None:
    """A large set counts no more than a small one; an empty one not at all."""
    found = mean_figure([[1.0] * 100, [0.0, 0.0], []], seed=3)
    assert found is not None
    assert (found.value, found.n) == (0.5, 2)
