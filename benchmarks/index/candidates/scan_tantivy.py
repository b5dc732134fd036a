# ruff: noqa: D101, D102 - `benchmarks.index.measure` says what the methods do
"""(d) Exact scan of a memory-mapped int8 matrix (SIMD), filter as a row mask; tantivy for terms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import simsimd

from benchmarks.index.candidates.tantivy_text import Text
from benchmarks.index.data import DIMENSION, Data, Filter

PACKAGES = ("simsimd", "tantivy")
COLUMNS = ("document", "collection", "owner", "id")


class Candidate:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = Text(path / "text")
        self.refresh()

    def build(self, data: Data) -> None:
        self.add(data, range(len(data.collection)))

    def add(self, data: Data, rows: Sequence[int]) -> None:
        some = np.asarray(rows)
        scale = 127 / np.abs(data.vectors[some]).max(axis=1)
        coded = np.round(data.vectors[some] * scale[:, None]).astype(np.int8)
        meta = np.stack([data.document[some], data.collection[some], data.owner[some], some], axis=1)
        for name, array in (
            ("vectors", coded),
            ("scale", (1 / scale).astype(np.float32)),
            ("meta", meta.astype(np.int32)),
        ):
            with (self.path / name).open("ab") as file:
                file.write(array.tobytes())
        self.text.add(data, rows)
        self.refresh()

    def refresh(self) -> None:
        self.text.index.reload()
        if (self.path / "meta").exists():
            self.meta = np.fromfile(self.path / "meta", np.int32).reshape(-1, 4)
            self.scale = np.fromfile(self.path / "scale", np.float32)
            rows = min(len(self.meta), len(self.scale))  # the writer may be between two files
            self.meta, self.scale, size = self.meta[:rows], self.scale[:rows], rows * DIMENSION
            self.vectors = np.asarray(np.memmap(self.path / "vectors", np.int8, "r", shape=(size,))).reshape(
                -1, DIMENSION
            )

    def dense(self, vector: np.ndarray, wanted: Filter | None, k: int) -> list[int]:
        coded = np.round(vector * (127 / np.abs(vector).max())).astype(np.int8)[None]
        mask = self.meta[:, 0] >= 0
        if wanted is not None:
            mine = (self.meta[:, 2] < 0) | np.isin(self.meta[:, 2], wanted.owners)
            mask &= np.isin(self.meta[:, 1], wanted.collections) & mine
        scores = np.asarray(simsimd.cdist(coded, self.vectors, metric="dot"))[0] * self.scale
        scores = np.where(mask, scores, -np.inf)
        best = np.argpartition(-scores, k)[:k]
        best = best[np.argsort(-scores[best])]
        return [int(r) for r in self.meta[best[mask[best]], 3]]

    def lexical(self, terms: list[str], wanted: Filter | None, k: int) -> list[int]:
        return self.text.search(terms, wanted, k)

    def delete(self, documents: list[int]) -> None:
        self.meta[np.isin(self.meta[:, 0], documents), 0] = -1
        self.meta.tofile(self.path / "meta")
        self.text.delete(documents)

    def compact(self) -> None:
        pass

    def count(self) -> int:
        return self.text.count()

    def close(self) -> None:
        self.text.close()
