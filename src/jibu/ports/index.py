"""Search over passages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from jibu.domain.access import AccessFilter
from jibu.domain.passages import Hit, IndexedPassage, Vector
from jibu.ports.models import WeightedTerm


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """What an index is: its ``kind`` (embedded, weaviate), the embedder it was built by, its size."""

    kind: str
    embedder: str
    dimension: int
    passages: int


class Removable(Protocol):
    """What erasure needs of an index, or of all generations of it."""

    def passage_ids(self, document_id: str, version: int) -> set[str]:
        """See ``Index.passage_ids``."""

    def delete_document(self, document_id: str, *, keep_version: int | None = None) -> int:
        """See ``Index.delete_document``."""

    def compact(self) -> None:
        """See ``Index.compact``."""


class Index(Protocol):
    """Dense and lexical search over passages. Filters apply inside the query, never after it.

    A projection of the text store: it may be dropped and rebuilt. Safe to read from several threads.
    """

    def add(self, passages: Sequence[IndexedPassage]) -> None:
        """Add or replace by passage id; durable on return. Raises: Unavailable, IndexBusy, InvalidInput."""

    def dense(self, vector: Vector, access: AccessFilter, limit: int) -> list[Hit]:
        """Return up to ``limit`` hits by cosine, best first. Raises: Unavailable, InvalidInput (dimension)."""

    def lexical(self, terms: Sequence[WeightedTerm], access: AccessFilter, limit: int) -> list[Hit]:
        """Return up to ``limit`` hits by weighted BM25 (k1 1.2, b 0.75), best first; any term may match.

        A passage's score is the sum over the distinct query terms of weight x BM25. Raises: Unavailable.
        """

    def frequencies(self, terms: Sequence[str]) -> list[int]:
        """Return in how many passages each term occurs (may be approximate). Raises: Unavailable."""

    def vectors(self, passage_ids: Sequence[str], access: AccessFilter) -> list[Vector | None]:
        """Return stored vectors (possibly rounded), None where the passage is absent or hidden. Raises: Unavailable."""

    def passage_ids(self, document_id: str, version: int) -> set[str]:
        """Return the ids held for one document version, so that a broken-off run resumes. Raises: Unavailable."""

    def delete_document(self, document_id: str, *, keep_version: int | None = None) -> int:
        """Remove a document's passages (all versions but ``keep_version``); return how many. Raises: Unavailable."""

    def compact(self) -> None:
        """Rewrite storage so that no byte of removed passages stays. May take long. Raises: Unavailable."""

    def info(self) -> IndexInfo:
        """Describe the index. Raises: Unavailable."""

    def close(self) -> None:
        """Release files and connections; safe to call twice."""
