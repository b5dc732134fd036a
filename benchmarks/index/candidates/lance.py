# ruff: noqa: D101, D102 - `benchmarks.index.measure` says what the methods do
"""(a) LanceDB: vectors (IVF, flat inside the cell) and its full-text search in one table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import lancedb
import numpy as np
import pyarrow as pa
from lancedb.query import MatchQuery

from benchmarks.index.data import DIMENSION, Data, Filter

PACKAGES = ("lancedb", "pyarrow")


class Candidate:
    def __init__(self, path: Path) -> None:
        self.db = lancedb.connect(path)
        self.table = self.db.open_table("passages") if "passages" in self.db.table_names() else None

    def build(self, data: Data) -> None:
        self.add(data, range(len(data.collection)))
        table = self.table
        assert table is not None
        table.create_index(
            "dot",
            vector_column_name="vector",
            index_type="IVF_FLAT",
            num_partitions=max(1, len(data.collection) // 1000),
        )
        table.create_fts_index(
            "text",
            base_tokenizer="whitespace",
            stem=False,
            remove_stop_words=False,
            ascii_folding=False,
            lower_case=False,
            with_position=False,
        )
        table.create_scalar_index("collection")

    def add(self, data: Data, rows: Sequence[int]) -> None:
        for start in range(0, len(rows), 20_000):
            some = np.asarray(rows[start : start + 20_000])
            batch = pa.table(
                {
                    "id": pa.array(some, pa.int64()),
                    "document": pa.array(data.document[some], pa.int64()),
                    "collection": pa.array(data.collection[some], pa.int32()),
                    "owner": pa.array([None if o < 0 else int(o) for o in data.owner[some]], pa.int32()),
                    "text": pa.array([" ".join(data.terms(int(r))) for r in some]),
                    "vector": pa.FixedSizeListArray.from_arrays(data.vectors[some].reshape(-1), DIMENSION),
                }
            )
            if self.table is None:
                self.table = self.db.create_table("passages", batch)
            else:
                self.table.add(batch)

    def _rows(self, query: object, wanted: Filter | None, k: int) -> list[int]:
        if wanted is not None:
            collections, owners = (",".join(map(str, each)) for each in (wanted.collections, wanted.owners))
            where = f"collection IN ({collections}) AND (owner IS NULL OR owner IN ({owners}))"
            query = query.where(where, prefilter=True)  # type: ignore[attr-defined]
        return query.select(["id"]).limit(k).to_arrow()["id"].to_pylist()  # type: ignore[attr-defined]

    def dense(self, vector: np.ndarray, wanted: Filter | None, k: int) -> list[int]:
        query = self.table.search(vector, vector_column_name="vector").distance_type("dot").nprobes(20)
        return self._rows(query, wanted, k)

    def lexical(self, terms: list[str], wanted: Filter | None, k: int) -> list[int]:
        return self._rows(self.table.search(MatchQuery(" ".join(terms), "text"), query_type="fts"), wanted, k)

    def delete(self, documents: list[int]) -> None:
        self.table.delete(f"document IN ({','.join(map(str, documents))})")

    def refresh(self) -> None:
        self.table.checkout_latest()

    def compact(self) -> None:
        self.table.optimize(cleanup_older_than=timedelta(0), delete_unverified=True)

    def count(self) -> int:
        return int(self.table.count_rows())

    def close(self) -> None:
        self.table = None
