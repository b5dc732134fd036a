"""The words of a question: which terms to search by, how much each weighs, and which an answer would hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jibu.domain.cues import asking_words
from jibu.domain.weighing import idf, term_weights
from jibu.ports import Index, Segmenter, WeightedTerm


@dataclass(frozen=True, slots=True)
class Terms:
    """The question's terms with weights and how frequent each is; ``words`` are those that an answer would hold."""

    words: tuple[str, ...]
    weighted: tuple[WeightedTerm, ...]
    frequency: dict[str, int]
    passages: int

    @property
    def mass(self) -> float:
        """The sum of weight x idf."""
        return sum(t.weight * idf(self.passages, self.frequency[t.term]) for t in self.weighted)


class Wording:
    """Reads questions word by word."""

    def __init__(self, *, index: Index, segmenter: Segmenter) -> None:
        self._index = index
        self._segmenter = segmenter

    def terms(self, query: str, language: str, earlier: Sequence[str]) -> Terms:
        """Return a question's terms. ``earlier`` are the user's turns before it, latest first. Raises: Unavailable."""
        words = self._segmenter.terms(query, language)
        weights = term_weights(words, [self._segmenter.terms(text, language) for text in earlier])
        counts = self._index.frequencies(list(weights))
        return Terms(
            words=self._told(self._asked(query, language), language),
            weighted=tuple(WeightedTerm(term, weight) for term, weight in weights.items()),
            frequency=dict(zip(weights, counts, strict=True)),
            passages=self._index.info().passages,
        )

    def _told(self, question: str, language: str) -> tuple[str, ...]:
        """Return the terms that an answer would hold: all but those that only ask."""
        asking = set(self._segmenter.terms("\n".join(asking_words(question)), language))
        return tuple(term for term in self._segmenter.terms(question, language) if term not in asking)

    def _asked(self, query: str, language: str) -> str:
        """Return the last sentence: before it stands the story, whose words the answer need not hold."""
        sentences = self._segmenter.sentences(query, language)
        return query[slice(*sentences[-1])] if sentences else query
