"""One ranking from a dense and a lexical list. The constants were fitted on development questions.

docs/benchmarks/retrieval.md has the figures of each step.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

DEPTH = 100
LEXICAL_WEIGHT = 0.7
BACKGROUND_COSINE = 0.80
SPREAD_FLOOR = 0.02
SUPPORT, SUPPORT_BEST, SUPPORT_POOL = 0.15, 3, 60
NEIGHBOUR = 0.35
LINK_AFTER, LINK_DOCUMENTS, LINK_PASSAGES = 4, 2, 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage that one side found. ``lexical`` is None where that side did not find it.

    ``foreign``: known to be in another language than the question.
    """

    passage_id: str
    document_id: str
    version: int
    ordinal: int
    dense: float
    lexical: float | None = None
    foreign: bool = False


def fuse(candidates: Sequence[Candidate], mass: float) -> dict[str, float]:
    """Return the sum of standard scores of both sides, by passage id.

    ``mass`` is the sum of weight x idf of the question's terms, unknown ones included: it keeps chance matches of
    frequent words small. A foreign passage that shares no word is neither praised nor blamed for it.
    """
    dense = sorted((c.dense for c in candidates), reverse=True)[:DEPTH]
    lexical = sorted((c.lexical or 0.0 for c in candidates), reverse=True)[:DEPTH]
    dense_mean, dense_spread = _spread(dense + [BACKGROUND_COSINE] * (DEPTH - len(dense)), 0.0)
    words_mean, words_spread = _spread(lexical + [0.0] * (DEPTH - len(lexical)), SPREAD_FLOOR * mass)
    scores = {}
    for c in candidates:
        words = c.lexical if c.lexical is not None else words_mean if c.foreign else 0.0
        near = (c.dense - dense_mean) / dense_spread
        scores[c.passage_id] = near + LEXICAL_WEIGHT * (words - words_mean) / words_spread
    return scores


def support(scores: Mapping[str, float], candidates: Mapping[str, Candidate]) -> dict[str, float]:
    """Raise passages of documents that have several good ones."""
    seen: Counter[str] = Counter()
    gains: dict[str, float] = {}
    for passage in ranked(scores)[:SUPPORT_POOL]:
        document = candidates[passage].document_id
        if 0 < seen[document] < SUPPORT_BEST:
            gains[document] = gains.get(document, 0.0) + max(scores[passage] + 1.0, 0.0)
        seen[document] += 1
    return {p: s + SUPPORT * gains.get(candidates[p].document_id, 0.0) for p, s in scores.items()}


def smooth(scores: Mapping[str, float], candidates: Mapping[str, Candidate]) -> dict[str, float]:
    """Let a passage gain from the one before and after it in its document."""
    at = {(c.document_id, c.version, c.ordinal): scores[p] for p, c in candidates.items()}
    out = {}
    for passage, score in scores.items():
        c = candidates[passage]
        before = at.get((c.document_id, c.version, c.ordinal - 1), score)
        after = at.get((c.document_id, c.version, c.ordinal + 1), score)
        out[passage] = (1 - NEIGHBOUR) * score + NEIGHBOUR * max(score, before, after)
    return out


def ranked(scores: Mapping[str, float]) -> list[str]:
    """Return the ids, best first; equal scores by id."""
    return sorted(scores, key=lambda p: (-scores[p], p))


def _spread(values: Sequence[float], floor: float) -> tuple[float, float]:
    mean = sum(values) / len(values)
    deviation = math.sqrt(sum((v - mean) ** 2 for v in values) / len(values))
    return mean, max(deviation, floor, 1e-9)
