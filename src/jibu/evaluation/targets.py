"""What is evaluated: anything that loads a corpus, searches it and answers questions from it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from jibu.evaluation.datasets import Dataset

Turns = tuple[tuple[str, str], ...]
"""Earlier (role, text) turns, oldest first."""

Progress = Callable[[int], object]
"""Called with how many more documents are done."""

MAX_TURNS, MAX_TURN = 50, 4000
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Loading:
    """What became of a corpus: sent now, there already, and failed as (document id, why)."""

    sent: int
    kept: int
    failed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Ranked:
    """A passage found: the data set's id of its document ("" if none of its), and the passage's text."""

    document_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Cited:
    """A citation. ``exact``: the quote equals its span of the document's text as served."""

    document_id: str
    quote: str
    exact: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer. ``status`` is as in the contract."""

    status: str
    confidence: float
    citations: tuple[Cited, ...]


class Target(Protocol):
    """A system under evaluation. Raises: JibuError subclasses when it cannot do its work."""

    @property
    def name(self) -> str:
        """What the report calls it."""

    def load(self, dataset: Dataset, progress: Progress) -> Loading:
        """Bring a corpus in, whatever of it is not there yet, and return when it is searchable."""

    def search(self, dataset: Dataset, question: str, history: Turns, limit: int) -> list[Ranked]:
        """Return up to ``limit`` passages of this corpus, best first."""

    def ask(self, dataset: Dataset, question: str, history: Turns) -> Asked:
        """Answer from this corpus."""


def collection_id(dataset: Dataset) -> str:
    """Return the collection that holds a data set's corpus."""
    return f"eval-{dataset.name}".lower().replace("_", "-")


def usable(history: Turns) -> Turns:
    """Return the turns that a conversation takes: the last ones, none blank, each within the limit."""
    clean = ((role, _CONTROL.sub(" ", text)[:MAX_TURN]) for role, text in history)
    return tuple((role, text) for role, text in clean if text.strip())[-MAX_TURNS:]
