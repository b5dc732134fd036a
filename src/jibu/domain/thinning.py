"""Near-duplicates: the same text in two documents should not take two places in a result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jibu.domain.passages import FoundPassage

SAME = 0.9
CLOSE_COSINE = 0.01
_GRAM = 4


def thinned(found: Sequence[FoundPassage]) -> Iterator[FoundPassage]:
    """Yield passages in order, without those that all but repeat an earlier one."""
    kept: list[tuple[FoundPassage, frozenset[str]]] = []
    for one in found:
        grams: frozenset[str] | None = None
        for other, other_grams in kept:
            if _may_repeat(one, other):
                grams = grams or _grams(one.passage.text)
                if _alike(grams, other_grams):
                    break
        else:
            kept.append((one, grams or _grams(one.passage.text)))
            yield one


def _may_repeat(one: FoundPassage, other: FoundPassage) -> bool:
    """Cheap test: a copy has nearly the same length and nearly the same distance to the question."""
    a, b = len(one.passage.text), len(other.passage.text)
    if min(a, b) < SAME * max(a, b):
        return False
    return one.dense is None or other.dense is None or abs(one.dense - other.dense) < CLOSE_COSINE


def _grams(text: str) -> frozenset[str]:
    """Return words, or pieces of a few letters where a text has no spaces."""
    words = text.casefold().split()
    if len(words) * 12 > len(text):
        return frozenset(words)
    squeezed = "".join(words)
    return frozenset(squeezed[i : i + _GRAM] for i in range(max(1, len(squeezed) - _GRAM + 1)))


def _alike(a: frozenset[str], b: frozenset[str]) -> bool:
    return len(a & b) >= SAME * len(a | b)
