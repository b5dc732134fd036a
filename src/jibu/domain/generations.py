"""Generations of the passage index: each is made by one embedder, and one of them is live."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class GenerationState(StrEnum):
    """Where a generation is in its life."""

    BUILDING = "building"
    """It is being filled; nothing waits for it."""
    JOINED = "joined"
    """It is still being filled, and no document becomes live without being whole in it too."""
    LIVE = "live"
    """Searches use it."""
    KEPT = "kept"
    """It was live; it stays for a way back."""
    DROPPED = "dropped"
    """Its storage is being removed."""
    GONE = "gone"
    """Its storage is removed; the number is never used again."""


PENDING = frozenset({GenerationState.BUILDING, GenerationState.JOINED})


@dataclass(frozen=True, slots=True)
class Generation:
    """One build of the index.

    ``choice`` is how an operator names the embedder (``embedded``, ``ollama:nomic-embed-text``); ``embedder`` and
    ``dimension`` are what the index remembers of it. ``live_at``: when it last became live. ``fed_until``: how long a
    kept one still gets what becomes live, for searches that began before the swap.
    """

    number: int
    choice: str
    embedder: str
    dimension: int
    state: GenerationState
    created_at: datetime
    live_at: datetime | None = None
    fed_until: datetime | None = None

    def is_fed(self, at: datetime) -> bool:
        """Tell whether a version has to be whole in it before it becomes live."""
        if self.state is GenerationState.KEPT:
            return self.fed_until is not None and self.fed_until > at
        return self.state in {GenerationState.LIVE, GenerationState.JOINED}
