# ruff: noqa: D101, D102 - `benchmarks.index.measure` says what the methods do
"""(e) The project's own adapter: immutable memory-mapped segments, int8 scan, BM25 over plain postings."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.index.data import COLLECTIONS, DIMENSION, Data, Filter
from jibu.adapters.index.embedded import EmbeddedIndex
from jibu.domain.access import AccessFilter
from jibu.domain.passages import Hit, IndexedPassage
from jibu.ports import WeightedTerm

PACKAGES = ("simsimd",)
EVERYTHING = AccessFilter(
    frozenset(f"c{c}" for c in range(COLLECTIONS)), frozenset(f"o{o}" for o in range(1000))
)


class Candidate:
    def __init__(self, path: Path) -> None:
        self.index = EmbeddedIndex(path, embedder="benchmark", dimension=DIMENSION)

    def build(self, data: Data) -> None:
        for start in range(0, len(data.collection), 2000):
            self.add(data, range(start, min(start + 2000, len(data.collection))))

    def add(self, data: Data, rows: Sequence[int]) -> None:
        self.index.add([self._passage(data, r) for r in rows])

    @staticmethod
    def _passage(data: Data, r: int) -> IndexedPassage:
        owner = None if data.owner[r] < 0 else f"o{data.owner[r]}"
        return IndexedPassage(
            f"d{data.document[r]}.1.{r}",
            f"d{data.document[r]}",
            1,
            f"c{data.collection[r]}",
            "en",
            tuple(data.terms(r)),
            array("f", data.vectors[r].tobytes()),
            owner,
        )

    @staticmethod
    def _access(wanted: Filter | None) -> AccessFilter:
        if wanted is None:
            return EVERYTHING
        return AccessFilter(
            frozenset(f"c{c}" for c in wanted.collections), frozenset(f"o{o}" for o in wanted.owners)
        )

    def dense(self, vector: np.ndarray, wanted: Filter | None, k: int) -> list[int]:
        return _rows(
            self.index.dense(array("f", vector.astype(np.float32).tobytes()), self._access(wanted), k)
        )

    def lexical(self, terms: list[str], wanted: Filter | None, k: int) -> list[int]:
        return _rows(self.index.lexical([WeightedTerm(t) for t in terms], self._access(wanted), k))

    def delete(self, documents: list[int]) -> None:
        for d in documents:
            self.index.delete_document(f"d{d}")

    def refresh(self) -> None:
        pass

    def compact(self) -> None:
        self.index.compact()

    def count(self) -> int:
        return self.index.info().passages

    def close(self) -> None:
        self.index.close()


def _rows(hits: list[Hit]) -> list[int]:
    return [int(hit.passage_id.rpartition(".")[2]) for hit in hits]
