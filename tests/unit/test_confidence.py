"""How sure the service is that the documents hold the answer."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from jibu.domain.answers import AnswerStatus
from jibu.domain.confidence import NOTHING, THRESHOLDS, Features, confidence, features
from jibu.domain.decision import Thresholds, decide

values = st.builds(Features, st.floats(-3, 6), st.floats(0, 50), st.floats(0, 1))
scores = st.lists(st.floats(-50, 50), max_size=8).map(lambda found: sorted(found, reverse=True))
words = st.lists(st.sampled_from(["passport", "fee", "~pass", "dog", "~do"]), max_size=6)


@given(st.builds(Features, *[st.floats(-1e9, 1e9)] * 3))
def test_it_is_a_probability_whatever_the_features(found: Features) -> None:
    """Always between 0 and 1."""
    assert 0 <= confidence(found) <= 1


@given(values, st.floats(0, 3))
def test_it_grows_with_the_best_score_and_its_lead_and_falls_with_what_is_missing(
    found: Features, more: float
) -> None:
    """Monotone in each feature."""
    now = confidence(found)
    assert confidence(Features(found.log_top + more, found.lead, found.missing)) >= now
    assert confidence(Features(found.log_top, found.lead + more, found.missing)) >= now
    assert confidence(Features(found.log_top, found.lead, found.missing + more)) <= now


def test_nothing_found_is_nothing_known() -> None:
    """An empty result is far below every threshold."""
    assert features([], ["a"], [], lambda _: 0, 0) == NOTHING
    assert confidence(NOTHING) < 0.001 < THRESHOLDS.partial < THRESHOLDS.answered < 1


@given(scores, words, st.integers(0, 1000), st.integers(0, 5000))
def test_features_are_finite_and_in_bounds(
    best: list[float], question: list[str], count: int, passages: int
) -> None:
    """Also in an empty store, or where the counts of an index are off."""
    shown = [frozenset({"fee"})]
    found = features(best, question, shown, lambda _: count, passages)
    assert all(math.isfinite(v) for v in (found.log_top, found.lead, found.missing))
    assert found.lead >= 0
    assert 0 <= found.missing <= 1


def test_the_rarest_word_that_no_passage_holds_counts() -> None:
    """A frequent missing word is worth less than a rare one, a word in the passages nothing."""
    shown = [frozenset({"passport", "fee"})]

    def counted(*question: str) -> float:
        frequency = {"the": 900, "dog": 1, "passport": 10, "fee": 10}
        return features([2.0], question, shown, lambda term: frequency.get(term, 0), 1000).missing

    assert counted("passport", "fee") == 0
    assert 0 < counted("passport", "the") < counted("passport", "dog") < counted("passport", "zebra") == 1


def test_another_form_of_a_word_counts_in_part() -> None:
    """A passage with the same stem holds most of the word."""
    shown = [frozenset({"passport", "~passpor"})]
    whole = features([2.0], ["passports"], shown, lambda _: 0, 1000).missing
    part = features([2.0], ["passports", "~passpor"], shown, lambda _: 0, 1000).missing
    assert 0 < part < whole


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_the_status_follows_the_thresholds(sure: float, one: float, other: float) -> None:
    """At a threshold the better status holds; more confidence never gives a worse status."""
    thresholds = Thresholds(answered=max(one, other), partial=min(one, other))
    order = [AnswerStatus.NOT_FOUND, AnswerStatus.PARTIAL, AnswerStatus.ANSWERED]
    assert decide(sure, thresholds) is order[(sure >= thresholds.partial) + (sure >= thresholds.answered)]
