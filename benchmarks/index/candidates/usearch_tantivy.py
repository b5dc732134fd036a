# ruff: noqa: D101, D102 - `benchmarks.index.measure` says what the methods do
"""(c) usearch HNSW, one graph per collection (its Python search takes no predicate), and tantivy.

The owner half of the filter is applied by asking each graph for more and dropping rows: usearch gives no other way.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from usearch.index import Index

from benchmarks.index.candidates.tantivy_text import Text
from benchmarks.index.data import COLLECTIONS, DIMENSION, Data, Filter

PACKAGES = ("usearch", "tantivy")


class Candidate:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = Text(path / "text")
        self.meta = np.zeros((3, 0), np.int32)
        self.graphs: list[Index] = [
            Index(ndim=DIMENSION, metric="ip", dtype="f16") for _ in range(COLLECTIONS)
        ]
        self.writable = False
        self.refresh()

    def build(self, data: Data) -> None:
        self.add(data, range(len(data.collection)))

    def add(self, data: Data, rows: Sequence[int]) -> None:
        if not self.writable:
            for c, graph in enumerate(self.graphs):
                if (file := self.path / f"{c}.usearch").exists():
                    graph.load(str(file))
            self.writable = True
        some = np.asarray(rows)
        for c in np.unique(data.collection[some]):
            mine = some[data.collection[some] == c]
            self.graphs[c].add(mine.astype(np.uint64), data.vectors[mine], threads=2)
        new = np.stack([some, data.owner[some], data.document[some]]).astype(np.int32)
        self.meta = np.concatenate([self.meta, new], axis=1)
        self._save()
        self.text.add(data, rows)

    def _save(self) -> None:
        for c, graph in enumerate(self.graphs):  # a graph can only be saved whole
            graph.save(str(self.path / f"{c}.tmp"))
            (self.path / f"{c}.tmp").replace(self.path / f"{c}.usearch")
        np.save(self.path / "meta.npy", self.meta)

    def dense(self, vector: np.ndarray, wanted: Filter | None, k: int) -> list[int]:
        owners = None if wanted is None else np.asarray([-1, *wanted.owners])
        keys, scores = [], []
        for c in range(COLLECTIONS) if wanted is None else wanted.collections:
            found = self.graphs[c].search(vector, k if wanted is None else 2 * k, threads=1)
            keep = slice(None) if owners is None else np.isin(self.owner[found.keys.astype(np.int64)], owners)
            keys.append(found.keys[keep])
            scores.append(found.distances[keep])
        return np.concatenate(keys)[np.argsort(np.concatenate(scores))[:k]].astype(int).tolist()

    def lexical(self, terms: list[str], wanted: Filter | None, k: int) -> list[int]:
        return self.text.search(terms, wanted, k)

    def delete(self, documents: list[int]) -> None:
        gone = np.isin(self.meta[2], documents)
        if not self.writable:
            for c, graph in enumerate(self.graphs):
                graph.load(str(self.path / f"{c}.usearch"))
            self.writable = True
        for graph in self.graphs:
            keys = self.meta[0][gone].astype(np.uint64)
            graph.remove(keys[graph.contains(keys)])
        self._save()
        self.text.delete(documents)

    def refresh(self) -> None:
        if (self.path / "meta.npy").exists():
            self.meta = np.load(self.path / "meta.npy")
            for c, graph in enumerate(self.graphs):
                if (file := self.path / f"{c}.usearch").exists():
                    graph.view(str(file))
        self.text.index.reload()

    @property
    def owner(self) -> np.ndarray:
        return self.meta[1]

    def compact(self) -> None:
        pass

    def count(self) -> int:
        return self.text.count()

    def close(self) -> None:
        self.text.close()
