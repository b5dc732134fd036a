"""What embeds texts and what writes answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from jibu.domain.answers import Draft
from jibu.domain.passages import FoundPassage, Vector


class Embedder(Protocol):
    """Turns text into vectors of L2 norm 1. Safe to call from several threads."""

    @property
    def name(self) -> str:
        """Model name; an index remembers it."""

    @property
    def dimension(self) -> int:
        """Number of components."""

    @property
    def max_tokens(self) -> int:
        """Longest input, in the model's own tokens, that is embedded whole."""

    def count_tokens(self, text: str) -> int:
        """Return how many tokens the text takes as a passage."""

    def embed_passages(self, texts: Sequence[str]) -> list[Vector]:
        """Return one vector per text, in order. A bad text never sinks its batch. Raises: Unavailable."""

    def embed_query(self, text: str) -> Vector:
        """Return the vector of a question. Raises: Unavailable."""


@dataclass(frozen=True, slots=True)
class WeightedTerm:
    """A search term of a question and how much its BM25 counts."""

    term: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """What a generator works from. ``passages`` are in rank order and already allowed to this caller.

    ``terms`` are the question's search terms, each once, weighted by how rare it is. ``fields`` are what services said
    about the individual who is asked for, judged already to bear on the question, best first: each is a source of its
    own, cited as a whole or not at all, and never joined with another.
    """

    question: str
    language: str
    passages: tuple[FoundPassage, ...]
    question_vector: Vector
    terms: tuple[WeightedTerm, ...] = ()
    max_citations: int = 5
    fields: tuple[FoundPassage, ...] = ()

    @property
    def sources(self) -> tuple[FoundPassage, ...]:
        """All that may be cited, fields first."""
        return (*self.fields, *self.passages)


class Generator(Protocol):
    """Writes a cited answer from passages and nothing else."""

    @property
    def name(self) -> str:
        """What ``model.generator`` in an answer says."""

    def generate(self, request: GenerationRequest) -> Iterator[str | Draft]:
        """Yield pieces of the answer's text as they come and then one ``Draft``, always last.

        An empty piece says that the work goes on: whoever reads gets the chance to close.

        The pieces joined equal the draft's text. Closing the iterator cancels the work.
        An empty draft (no claims) means that the passages do not hold the answer. Raises: Unavailable.
        """


class Entailment(Protocol):
    """Judges whether what is quoted says what a claim says. Safe to call from several threads."""

    def support(self, claim: str, quotes: Sequence[str], *, language: str) -> float:
        """Return 0 to 1; from 0.5 on the quotes together support the claim. ``language`` is the claim's.

        Raises: Unavailable.
        """
