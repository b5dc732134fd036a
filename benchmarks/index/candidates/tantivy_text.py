# ruff: noqa: D101, D102 - `benchmarks.index.measure` says what the methods do
"""The lexical half of (c) and (d): tantivy over space-joined terms, the filter as query clauses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import tantivy

from benchmarks.index.data import Data, Filter


class Text:
    def __init__(self, path: Path, tokenizer: str = "whitespace") -> None:
        path.mkdir(parents=True, exist_ok=True)
        schema = tantivy.SchemaBuilder()
        schema.add_unsigned_field("id", indexed=True, fast=True)
        schema.add_unsigned_field("document", indexed=True)
        schema.add_unsigned_field("collection", indexed=True)
        schema.add_unsigned_field("owner", indexed=True)  # 0 is nobody
        schema.add_text_field("text", tokenizer_name=tokenizer, index_option="freq")
        self.schema = schema.build()
        self.index = tantivy.Index(self.schema, str(path))
        self.writer: tantivy.IndexWriter | None = None

    def add(self, data: Data, rows: Sequence[int]) -> None:
        self.writer = self.writer or self.index.writer(64_000_000, 1)
        for r in rows:
            fields = {
                "id": int(r),
                "document": int(data.document[r]),
                "collection": int(data.collection[r]),
                "owner": int(data.owner[r]) + 1,
                "text": " ".join(data.terms(int(r))),
            }
            self.writer.add_document(tantivy.Document.from_dict(fields, self.schema))
        self.writer.commit()
        self.index.reload()

    def search(self, terms: list[str], wanted: Filter | None, k: int) -> list[int]:
        term = tantivy.Query.term_query
        query = tantivy.Query.boolean_query(
            [(tantivy.Occur.Should, term(self.schema, "text", t, "freq")) for t in terms]
        )
        if wanted is not None:
            names = tantivy.Query.term_set_query(self.schema, "collection", list(wanted.collections))
            owners = tantivy.Query.term_set_query(self.schema, "owner", [0, *(o + 1 for o in wanted.owners)])
            query = tantivy.Query.boolean_query(
                [
                    (tantivy.Occur.Must, query),
                    (tantivy.Occur.Must, tantivy.Query.const_score_query(names, 0.0)),
                    (tantivy.Occur.Must, tantivy.Query.const_score_query(owners, 0.0)),
                ]
            )
        searcher = self.index.searcher()
        hits = [address for _, address in searcher.search(query, k, count=False).hits]
        return [int(v or 0) for v in searcher.fast_field_values("id", hits)]

    def delete(self, documents: list[int]) -> None:
        self.writer = self.writer or self.index.writer(64_000_000, 1)
        for d in documents:
            self.writer.delete_documents_by_query(tantivy.Query.term_query(self.schema, "document", d))
        self.writer.commit()
        self.index.reload()

    def count(self) -> int:
        return int(self.index.searcher().num_docs)

    def close(self) -> None:
        if self.writer:
            self.writer.wait_merging_threads()
