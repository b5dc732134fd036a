"""Searching the embedded index as it is at one moment."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jibu.adapters.index.segments.build import quantise
from jibu.adapters.index.segments.manifest import Manifest, SegmentEntry
from jibu.adapters.index.segments.scoring import (
    NOTHING,
    Race,
    Term,
    matching,
    rarity,
    rough_scores,
    top,
    widened,
)
from jibu.adapters.index.segments.segment import Mask, Rows, Scores, Segment, open_segment
from jibu.adapters.index.segments.strings import keys
from jibu.domain.access import AccessFilter
from jibu.domain.passages import Hit, Vector
from jibu.ports import WeightedTerm

MASKS = 64  # filters kept ready; one byte per passage each
OVERSAMPLING, AT_LEAST = 4, 200  # rough candidates scored exactly: per hit asked for, and in all


@dataclass(slots=True)
class Part:
    """A segment and its rows that are alive; masks of recent filters."""

    entry: SegmentEntry
    segment: Segment
    alive: Mask
    words: int  # in all passages
    masks: dict[AccessFilter, Mask] = field(default_factory=dict)

    def mask(self, access: AccessFilter) -> Mask:
        """Return which living rows the filter lets through."""
        known = self.masks.get(access)
        if known is None:
            known = self.segment.mask(access) & self.alive
            for oldest in list(self.masks)[: len(self.masks) + 1 - MASKS]:
                self.masks.pop(oldest, None)
            self.masks[access] = known
        return known


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All parts of the index under one manifest. Never changes; safe to search from several threads."""

    manifest: Manifest
    parts: tuple[Part, ...]

    def dense(self, vector: Vector, access: AccessFilter, limit: int) -> list[Hit]:
        """Best hits by cosine: a rough 8-bit scan, then 16-bit scores for the best of it."""
        query = np.asarray(vector, np.float32)
        code = quantise(query[None])[0][0]
        many = max(OVERSAMPLING * limit, AT_LEAST)
        chosen = self._best([_rough(part, code, access, many) for part in self.parts], many)
        exact = [part.segment.exact for part in self.parts]
        scored = [
            (rows, widened(exact[number][rows]) @ query if len(rows) else NOTHING)
            for number, (rows, _) in enumerate(chosen)
        ]
        return self._hits(scored, limit)

    def lexical(self, terms: Sequence[WeightedTerm], access: AccessFilter, limit: int) -> list[Hit]:
        """Best hits by weighted BM25 over any of the terms."""
        asked: dict[str, float] = {}
        for term in terms:
            asked[term.term] = asked.get(term.term, 0.0) + max(term.weight, 0.0)
        stretches, holders = self._look_up(list(asked))
        rows = sum(len(part.segment) for part in self.parts)
        mean = sum(part.words for part in self.parts) / max(rows, 1)
        weights = [
            weight * rarity(rows, count) for weight, count in zip(asked.values(), holders, strict=True)
        ]
        found, race = [], Race(limit)
        for part, stretch in zip(self.parts, stretches, strict=True):
            local = [Term(*where, weight) for where, weight in zip(stretch, weights, strict=True) if weight]
            found.append(matching(part.segment, local, mean, part.mask(access), race))
        return self._hits(found, limit)

    def frequencies(self, terms: Sequence[str]) -> list[int]:
        """In how many passages each term occurs; removed passages count until they are compacted away."""
        return self._look_up(terms)[1]

    def _look_up(self, terms: Sequence[str]) -> tuple[list[list[tuple[int, int]]], list[int]]:
        """Return each part's stretches of postings, and how many postings each term has in all."""
        hashed = keys(terms)
        stretches = [part.segment.postings(hashed) for part in self.parts]
        return stretches, [sum(each[i][1] - each[i][0] for each in stretches) for i in range(len(terms))]

    def vectors(self, passage_ids: Sequence[str], access: AccessFilter) -> list[Vector | None]:
        """Stored vectors, 16-bit precision."""
        out: list[Vector | None] = [None] * len(passage_ids)
        for part in self.parts:
            mask = part.mask(access)
            for place, row in enumerate(part.segment.ids.find(passage_ids)):
                if row >= 0 and mask[row]:
                    out[place] = array("f", part.segment.exact[row].astype(np.float32).tobytes())
        return out

    def _best(self, found: Sequence[tuple[Rows, Scores]], limit: int) -> list[tuple[Rows, Scores]]:
        """Keep, of what each part found, what is among the best ``limit`` of all."""
        scores = np.concatenate([NOTHING, *(each for _, each in found)])
        if len(scores) <= limit:
            return list(found)
        floor = scores[top(scores, limit)].min()
        return [(rows[each >= floor], each[each >= floor]) for rows, each in found]

    def _hits(self, found: Sequence[tuple[Rows, Scores]], limit: int) -> list[Hit]:
        hits = []
        for part, (rows, scores) in zip(self.parts, self._best(found, limit), strict=True):
            ids, documents = part.segment.ids.at(rows), part.segment.documents.at(rows)
            languages = part.segment.languages.at(rows)
            for p, document, score, language in zip(ids, documents, scores.tolist(), languages, strict=True):
                hits.append(Hit(p, document or "", score, language or "und"))
        return sorted(hits, key=lambda hit: (-hit.score, hit.passage_id))[:limit]


def _rough(part: Part, code: NDArray[np.int8], access: AccessFilter, limit: int) -> tuple[Rows, Scores]:
    rows, scores = rough_scores(part.segment, code, part.mask(access))
    best = top(scores, limit)
    scores = scores[best]
    allowed = scores > -np.inf
    best, scores = best[allowed], scores[allowed]
    return best if rows is None else rows[best], scores


def open_snapshot(folder: Path, manifest: Manifest, before: Snapshot | None) -> Snapshot:
    """Open what the manifest names, keeping the parts that are open already.

    Raises: FileNotFoundError when a newer manifest has replaced this one; OSError, ValueError (damaged).
    """
    opened = {part.entry: part for part in before.parts} if before else {}
    segments = {part.entry.name: part.segment for part in opened.values()}
    parts = []
    for entry in manifest.segments:
        if entry in opened:
            parts.append(opened[entry])
            continue
        segment = segments.get(entry.name) or open_segment(folder / entry.name, entry.size)
        words = int(segment.lengths.sum())
        parts.append(Part(entry, segment, _alive(folder, entry), words))
    return Snapshot(manifest, tuple(parts))


def _alive(folder: Path, entry: SegmentEntry) -> Mask:
    alive = np.ones(entry.rows, np.bool_)
    if entry.removed:
        alive[np.fromfile(folder / entry.removed, np.uint32)] = False
    return alive
