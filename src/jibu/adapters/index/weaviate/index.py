"""The passage index in Weaviate."""

from __future__ import annotations

import math
import threading
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from jibu.adapters.index.weaviate.asking import (
    HIT,
    allowed,
    among,
    best_first,
    but_version,
    count_terms,
    hit,
    of_document,
)
from jibu.adapters.index.weaviate.connection import Connection, Server, translated
from jibu.adapters.index.weaviate.done import note_done, noted
from jibu.adapters.index.weaviate.preparing import Held, count, prepare, remove
from jibu.adapters.index.weaviate.schema import PASSAGE, TERMS, Layout
from jibu.adapters.index.weaviate.tokens import PARTS, question, uuid_of
from jibu.adapters.index.weaviate.writing import delete, insert
from jibu.domain.access import AccessFilter
from jibu.domain.errors import IndexMismatch, InvalidInput, Unavailable
from jibu.domain.passages import Hit, IndexedPassage, Vector
from jibu.ports import IndexInfo, WeightedTerm

LISTED = 5000
"""Most ids listed in one answer; Weaviate gives 10 000 at most unless told otherwise."""

VECTORS_AT_ONCE = 200
IN_REQUEST = 100
BM25_NUMERATOR = 2.2
"""k1 + 1, which Weaviate's BM25 leaves out: it changes no order, but scores are compared between engines."""


