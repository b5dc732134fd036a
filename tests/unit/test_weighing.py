"""How much each word of a question counts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jibu.domain.weighing import HISTORY_DECAY, HISTORY_WEIGHT, STEM_WEIGHT, idf, term_weights

terms = st.lists(st.sampled_from(["fee", "passport", "~passpor", "child", "~chil"]), max_size=6)


def test_a_term_counts_once_and_a_stem_less_than_a_word() -> None:
    """However often it is said."""
    assert term_weights(["fee", "fee", "~fe"]) == {"fee": 1.0, "~fe": STEM_WEIGHT}


def test_earlier_turns_count_less_the_older_they_are() -> None:
    """The question first, then the turn before it, and so on."""
    weights = term_weights(["fee"], [["passport"], ["child"]])
    assert weights == {"fee": 1.0, "passport": HISTORY_WEIGHT, "child": HISTORY_WEIGHT * HISTORY_DECAY}


def test_a_word_of_the_question_keeps_its_weight_when_it_was_said_before() -> None:
    """The greater weight counts."""
    assert term_weights(["fee"], [["fee"]]) == {"fee": 1.0}


@given(terms, st.lists(terms, max_size=5))
def test_each_distinct_term_has_one_weight_up_to_one(question: list[str], earlier: list[list[str]]) -> None:
    """No term is lost, none is made up; history never lowers a weight."""
    weights = term_weights(question, earlier)
    assert weights.keys() == {*question, *(t for turn in earlier for t in turn)}
    assert all(0 < weight <= 1 for weight in weights.values())
    alone = term_weights(question)
    assert all(weights[t] >= alone[t] for t in alone)


@given(st.integers(0, 10_000), st.integers(0, 20_000), st.integers(0, 500))
def test_the_rarer_the_heavier_and_never_negative(passages: int, frequency: int, more: int) -> None:
    """Also where an index counts more passages with a term than there are."""
    assert idf(passages, frequency) >= idf(passages, frequency + more) > 0
