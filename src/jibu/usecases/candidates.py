"""What both sides of a search found, brought together and weighed."""

from __future__ import annotations

import math
from dataclasses import replace

from jibu.domain.fusion import Candidate, fuse, smooth, support
from jibu.domain.passages import FoundPassage, Hit

STEEPEST = 100.0
"""Fused scores beyond this show as 0 or 1: many copies of one text make the spread of the scores tiny."""


def fused(candidates: dict[str, Candidate], mass: float) -> dict[str, float]:
    """Return the score of each candidate; neighbours and the rest of a good document lend support."""
    if not candidates:
        return {}
    scores = fuse(list(candidates.values()), mass)
    return smooth(support(scores, candidates), candidates)


def candidates_of(
    worded: dict[str, Hit], near: dict[str, Hit], near_worded: dict[str, float], language: str
) -> dict[str, Candidate]:
    """Return the best of each side, every one with its cosine."""
    hits = {**worded, **near}
    foreign = {tag: _foreign(tag, language) for tag in {hit.language for hit in hits.values()}}
    found = {}
    for p, hit in hits.items():
        dense = near[p].score if p in near else near_worded.get(p)
        if dense is not None:
            document, version, ordinal = p.rsplit(".", 2)
            lexical = worded[p].score if p in worded else None
            found[p] = Candidate(
                p, document, int(version), int(ordinal), dense, lexical, foreign[hit.language]
            )
    return found


def _foreign(tag: str, language: str) -> bool:
    """Tell whether both languages are known and differ."""
    return "und" not in {tag, language} and primary(tag) != primary(language)


def scored(found: FoundPassage, candidates: dict[str, Candidate], scores: dict[str, float]) -> FoundPassage:
    """Return the passage with its scores; the fused one is shown between 0 and 1."""
    candidate = candidates[found.passage.passage_id]
    fused = 1 / (1 + math.exp(-max(-STEEPEST, min(STEEPEST, scores[candidate.passage_id])) / 2))
    return replace(found, score=round(fused, 4), dense=candidate.dense, lexical=candidate.lexical)


def primary(tag: str) -> str:
    """Return the language itself of a BCP 47 tag."""
    return tag.split("-", maxsplit=1)[0].lower()
