"""The measures, as pure functions of rankings, texts and scores."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

DOCUMENTS_AT = 5
GAIN_AT = 10
WORD_BUDGET = 1000
LOOSE_FROM, LOOSE_SHARE = 4, 0.8

# Marks are no part of \w, so words of Indic and Thai script are compared in pieces: figures in these are a little
# kind, and comparable with those of other tools that count so.
_WORD = re.compile(r"\w+")


def distinct(ranked: Iterable[str]) -> list[str]:
    """Return the ids without repetition, in the order of their first place."""
    return list(dict.fromkeys(ranked))


def document_recall(ranked: Sequence[str], relevant: Iterable[str], at: int = DOCUMENTS_AT) -> float:
    """Return the share of relevant documents among the first ``at`` distinct ones. 0 to 1."""
    wanted = set(relevant)
    return len(wanted.intersection(distinct(ranked)[:at])) / len(wanted)


def ndcg(ranked: Sequence[str], gains: Mapping[str, int], at: int = GAIN_AT) -> float:
    """Return the normalised discounted gain of the first ``at`` distinct documents, gain 2^relevance - 1. 0 to 1."""
    best = sorted(gains.values(), reverse=True)[:at]
    return _discounted([gains.get(d, 0) for d in distinct(ranked)[:at]]) / _discounted(best)


def _discounted(relevances: Sequence[int]) -> float:
    return sum((2.0**relevance - 1.0) / math.log2(rank + 2) for rank, relevance in enumerate(relevances))


def first_words(texts: Iterable[str], budget: int = WORD_BUDGET) -> str:
    """Return the texts in order up to ``budget`` words (split on blank space) in all."""
    kept: list[str] = []
    left = budget
    for text in texts:
        words = text.split()[:left]
        kept.append(" ".join(words))
        left -= len(words)
        if left <= 0:
            break
    return "\n".join(kept)


def evidence_recall(spans: Sequence[str], text: str) -> float:
    """Return the share of spans found in ``text``. 0 to 1.

    A span is found when its word sequence occurs, or when it has at least four words of which 80 % occur.
    Words: Unicode, NFKC, case-folded.
    """
    words = normal_words(text)
    joined, known = _joined(words), set(words)
    return sum(_found(normal_words(span), joined, known) for span in spans) / len(spans)


def phrase_recall(phrases: Sequence[str], text: str) -> float:
    """Return the share of phrases that occur in ``text`` as they are, but for case and blank space. 0 to 1."""
    plain = _plain(text)
    return sum(_plain(phrase) in plain for phrase in phrases) / len(phrases)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def normal_words(text: str) -> list[str]:
    """Return the words by which spans are compared."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def _joined(words: Sequence[str]) -> str:
    return f" {' '.join(words)} "


def _found(span: Sequence[str], joined: str, known: set[str]) -> bool:
    if _joined(span) in joined:
        return True
    if len(span) < LOOSE_FROM:
        return False
    return sum(word in known for word in span) >= LOOSE_SHARE * len(span)


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float | None:
    """Return how often a positive's score beats a negative's (ties count half); None where either is missing."""
    if not positive or not negative:
        return None
    ranked = sorted([(score, True) for score in positive] + [(score, False) for score in negative])
    total, position = 0.0, 0
    while position < len(ranked):
        end = position
        while end < len(ranked) and ranked[end][0] == ranked[position][0]:
            end += 1
        mean_rank = (position + 1 + end) / 2
        total += mean_rank * sum(1 for _, is_positive in ranked[position:end] if is_positive)
        position = end
    n = len(positive)
    return (total - n * (n + 1) / 2) / (n * len(negative))
