"""One immutable part of the embedded index: vectors, postings and columns of some thousand passages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jibu.adapters.index.segments.file import read_arrays
from jibu.adapters.index.segments.strings import Column, Strings, read_column, read_strings
from jibu.domain.access import AccessFilter

Rows = NDArray[np.integer[Any]]
Mask = NDArray[np.bool_]
Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Segment:
    """`n` passages. Postings of term ``t`` are ``posting_rows[term_starts[t]:term_starts[t+1]]``, ascending."""

    name: str
    rough: NDArray[np.int8]  # (n, dimension): what a query scans
    scales: NDArray[np.float32]  # (n,): rough[i] * scales[i] is the vector, nearly
    exact: NDArray[np.float16]  # (n, dimension): what the best rows are scored by
    term_keys: NDArray[np.uint64]
    term_starts: NDArray[np.int64]
    posting_rows: NDArray[np.uint32]
    posting_counts: NDArray[np.uint8]
    lengths: NDArray[np.int32]  # (n,): terms per passage
    versions: NDArray[np.int32]
    ids: Strings
    documents: Column
    collections: Column
    owners: Column
    languages: Column

    def __len__(self) -> int:
        return len(self.lengths)

    def mask(self, access: AccessFilter) -> Mask:
        """Return which rows the filter lets through, removed ones not yet left out."""
        allowed = self.collections.among(access.collections)
        allowed &= self.owners.among(access.owners, none=True)
        if access.languages:
            allowed &= self.languages.among(access.languages)
        return allowed

    def postings(self, terms: NDArray[np.uint64]) -> list[tuple[int, int]]:
        """Return each term's stretch of the postings, (0, 0) where it does not occur."""
        places = np.searchsorted(self.term_keys, terms)
        found = [
            p < len(self.term_keys) and self.term_keys[p] == t for p, t in zip(places, terms, strict=True)
        ]
        return [
            (int(self.term_starts[p]), int(self.term_starts[p + 1])) if hit else (0, 0)
            for p, hit in zip(places.tolist(), found, strict=True)
        ]

    def rows_of(self, document_id: str) -> Rows:
        """Return the rows of a document."""
        code = self.documents.values.find([document_id])[0]
        return np.flatnonzero(self.documents.codes == code) if code >= 0 else np.zeros(0, np.int64)

    def rows_with(self, passage_ids: Sequence[str]) -> Rows:
        """Return the rows that hold any of these passages."""
        return np.array([at for at in self.ids.find(passage_ids) if at >= 0], np.int64)


def open_segment(path: Path, size: int) -> Segment:
    """Map a segment. Raises: OSError, ValueError (damaged)."""
    arrays = read_arrays(path, size)
    return Segment(
        name=path.name,
        rough=arrays["rough"],
        scales=arrays["scales"],
        exact=arrays["exact"],
        term_keys=arrays["term_keys"],
        term_starts=arrays["term_starts"],
        posting_rows=arrays["posting_rows"],
        posting_counts=arrays["posting_counts"],
        lengths=arrays["lengths"],
        versions=arrays["versions"],
        ids=read_strings(arrays, "ids"),
        documents=read_column(arrays, "documents"),
        collections=read_column(arrays, "collections"),
        owners=read_column(arrays, "owners"),
        languages=read_column(arrays, "languages"),
    )
