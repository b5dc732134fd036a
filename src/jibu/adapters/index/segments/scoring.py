"""The arithmetic of a search in one segment: 8-bit scans, BM25 with early pruning, and the best of many scores."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jibu.adapters.index.segments.segment import Mask, Rows, Scores, Segment

K1, B = 1.2, 0.75  # BM25, the usual constants
SPARSE = 0.2  # below this share of rows, copying them out beats scanning all
FREQUENT = 0.05  # a term in more than this share of rows is worth not reading whole
SLACK = 1.0001  # for rounding, where bounds decide
SIGN_AND_REST = np.int32(-0x70002000)  # the bits that a half has, where a float has them
OFFSET = np.float32(2.0**112)  # between the exponents of the two
NOTHING: Scores = np.zeros(0, np.float32)
NO_ROWS: Rows = np.zeros(0, np.int64)


def top(scores: Scores, limit: int) -> Rows:
    """Return the places of the best ``limit`` scores, in no order."""
    if len(scores) <= limit:
        return np.arange(len(scores))
    width = len(scores) // limit
    places = None
    if width > 8:  # the worst of `limit` block maxima has at least `limit` scores at or above it
        floor = scores[: limit * width].reshape(width, limit).max(axis=0).min()
        places = np.flatnonzero(scores >= floor)
        scores = scores[places]
    best = np.argpartition(scores, len(scores) - limit)[len(scores) - limit :]
    return best if places is None else places[best]


@lru_cache(maxsize=1)
def _cdist() -> Callable[..., Any]:
    from simsimd import cdist

    return cdist


def rough_scores(segment: Segment, code: NDArray[np.int8], allowed: Mask) -> tuple[Rows | None, Scores]:
    """Return rows (None: all of them) and their inner products with a query's (dimension,) 8-bit code."""
    count = int(np.count_nonzero(allowed))
    if not count:
        return NO_ROWS, NOTHING
    if count < SPARSE * len(allowed):
        rows = np.flatnonzero(allowed)
        return rows, _products(code, segment.rough[rows]) * segment.scales[rows]
    scores = _products(code, segment.rough) * segment.scales
    if count < len(allowed):
        scores = np.where(allowed, scores, np.float32(-np.inf))
    return None, scores


def _products(code: NDArray[np.int8], rows: NDArray[np.int8]) -> Scores:
    products = _cdist()(code[None], rows, metric="dot", out_dtype="float32")
    return np.asarray(products, np.float32).reshape(-1)


def widened(halves: NDArray[np.float16]) -> NDArray[np.float32]:
    """Return 16-bit floats as 32-bit ones, exactly, in a third of the time that numpy's conversion takes.

    The bits move to where they belong and the exponent's offset is made up for. Finite numbers only.
    """
    bits = halves.view(np.int16).astype(np.int32)
    bits <<= 13
    bits &= SIGN_AND_REST
    wide: NDArray[np.float32] = bits.view(np.float32)
    wide *= OFFSET
    return wide


class Race:
    """What a row needs to be among the best ``limit``, learnt from one segment after another."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._best = NOTHING

    def note(self, scores: Scores) -> None:
        """Take in the final scores of a segment."""
        scores = np.concatenate([self._best, scores])
        self._best = scores[top(scores, self.limit)]

    def floor_with(self, scores: Scores) -> float:
        """Return the least score that counts, given those of the segment at hand so far; 0 while any does."""
        floors = [
            float(each[top(each, self.limit)].min())
            for each in (self._best, scores)
            if len(each) >= self.limit
        ]
        return max(floors, default=0.0)


@dataclass(frozen=True, slots=True)
class Term:
    """A query term in one segment: its stretch of the postings and what it weighs."""

    start: int
    end: int
    weight: float


def rarity(passages: int, holders: int) -> float:
    """Return BM25's inverse document frequency, never negative."""
    return math.log(1 + (passages - holders + 0.5) / (holders + 0.5))


def matching(
    segment: Segment, terms: Sequence[Term], mean: float, allowed: Mask, race: Race
) -> tuple[Rows, Scores]:
    """Return the best rows of a segment by BM25 and their scores; ``mean`` is the mean passage length.

    Rare terms are summed for every row. Once the frequent ones left could not lift a new row among the
    best, they are looked up only for the rows still in the race. The result is exact.
    """
    scorer = _Scorer(segment, mean)
    terms = sorted((t for t in terms if t.end > t.start), key=lambda t: -t.weight)
    bounds = [scorer.bound(term) for term in terms]
    totals = np.zeros(len(segment), np.float32)
    for number, term in enumerate(terms):
        rest = sum(bounds[number:]) * SLACK
        if term.end - term.start > FREQUENT * len(segment):
            racing = _racing(totals, allowed, rest, race)
            if racing is not None:
                return _finish(
                    scorer, list(zip(terms, bounds, strict=True))[number:], racing, totals[racing], race
                )
        holders = segment.posting_rows[term.start : term.end]
        totals[holders] += scorer.parts(term, slice(term.start, term.end), holders)
    totals *= allowed
    matched = np.flatnonzero(totals)
    best = matched[top(totals[matched], race.limit)]
    race.note(totals[best])
    return best, totals[best]


def _racing(totals: Scores, allowed: Mask, rest: float, race: Race) -> Rows | None:
    """Return the rows that may yet be among the best, None while any row may."""
    seen = np.flatnonzero((totals > 0) & allowed)
    scores = totals[seen]
    floor = race.floor_with(scores)
    return seen[scores >= floor - rest] if floor > rest else None


def _finish(
    scorer: _Scorer, left: Sequence[tuple[Term, float]], rows: Rows, scores: Scores, race: Race
) -> tuple[Rows, Scores]:
    rest = sum(bound for _, bound in left)
    for term, bound in left:
        rest -= bound
        scores = scores + scorer.lookup(term, rows)
        stay = scores >= race.floor_with(scores) - max(rest, 0) * SLACK
        rows, scores = rows[stay], scores[stay]
    race.note(scores)
    best = top(scores, race.limit)
    return rows[best], scores[best]


class _Scorer:
    """BM25 contributions in one segment."""

    def __init__(self, segment: Segment, mean: float) -> None:
        self._segment = segment
        self._slope, self._base = np.float32(K1 * B / max(mean, 1e-9)), np.float32(K1 * (1 - B))

    def _norms(self, rows: NDArray[Any]) -> Scores:
        norms: Scores = self._segment.lengths[rows] * self._slope + self._base
        return norms

    def parts(self, term: Term, where: slice | Rows, rows: NDArray[Any]) -> Scores:
        """Return what the term adds to ``rows``, whose postings lie at ``where``."""
        counts = self._segment.posting_counts[where].astype(np.float32)
        parts: Scores = np.float32(term.weight * (K1 + 1)) * counts / (counts + self._norms(rows))
        return parts

    def lookup(self, term: Term, rows: Rows) -> Scores:
        """Return what the term adds to each row, 0 where it does not occur."""
        postings = self._segment.posting_rows[term.start : term.end]
        places = np.searchsorted(postings, rows.astype(np.uint32))
        hit = places < len(postings)
        hit[hit] = postings[places[hit]] == rows[hit]
        out = np.zeros(len(rows), np.float32)
        out[hit] = self.parts(term, places[hit] + term.start, rows[hit])
        return out

    def bound(self, term: Term) -> float:
        """Return what the term can add at most to any row."""
        most = float(self._segment.posting_counts[term.start : term.end].max())
        return term.weight * (K1 + 1) * most / (most + float(self._base))
