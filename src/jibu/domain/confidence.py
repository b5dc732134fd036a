"""How sure we are that the documents hold the answer: a small fitted model over features of the result."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass

from jibu.domain.decision import Thresholds
from jibu.domain.weighing import STEM_MARK, idf

SHOWN = 5
_STEM_COUNTS = 0.8
_RARITY_POWER = 1.5
_TELLING = 1000
"""Passages from which on it says something that none holds a word; in a small store most words are unseen."""
_LEAST_SCORE = 0.1


@dataclass(frozen=True, slots=True)
class Features:
    """What the model looks at.

    ``log_top``: logarithm of the best fused score. ``lead``: best minus fifth score. ``missing``: rarity (0 to 1) of
    the rarest word of the question that none of the best passages holds. ``follow_up``: 1 where earlier turns were
    read with the question, whose scores spread differently, else 0.
    """

    log_top: float
    lead: float
    missing: float
    follow_up: float = 0.0


NOTHING = Features(math.log(_LEAST_SCORE), 0.0, 1.0)
"""The features of an empty result."""

WEIGHTS = Features(log_top=4.3107, lead=0.1579, missing=-2.2649, follow_up=0.7527)
BIAS = -6.8072
THRESHOLDS = Thresholds(answered=0.75, partial=0.70)


def features(
    scores: Sequence[float],
    words: Sequence[str],
    shown: Sequence[frozenset[str]],
    frequency: Callable[[str], int],
    passages: int,
) -> Features:
    """Return the features of a result.

    ``scores`` are best first, ``words`` the search terms (stems among them) of the question or, where it is a story
    that ends in a question, of its last sentence, ``shown`` the terms of the best passages, ``frequency`` tells in how
    many of ``passages`` a term occurs.
    """
    if not scores:
        return NOTHING
    top = max(scores[0], _LEAST_SCORE)
    lead = scores[0] - scores[min(SHOWN, len(scores)) - 1]
    return Features(math.log(top), lead, _missing(words, shown, frequency, passages))


def confidence(found: Features) -> float:
    """Return the probability (0 to 1) that the documents hold the answer."""
    pairs = zip(astuple(WEIGHTS), astuple(found), strict=True)
    logit = BIAS + sum(weight * value for weight, value in pairs)
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, logit))))


def _missing(
    words: Sequence[str], shown: Sequence[frozenset[str]], frequency: Callable[[str], int], passages: int
) -> float:
    held: frozenset[str] = frozenset().union(*shown)
    unknown = idf(passages, 0)
    most = 0.0
    for word, stem in _with_stems(words):
        count = frequency(word) or frequency(stem)
        present = 1.0 if word in held else _STEM_COUNTS if stem in held else 0.0
        most = max(most, (idf(passages, count) / unknown) ** _RARITY_POWER * (1 - present))
    return most * min(1.0, math.log1p(passages) / math.log1p(_TELLING)) ** 2


def _with_stems(words: Sequence[str]) -> set[tuple[str, str]]:
    """Return each distinct word with its stem (itself where it has none)."""
    stems = {w for w in words if w.startswith(STEM_MARK)}
    pairs = set()
    for word in set(words) - stems:
        stem = next((s for s in stems if word.startswith(s[1:])), word)
        pairs.add((word, stem))
    return pairs
