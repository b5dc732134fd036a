# ruff: noqa: D101, D102, S608 - `benchmarks.index.measure` says what the methods do
"""(b) One SQLite file: sqlite-vec for vectors, FTS5 for terms.

Many Python builds cannot load SQLite extensions; here `pysqlite3-binary` (Linux only) stands in for the
standard library.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pysqlite3 as sqlite3
import sqlite_vec

from benchmarks.index.data import DIMENSION, Data, Filter

PACKAGES = ("sqlite-vec", "pysqlite3-binary")
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS passage(id INTEGER PRIMARY KEY, document INT, collection INT, owner INT);
CREATE INDEX IF NOT EXISTS by_collection ON passage(collection, owner);
CREATE INDEX IF NOT EXISTS by_document ON passage(document);
CREATE VIRTUAL TABLE IF NOT EXISTS vec USING vec0(embedding float[{DIMENSION}] distance_metric=cosine);
CREATE VIRTUAL TABLE IF NOT EXISTS fts USING fts5(text, content='', contentless_delete=1, columnsize=1,
  tokenize="unicode61 remove_diacritics 0");
"""


class Candidate:
    def __init__(self, path: Path) -> None:
        path.mkdir(exist_ok=True)
        self.db = sqlite3.connect(path / "index.db", isolation_level=None)
        self.db.enable_load_extension(True)
        sqlite_vec.load(self.db)
        self.db.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA mmap_size=1000000000; PRAGMA secure_delete=ON;"
            + SCHEMA
        )

    def build(self, data: Data) -> None:
        for start in range(0, len(data.collection), 10_000):
            self.add(data, range(start, min(start + 10_000, len(data.collection))))
        self.db.execute("INSERT INTO fts(fts) VALUES('optimize')")
        self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def add(self, data: Data, rows: Sequence[int]) -> None:
        self.db.execute("BEGIN IMMEDIATE")
        for r in rows:
            owner = None if data.owner[r] < 0 else int(data.owner[r])
            self.db.execute(
                "INSERT INTO passage VALUES(?,?,?,?)",
                (r, int(data.document[r]), int(data.collection[r]), owner),
            )
            self.db.execute("INSERT INTO vec(rowid, embedding) VALUES(?,?)", (r, data.vectors[r].tobytes()))
            self.db.execute("INSERT INTO fts(rowid, text) VALUES(?,?)", (r, " ".join(data.terms(r))))
        self.db.execute("COMMIT")

    @staticmethod
    def _where(wanted: Filter | None, key: str = "rowid") -> str:
        if wanted is None:
            return ""
        owners = ",".join(map(str, wanted.owners))
        return (
            f" AND {key} IN (SELECT id FROM passage WHERE collection IN ({','.join(map(str, wanted.collections))})"
            f" AND (owner IS NULL OR owner IN ({owners})))"
        )

    def dense(self, vector: np.ndarray, wanted: Filter | None, k: int) -> list[int]:
        sql = "SELECT rowid FROM vec WHERE embedding MATCH ? AND k=?" + self._where(wanted)
        return [r for (r,) in self.db.execute(sql, (vector.tobytes(), k))]

    def lexical(self, terms: list[str], wanted: Filter | None, k: int) -> list[int]:
        match = " OR ".join(f'"{t}"' for t in terms)
        sql = (
            "SELECT rowid FROM fts WHERE fts MATCH ?"
            + self._where(wanted, "+rowid")
            + " ORDER BY rank LIMIT ?"
        )
        return [r for (r,) in self.db.execute(sql, (match, k))]

    def delete(self, documents: list[int]) -> None:
        self.db.execute("BEGIN IMMEDIATE")
        for d in documents:
            for table in ("vec", "fts"):
                self.db.execute(
                    f"DELETE FROM {table} WHERE rowid IN (SELECT id FROM passage WHERE document=?)", (d,)
                )
            self.db.execute("DELETE FROM passage WHERE document=?", (d,))
        self.db.execute("COMMIT")

    def refresh(self) -> None:
        pass

    def compact(self) -> None:
        self.db.execute("INSERT INTO fts(fts) VALUES('optimize')")
        self.db.execute("VACUUM")

    def count(self) -> int:
        return int(self.db.execute("SELECT count(*) FROM passage").fetchone()[0])

    def close(self) -> None:
        self.db.close()
