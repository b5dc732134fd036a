"""Generations of the index: the record of them, what opens them, and the pairs of index and embedder in use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from jibu.domain.generations import Generation
from jibu.ports.index import Index, Removable
from jibu.ports.models import Embedder


class GenerationRecords(Protocol):
    """Which generations there are and which one is live: the one place that says so.

    A change excludes the activation of documents until its transaction ends, and the other way round.
    """

    def all(self) -> list[Generation]:
        """Return every generation but those that are gone, by number."""

    def live(self) -> Generation | None:
        """Return the live one; None before the first start."""

    def found(self, choice: str, *, embedder: str, dimension: int, at: datetime) -> Generation:
        """Note the first generation, live at once; return the live one where there is one already."""

    def begin(self, choice: str, *, embedder: str, dimension: int, at: datetime) -> Generation:
        """Add one that is being built. Raises: Conflict while another one is, or before there is a live one."""

    def reopen(self, number: int) -> None:
        """Build on at one that is kept, for a way back. Raises: NotFound; Conflict while another one is being built."""

    def join(self, number: int) -> None:
        """From now on documents become live only when they are whole in this one too. Raises: NotFound, Conflict."""

    def release(self, number: int, *, at: datetime) -> None:
        """Stop feeding one that cannot be fed: a joined one is being built again, a kept one is only kept.

        One in another state is left alone.
        """

    def swap(self, number: int, *, at: datetime, fed_until: datetime) -> Generation:
        """Make a joined one live and keep the one that was; return that. Raises: NotFound; Conflict when not joined."""

    def drop(self, number: int) -> None:
        """Mark one whose storage goes. Raises: NotFound; Conflict for the live one."""

    def keep(self, number: int) -> None:
        """Give up the way back: one that is being built again is only kept. Raises: NotFound, Conflict."""

    def gone(self, number: int) -> None:
        """Mark one whose storage is removed. Raises: NotFound; Conflict when it was not dropped."""


class Engines(Protocol):
    """Opens what a generation names."""

    def index(self, generation: Generation) -> Index:
        """Open its index. Raises: IndexMismatch, Misconfigured, Unavailable."""

    def embedder(self, choice: str, *, dimension: int = 0) -> Embedder:
        """Return the embedder of this name; ``dimension`` is what its vectors must have, where that is known.

        Raises: Misconfigured (no such embedder).
        """

    def setting(self, choice: str) -> str:
        """Return how the settings choose this embedder, to be shown."""

    def remove(self, generation: Generation) -> None:
        """Remove its storage; no error where there is none. Raises: Unavailable, IndexBusy."""


@dataclass(frozen=True, slots=True)
class Space:
    """A generation's index with the embedder that made it. The two are never used apart."""

    number: int
    index: Index
    embedder: Embedder


class Spaces(Protocol):
    """The generations as a process has them open. Safe to use from several threads."""

    def live(self) -> Space:
        """Return the pair to search with: the live one, known within a second. Raises: Misconfigured, Unavailable."""

    def fed(self) -> Sequence[Space]:
        """Return the pairs that a version has to be in before it becomes live, the live one first.

        Raises: Misconfigured, Unavailable.
        """

    def everywhere(self) -> Removable:
        """Return what removes from every generation there is."""
