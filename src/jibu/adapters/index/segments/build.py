"""Writing segments: from new passages, and from the living rows of older segments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jibu.adapters.index.segments.file import Array, SegmentWriter
from jibu.adapters.index.segments.segment import Mask, Segment
from jibu.adapters.index.segments.strings import key, write_column, write_strings
from jibu.domain.passages import IndexedPassage

CHUNK_ROWS = 8192
CHUNK_POSTINGS = 1_000_000
COLUMNS = ("documents", "collections", "owners", "languages")


def write_passages(path: Path, passages: Sequence[IndexedPassage], dimension: int) -> int:
    """Write new passages as a segment; return the file's size."""
    writer = SegmentWriter(path)
    vectors = np.array([np.asarray(p.vector, np.float32) for p in passages]).reshape(-1, dimension)
    rough, scales = quantise(vectors)
    writer.put("rough", rough)
    writer.put("scales", scales)
    writer.put("exact", vectors.astype(np.float16))
    _write_terms(writer, [p.terms for p in passages])
    writer.put("versions", np.array([p.version for p in passages], np.int32))
    write_strings(writer, "ids", [p.passage_id for p in passages])
    write_column(writer, "documents", [p.document_id for p in passages])
    write_column(writer, "collections", [p.collection_id for p in passages])
    write_column(writer, "owners", [p.owner for p in passages])
    write_column(writer, "languages", [p.language for p in passages])
    return writer.finish()


