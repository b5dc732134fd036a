"""How much each search term of a question counts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

STEM_MARK = "~"
STEM_WEIGHT = 0.5
HISTORY_WEIGHT, HISTORY_DECAY = 0.5, 0.8


def term_weights(question: Iterable[str], earlier: Sequence[Iterable[str]] = ()) -> dict[str, float]:
    """Return each distinct term with its weight.

    ``earlier`` holds the terms of the user's earlier turns, latest first; the further back, the less they count.
    """
    weights: dict[str, float] = {}
    for age, terms in enumerate([question, *earlier]):
        turn = 1.0 if age == 0 else HISTORY_WEIGHT * HISTORY_DECAY ** (age - 1)
        for term in set(terms):
            weight = turn * (STEM_WEIGHT if term.startswith(STEM_MARK) else 1.0)
            weights[term] = max(weights.get(term, 0.0), weight)
    return weights


def idf(passages: int, frequency: int) -> float:
    """Return BM25's inverse document frequency; frequency 0 gives the value of an unknown word."""
    present = min(frequency, passages)
    return math.log(1 + (passages - present + 0.5) / (present + 0.5))