class WeaviateIndex:
    """See `jibu.ports.Index`. The Weaviate collection is made where it is missing.

    While Weaviate is away an index can be opened all the same: every call raises Away and looks again, and the
    collection is checked when Weaviate is back. Raises on opening: Misconfigured, IndexMismatch.
    """

    def __init__(self, server: Server, layout: Layout) -> None:
        self._layout = layout
        self._connection = Connection(server)
        self._lock = threading.Lock()
        self._collections: Held | None = None
        try:
            with suppress(Unavailable):
                self._held()
        except BaseException:
            self._connection.close()
            raise

    @classmethod
    def start_over(cls, server: Server, layout: Layout) -> WeaviateIndex:
        """Open the collection, putting an empty one in place of one that Jibu made for something else.

        Raises: Misconfigured (not Jibu's), Unavailable.
        """
        with suppress(IndexMismatch):
            return cls(server, layout)
        connection = Connection(server)
        try:
            with translated():
                remove(connection.client(), layout)
        finally:
            connection.close()
        return cls(server, layout)

    def drop(self) -> None:
        """Delete the whole collection with its files, at once. Raises: Unavailable, Misconfigured."""
        with translated():
            remove(self._connection.client(), self._layout)
        self._collections = None

    def add(self, passages: Sequence[IndexedPassage]) -> None:
        """See `jibu.ports.Index.add`. What Weaviate did not take is told after all the others were added."""
        unique = list({p.passage_id: p for p in passages}.values())
        for passage in unique:
            self._check(passage.vector)
        taken = unnoted = 0
        with self._asking() as held:
            for start in range(0, len(unique), IN_REQUEST):
                whole = insert(held.passages, unique[start : start + IN_REQUEST])
                unnoted += note_done(held.done, whole)
                taken += len(whole)
        if taken < len(unique) or unnoted:
            raise Unavailable(f"Weaviate did not take {len(unique) - taken} of {len(unique)} passages")

    def dense(self, vector: Vector, access: AccessFilter, limit: int) -> list[Hit]:
        """See `jibu.ports.Index.dense`."""
        from weaviate.classes.query import MetadataQuery

        self._check(vector)
        if limit <= 0 or not access.collections:
            return []
        with self._asking() as held:
            found = held.passages.query.near_vector(
                vector.tolist(),
                limit=limit,
                filters=allowed(access),
                return_properties=HIT,
                return_metadata=MetadataQuery(distance=True),
            ).objects
        return best_first([hit(o.properties, 1.0 - (o.metadata.distance or 0.0)) for o in found])

    def lexical(self, terms: Sequence[WeightedTerm], access: AccessFilter, limit: int) -> list[Hit]:
        """See `jibu.ports.Index.lexical`. Weights are rounded to 1/64 of the heaviest where they need it."""
        from weaviate.classes.query import MetadataQuery

        asked, unit = question(terms)
        if limit <= 0 or not access.collections or not asked:
            return []
        with self._asking() as held:
            found = held.passages.query.bm25(
                asked,
                query_properties=[TERMS],
                limit=limit,
                filters=allowed(access),
                return_properties=HIT,
                return_metadata=MetadataQuery(score=True),
            ).objects
        scale = BM25_NUMERATOR * unit
        return best_first([hit(o.properties, scale * (o.metadata.score or 0.0)) for o in found])

    def frequencies(self, terms: Sequence[str]) -> list[int]:
        """See `jibu.ports.Index.frequencies`. Exact."""
        with self._asking():
            return count_terms(self._connection.client(), self._layout.name, terms)

    def vectors(self, passage_ids: Sequence[str], access: AccessFilter) -> list[Vector | None]:
        """See `jibu.ports.Index.vectors`."""
        if not access.collections:
            return [None] * len(passage_ids)
        found: dict[str, Vector] = {}
        with self._asking() as held:
            for start in range(0, len(passage_ids), VECTORS_AT_ONCE):
                ids = sorted({uuid_of(p) for p in passage_ids[start : start + VECTORS_AT_ONCE]})
                answer = held.passages.query.fetch_objects(
                    filters=among(ids, access),
                    limit=len(ids),
                    include_vector=True,
                    return_properties=[PASSAGE],
                )
                found.update(
                    (str(o.properties[PASSAGE]), _vector(o.vector["default"])) for o in answer.objects
                )
        return [found.get(p) for p in passage_ids]

    def passage_ids(self, document_id: str, version: int) -> set[str]:
        """See `jibu.ports.Index.passage_ids`. Those alone that were added whole; see ``done.py``."""
        with self._asking() as held:
            few = count(held.passages, of_document(document_id, version)) <= LISTED
            parts: Sequence[int | None] = [None] if few else range(PARTS)
            there = {
                str(o.properties[PASSAGE])
                for part in parts
                for o in held.passages.query.fetch_objects(
                    filters=of_document(document_id, version, part),
                    limit=2 * LISTED,
                    return_properties=[PASSAGE],
                ).objects
            }
            return there & noted(held.done, document_id, version) if there else there

    def delete_document(self, document_id: str, *, keep_version: int | None = None) -> int:
        """See `jibu.ports.Index.delete_document`. Counts again afterwards: what is left is an error."""
        where = but_version(document_id, keep_version)
        with self._asking() as held:
            removed = delete(held.passages, where)
            delete(held.done, where)
        return removed

    def compact(self) -> None:
        """See `jibu.ports.Index.compact`: Weaviate rewrites its files by itself and cannot be told when.

        To be sure that nothing is left, rebuild under a new name and drop this collection (`jibu reindex`).
        """
        with self._asking():
            pass

    def info(self) -> IndexInfo:
        """See `jibu.ports.Index.info`."""
        with self._asking() as held:
            passages = count(held.passages, None)
        return IndexInfo("weaviate", self._layout.embedder, self._layout.dimension, passages)

    def close(self) -> None:
        """See `jibu.ports.Index.close`."""
        self._connection.close()

    def _check(self, vector: Vector) -> None:
        if len(vector) != self._layout.dimension:
            message = f"the vector has {len(vector)} components, the index {self._layout.dimension}"
            raise InvalidInput(message, "vector")
        if not all(map(math.isfinite, vector)):
            raise InvalidInput("the vector holds a value that is not a number", "vector")

    @contextmanager
    def _asking(self) -> Iterator[Held]:
        """Give the collections. Raises, also for what is done with it: Away, Unavailable, Misconfigured."""
        held = self._held()
        with translated():
            yield held

    def _held(self) -> Held:
        """Return the collections, prepared once. Raises: Away, Unavailable, Misconfigured."""
        client = self._connection.client()
        if self._collections is None:
            with self._lock:
                if self._collections is None:
                    self._collections = prepare(client, self._layout)
        return self._collections


def _vector(components: Any) -> Vector:
    return array("f", components)
