# ruff: noqa: RUF001 - signs of many scripts
"""Which sentences answer a question: what speaks for each sentence, and the choice among them."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import mul
from typing import NamedTuple

from jibu.domain.cues import Asked, is_lead_in, is_question, numbers
from jibu.domain.documents import BlockKind

Terms = frozenset[str]

MOST_LINES = 4
ENOUGH = 0.5
"""A further sentence is as good as this share of the best one's probability, or it stays out."""
_SAME = 0.8
_ABOVE = 8
_FRAGMENT = 4
_NEUTRAL = 0.3  # what a passage in another language is taken to cover when it shares no term
_STRUCTURE = (BlockKind.HEADING, BlockKind.TABLE_HEADER)
_SAYS = re.compile(r"[^\W_]")
_TRAIL = re.compile(r"\s[|›»>·•/]\s")
_LINK = re.compile(r"\S*(?:://|www\.)\S*")


@dataclass(frozen=True)
class Line:
    """A sentence of a passage. ``closeness`` is its cosine to the question, None where it is not known."""

    index: int
    start: int
    end: int
    text: str
    kind: BlockKind
    terms: Terms
    closeness: float | None = None

    @cached_property
    def asks(self) -> bool:
        """Whether it is a question, such as the headings of an FAQ."""
        return is_question(self.text)

    @cached_property
    def announces(self) -> bool:
        """Whether it announces what follows it."""
        return is_lead_in(self.text)


@dataclass(frozen=True, slots=True)
class Reading:
    """A passage, read. ``heading`` holds the terms of its title and headings, ``titles`` those as text.

    ``source`` names the document version; ``foreign``: known to be in another language than the question.
    """

    lines: tuple[Line, ...]
    heading: Terms
    source: tuple[str, int]
    titles: frozenset[str] = frozenset()
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class Need:
    """What a question asks for. ``terms`` map each search term to its weight."""

    terms: Mapping[str, float]
    asked: frozenset[Asked] = frozenset()
    numbers: frozenset[str] = frozenset()


class Signals(NamedTuple):
    """What speaks for a sentence; also the weights of these signals, by the same names."""

    bias: float
    sentence: float  # share of the question's terms, by weight, that it holds
    relative: float  # the same against the best sentence of all
    context: float  # what title, headings and the announcement above it add
    near: float  # what its neighbours add
    rank: float  # logarithm of the passage's place
    kind: float  # +1: the kind of answer asked for is there; -1: it is not
    listed: float
    announces: float
    opening: float
    close: float  # cosine to the question, where it is known


class Scored(NamedTuple):
    """A line of the passage at ``rank`` (0 is the best) and the probability that it is part of the answer."""

    rank: int
    line: Line
    probability: float
    shares: bool


# Logistic regressions on development questions: does the sentence hold evidence?
LEXICAL = Signals(-2.61, 0.22, 2.65, 1.34, 0.37, -0.93, 0.11, 0.30, 0.52, 0.54, 0.00)
SEMANTIC = Signals(-3.20, 0.14, 1.97, 1.06, 0.44, -0.81, 0.18, 0.07, 0.56, 0.53, 1.76)


def score(readings: Sequence[Reading], need: Need) -> list[Scored]:
    """Return every sentence that may stand in an answer, best first."""
    found = []
    for rank, index, signals in weigh(readings, need):
        line = readings[rank].lines[index]
        weights = LEXICAL if line.closeness is None else SEMANTIC
        odds = sum(map(mul, weights, signals))
        shares = signals.sentence > 0 and not line.terms.isdisjoint(need.terms)
        found.append(Scored(rank, line, 1 / (1 + math.exp(-odds)), shares))
    return sorted(found, key=lambda scored: -scored.probability)


