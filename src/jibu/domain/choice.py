"""The choice among scored sentences: each one must add to the answer, and a table's rows compete."""

from __future__ import annotations

import math
from collections.abc import Sequence

from jibu.domain.selection import Cover, Line, Need, Reading, Scored, Terms

MOST_LINES = 4
"""Sentences chosen at most; the chosen rows of one table count as one."""
MOST_ROWS = 6
ENOUGH = 0.5
"""A further sentence is as good as this share of the best one's probability, or it stays out."""
_SAME = 0.8
_ROW = 0.8  # share of what the best row's cells hold that another row's cells need
_NEWS = 0.1  # growth in what is covered of the question that makes a further sentence worth its place
_NEWS_TO_ROW = 0.25  # the same where the best answer is a table's row
_AS_GOOD = 0.6  # share of the best one's probability that makes up for bringing no news


def choose(
    scored: Sequence[Scored], readings: Sequence[Reading], need: Need, most: int = MOST_LINES
) -> list[Scored]:
    """Return up to ``most`` sentences of those scored, best first, none saying what another one says."""
    if not scored:
        return []
    if not any(one.shares or one.line.closeness is not None for one in scored):
        return _stretch(scored)
    cover = Cover(readings, need)
    tables = _Tables(scored, readings, cover)
    chosen: list[Scored] = []
    told: Terms = frozenset()
    units = 0
    for one in scored:
        if units == most or one.probability < ENOUGH * scored[0].probability:
            break
        unit = [x for x in tables.unit(one) if not any(_repeats(x, other, readings) for other in chosen)]
        if not unit or (chosen and not _worth(one, chosen[0], _gain(one.line, told, cover), readings)):
            continue
        chosen += unit
        told = told.union(readings[one.rank].heading, *(row.line.terms | row.line.header for row in unit))
        units += 1
    return chosen


def _worth(one: Scored, best: Scored, gain: float, readings: Sequence[Reading]) -> bool:
    """Tell whether a further sentence, with its gain in coverage, adds to an answer that begins with the best."""
    if best.line.table is not None:
        return gain >= _NEWS_TO_ROW and readings[one.rank].source == readings[best.rank].source
    return gain >= _NEWS or one.probability >= _AS_GOOD * best.probability


def _gain(line: Line, told: Terms, cover: Cover) -> float:
    """Return by what share of what is covered already a line covers more of the question."""
    before = cover(told)
    return (cover(told | line.terms | line.header) - before) / before if before else math.inf


class _Tables:
    """The rows of each table that answer: those whose cells hold most of what the header does not say."""

    def __init__(self, scored: Sequence[Scored], readings: Sequence[Reading], cover: Cover) -> None:
        self._readings = readings
        rows: dict[tuple[str, int, int], dict[int, Scored]] = {}
        for one in scored:
            if (table := self._of(one)) is not None:
                rows.setdefault(table, {}).setdefault(one.line.start, one)
        self._rows = {table: _best_rows(list(found.values()), cover) for table, found in rows.items()}

    def unit(self, one: Scored) -> list[Scored]:
        """Return what is chosen together with a sentence: the rows of its table that answer, or itself."""
        table = self._of(one)
        return [one] if table is None else self._rows.pop(table, [])

    def _of(self, one: Scored) -> tuple[str, int, int] | None:
        reading = self._readings[one.rank]
        # Words do not tell the rows of a foreign table apart.
        return None if one.line.table is None or reading.foreign else (*reading.source, one.line.table)


def _best_rows(rows: Sequence[Scored], cover: Cover) -> list[Scored]:
    """Return the rows, best first, that hold no less of the question than the best row does."""
    held = [cover(row.line.terms - row.line.header) for row in rows]
    if not max(held) and len(rows) > MOST_ROWS:
        held = [cover(row.line.terms) for row in rows]
    return [row for row, own in zip(rows, held, strict=True) if own >= _ROW * max(held)][:MOST_ROWS]


def _stretch(scored: Sequence[Scored], most: int = 3) -> list[Scored]:
    """Return the best sentence with what follows it in its passage: the question shares no word with any."""
    best = scored[0]
    after = {one.line.index: one for one in scored if one.rank == best.rank}
    taken = [best]
    while len(taken) < most and (following := after.get(taken[-1].line.index + 1)) is not None:
        taken.append(following)
    return taken


def _repeats(one: Scored, other: Scored, readings: Sequence[Reading]) -> bool:
    """Tell whether two sentences overlap in their document or say the same in the same words."""
    a, b = one.line, other.line
    if readings[one.rank].source == readings[other.rank].source and a.start < b.end and b.start < a.end:
        return True
    return alike(a.terms, b.terms)


def alike(one: Terms, other: Terms) -> bool:
    """Tell whether two sets of terms are so near to each other that the texts say the same."""
    if not one or not other:
        return one == other
    return len(one & other) >= _SAME * len(one | other)