def quantise(vectors: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return (n, dimension) 8-bit codes and the (n,) factors that turn them back."""
    largest = np.abs(vectors).max(axis=1, initial=1e-9)
    codes = np.rint(vectors * (127 / largest)[:, None]).astype(np.int8)
    return codes, (largest / 127).astype(np.float32)


def _write_terms(writer: SegmentWriter, terms: Sequence[Sequence[str]]) -> None:
    lengths = np.array([len(each) for each in terms], np.int32)
    known: dict[str, int] = {term: key(term) for term in set(chain.from_iterable(terms))}
    hashed = np.fromiter((known[t] for t in chain.from_iterable(terms)), np.uint64, int(lengths.sum()))
    rows = np.repeat(np.arange(len(terms)), lengths)
    order = np.lexsort((rows, hashed))
    hashed, rows = hashed[order], rows[order]
    first = _changes(hashed) | _changes(rows)
    starts = np.append(np.flatnonzero(first), len(rows))
    new_term = _changes(hashed[first])
    writer.put("term_keys", hashed[first][new_term])
    writer.put("term_starts", np.append(np.flatnonzero(new_term), len(starts) - 1).astype(np.int64))
    writer.put("posting_rows", rows[first].astype(np.uint32))
    writer.put("posting_counts", np.minimum(np.diff(starts), 255).astype(np.uint8))
    writer.put("lengths", lengths)


def _changes(values: Array) -> Mask:
    """Mark each value that differs from the one before it."""
    return np.concatenate([np.ones(min(1, len(values)), np.bool_), values[1:] != values[:-1]])


def write_merged(path: Path, parts: Sequence[tuple[Segment, Mask]], dimension: int) -> int:
    """Write the rows that the masks keep as one segment; return the file's size.

    Works in pieces, so that memory stays small however long the segments are.
    """
    writer = SegmentWriter(path)
    kept = [np.flatnonzero(mask) for _, mask in parts]
    segments = [segment for segment, _ in parts]

    def rows(pick: Callable[[Segment], Array]) -> Iterator[Array]:
        for segment, keep in zip(segments, kept, strict=True):
            for at in range(0, len(keep), CHUNK_ROWS):
                yield pick(segment)[keep[at : at + CHUNK_ROWS]]

    writer.put_chunks("rough", np.int8, (dimension,), rows(lambda s: s.rough))
    writer.put_chunks("scales", np.float32, (), rows(lambda s: s.scales))
    writer.put_chunks("exact", np.float16, (dimension,), rows(lambda s: s.exact))
    _merge_terms(writer, parts)
    writer.put_chunks("lengths", np.int32, (), rows(lambda s: s.lengths))
    writer.put_chunks("versions", np.int32, (), rows(lambda s: s.versions))
    pairs = list(zip(segments, [each.tolist() for each in kept], strict=True))
    write_strings(writer, "ids", [s.ids[row] for s, keep in pairs for row in keep])
    for name in COLUMNS:
        write_column(writer, name, [getattr(s, name)[row] for s, keep in pairs for row in keep])
    return writer.finish()


@dataclass(frozen=True, slots=True)
class _Source:
    """A segment on its way into another: new row of each row (kept ones), place of each term in the whole."""

    segment: Segment
    keep: Mask
    new_rows: NDArray[np.uint32]
    places: NDArray[np.int64]


def _merge_terms(writer: SegmentWriter, parts: Sequence[tuple[Segment, Mask]]) -> None:
    vocabulary = np.unique(np.concatenate([segment.term_keys for segment, _ in parts]))
    sources, base = [], 0
    for segment, keep in parts:
        new_rows = (np.cumsum(keep) - 1 + base).astype(np.uint32)
        base += int(keep.sum())
        sources.append(_Source(segment, keep, new_rows, np.searchsorted(vocabulary, segment.term_keys)))
    sizes = np.zeros(len(vocabulary), np.int64)
    for source in sources:
        sizes[source.places] += np.diff(source.segment.term_starts)
    cuts = _cuts(sizes)
    counts: list[NDArray[np.int64]] = []
    tallies: list[NDArray[np.uint8]] = []  # one byte per posting: small enough to hold

    def rows() -> Iterator[Array]:
        for start, end in pairwise(cuts):
            piece, tally, per_term = _merge_range(sources, start, end)
            counts.append(per_term)
            tallies.append(tally)
            yield piece

    writer.put_chunks("posting_rows", np.uint32, (), rows())
    writer.put_chunks("posting_counts", np.uint8, (), tallies)
    per_term = np.concatenate([np.zeros(0, np.int64), *counts])
    alive = per_term > 0
    writer.put("term_keys", vocabulary[alive])
    writer.put("term_starts", np.concatenate([[0], np.cumsum(per_term[alive])]).astype(np.int64))


def _cuts(sizes: NDArray[np.int64]) -> list[int]:
    """Cut the vocabulary into ranges of about `CHUNK_POSTINGS` postings."""
    total = np.cumsum(sizes)
    steps = np.arange(CHUNK_POSTINGS, int(total[-1]) if len(total) else 0, CHUNK_POSTINGS)
    return sorted({0, *np.searchsorted(total, steps).tolist(), len(sizes)})


def _merge_range(
    sources: Sequence[_Source], start: int, end: int
) -> tuple[NDArray[np.uint32], NDArray[np.uint8], NDArray[np.int64]]:
    """Return rows, counts and postings per term of the terms from ``start`` to ``end``, in order of term and row."""
    terms, rows, counts = [], [], []
    for source in sources:
        first, last = np.searchsorted(source.places, [start, end])
        starts = source.segment.term_starts[first : last + 1]
        stretch = slice(int(starts[0]), int(starts[-1]))
        old = source.segment.posting_rows[stretch]
        keep = source.keep[old]
        terms.append(np.repeat(source.places[first:last] - start, np.diff(starts))[keep])
        rows.append(source.new_rows[old[keep]])
        counts.append(source.segment.posting_counts[stretch][keep])
    flat = np.concatenate(terms)
    order = np.argsort(flat, kind="stable")  # sources come in row order, so rows stay ascending within a term
    per_term = np.bincount(flat, minlength=end - start).astype(np.int64)
    return np.concatenate(rows)[order], np.concatenate(counts)[order], per_term