def weigh(readings: Sequence[Reading], need: Need) -> Iterator[tuple[int, int, Signals]]:
    """Yield passage rank, line index and signals of every sentence that may stand in an answer."""
    cover = _Cover(readings, need.terms)
    for rank, reading in enumerate(readings):
        whole = cover(reading.heading.union(*(line.terms for line in reading.lines)))
        neutral = _NEUTRAL if reading.foreign and not whole else None
        for i in _eligible(reading):
            yield rank, i, _signals(_Place(rank, i, neutral), reading, need, cover)


class _Cover:
    """Share of the question's terms that a set of terms holds, rare ones among these sentences counting more."""

    def __init__(self, readings: Sequence[Reading], terms: Mapping[str, float]) -> None:
        lines = [line.terms for reading in readings for line in reading.lines]
        held = Counter(term for found in lines for term in found.intersection(terms))
        count = len(lines) + 0.5
        self._weights = {
            term: weight * math.log1p((count - held[term]) / (held[term] + 0.5))
            for term, weight in terms.items()
        }
        self._asked = frozenset(terms)
        self._total = sum(self._weights.values()) or 1.0
        self.best = max(map(self, lines), default=0.0) or 1.0

    def __call__(self, terms: Terms) -> float:
        return sum(map(self._weights.__getitem__, terms & self._asked)) / self._total


class _Place(NamedTuple):
    rank: int
    line: int
    neutral: float | None


def _signals(place: _Place, reading: Reading, need: Need, cover: _Cover) -> Signals:
    _, i, neutral = place
    line = reading.lines[i]
    own = cover(line.terms) if neutral is None else neutral
    context = line.terms | reading.heading | _terms_above(reading.lines, i)
    near = context.union(*(other.terms for other in reading.lines[max(0, i - 1) : i + 2]))
    around = cover(context)
    met = 1.0 if numbers(line.text) - need.numbers else -1.0
    return Signals(
        bias=1.0,
        sentence=own,
        relative=min(own / cover.best, 1.0) if neutral is None else neutral,
        context=around - own if neutral is None else 0.0,
        near=cover(near) - around,
        rank=math.log1p(place.rank),
        kind=met if need.asked else 0.0,
        listed=float(line.kind is BlockKind.LIST_ITEM),
        announces=float(line.announces),
        opening=float(i == 0),
        close=0.0 if line.closeness is None else 10 * (line.closeness - 0.8),
    )


def _terms_above(lines: Sequence[Line], i: int) -> Terms:
    """Return the terms of the nearest question or announcement above a line."""
    for line in reversed(lines[max(0, i - _ABOVE) : i]):
        if line.asks or line.announces:
            return line.terms
    return frozenset()


def _eligible(reading: Reading) -> list[int]:
    """Return the lines that may answer: no headings, questions, menus, bare links; fragments only if all are."""
    lines = [line for line in reading.lines if not _is_furniture(line, reading.titles)]
    whole = [line for line in lines if not _is_fragment(line)]
    return [line.index for line in whole or lines]


def _is_furniture(line: Line, titles: frozenset[str]) -> bool:
    if line.kind in _STRUCTURE or line.asks:
        return True
    text = line.text.casefold()
    if text in titles or not _SAYS.search(_LINK.sub("", text)):
        return True
    trail = len(_TRAIL.findall(text))
    return line.kind is not BlockKind.TABLE_ROW and trail >= 3 and len(text) < 40 * trail


def _is_fragment(line: Line) -> bool:
    if line.kind is not BlockKind.PARAGRAPH or numbers(line.text):
        return False
    return len(line.terms) < _FRAGMENT and len(line.text) < 25


def choose(scored: Sequence[Scored], readings: Sequence[Reading], most: int = MOST_LINES) -> list[Scored]:
    """Return up to ``most`` sentences of those scored, best first, none saying what another one says."""
    if not scored:
        return []
    if not any(one.shares or one.line.closeness is not None for one in scored):
        return _stretch(scored)
    chosen: list[Scored] = []
    for one in scored:
        if len(chosen) == most or one.probability < ENOUGH * scored[0].probability:
            break
        if not any(_repeats(one, other, readings) for other in chosen):
            chosen.append(one)
    return chosen


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
