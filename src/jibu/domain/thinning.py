"""Near-duplicates: the same text should not take two places at the top of a result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from jibu.domain.passages import FoundPassage

SAME = 0.9
CLOSE_COSINE = 0.01
BEHIND = 3
_GRAM = 4
_SAMPLE = 12


@dataclass
class _Seen:
    """A passage, its grams once they are needed, and whether a copy of it in another document stays too."""

    passage: FoundPassage
    copied: bool = False

    @cached_property
    def grams(self) -> frozenset[str]:
        """What its text is made of."""
        return _grams(self.passage.passage.text)

    @cached_property
    def few(self) -> tuple[str, ...]:
        """Some of the grams."""
        return tuple(islice(self.grams, _SAMPLE))


def thinned(found: Sequence[FoundPassage]) -> Iterator[FoundPassage]:
    """Yield passages, best first, without those that all but repeat a better one.

    The first copy in another document is a source of its own: it stays, ``BEHIND`` places further down.
    """
    kept: list[_Seen] = []
    waiting: list[tuple[int, FoundPassage]] = []
    for one in map(_Seen, found):
        original = next((other for other in kept if _repeats(one, other)), None)
        if original is None:
            kept.append(one)
            yield one.passage
        elif not original.copied and _document(original) != _document(one):
            original.copied = True
            waiting.append((len(kept) + BEHIND, one.passage))
        while waiting and waiting[0][0] <= len(kept):
            yield waiting.pop(0)[1]
    yield from (one for _, one in waiting)


def _document(seen: _Seen) -> str:
    return seen.passage.passage.document_id


def _repeats(one: _Seen, other: _Seen) -> bool:
    return _may_repeat(one.passage, other.passage) and _alike(one, other)


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


def _alike(one: _Seen, other: _Seen) -> bool:
    a, b = one.grams, other.grams
    if sum(map(b.__contains__, one.few)) < len(one.few) // 2:  # nearly all pairs end here
        return False
    return len(a & b) >= SAME * len(a | b)
