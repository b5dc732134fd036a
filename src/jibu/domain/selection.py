# ruff: noqa: RUF001 - signs of many scripts
"""What speaks for each sentence as an answer to a question."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import mul
from typing import NamedTuple

from jibu.domain.cues import Asked, ends_sentence, is_lead_in, is_question, numbers
from jibu.domain.documents import BlockKind

Terms = frozenset[str]

_ABOVE = 8
_ASKS = 0.1  # weight of words that only make a question of it
_CAPTION = 150  # characters
_HEADER_ALONE = 0.6  # what a table's header covers counts so much for a row whose own cells cover nothing
_FRAGMENT = 4
_NEUTRAL = 0.3  # what a passage in another language is taken to cover when it shares no term
_STRUCTURE = (BlockKind.HEADING, BlockKind.TABLE_HEADER)
_SAYS = re.compile(r"[^\W_]")
_TRAIL = re.compile(r"\s[|›»>·•/]\s")
_LINK = re.compile(r"\S*(?:://|www\.)\S*")


@dataclass(frozen=True)
class Line:
    """A sentence of a passage. ``closeness`` is its cosine to the question, None where it is not known.

    For a table's row ``table`` is where the table's header starts, and ``header`` holds the header's terms.
    """

    index: int
    start: int
    end: int
    text: str
    kind: BlockKind
    terms: Terms
    closeness: float | None = None
    table: int | None = None
    header: Terms = frozenset()

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
    """What a question asks for. ``terms`` map each search term to its weight.

    ``asking`` holds those that only make a question of it.
    """

    terms: Mapping[str, float]
    asking: Terms
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
    cover = Cover(readings, need)
    for rank, reading in enumerate(readings):
        whole = cover(reading.heading.union(*(line.terms for line in reading.lines)))
        neutral = _NEUTRAL if reading.foreign and not whole else None
        for i in _eligible(reading):
            yield rank, i, _signals(_Place(rank, i, neutral), reading, need, cover)


class Cover:
    """Share of the question's terms that a set of terms holds, rare ones among these sentences counting more."""

    def __init__(self, readings: Sequence[Reading], need: Need) -> None:
        terms = {t: w * (_ASKS if t in need.asking else 1.0) for t, w in need.terms.items()}
        lines = [line.terms for reading in readings for line in reading.lines]
        held = Counter(term for found in lines for term in found.intersection(terms))
        count = len(lines) + 0.5
        self._weights = {
            term: weight * math.log1p((count - held[term]) / (held[term] + 0.5))
            for term, weight in terms.items()
        }
        self._asked = frozenset(terms)
        self._total = sum(self._weights.values()) or 1.0
        self.best = max((self.line(line) for one in readings for line in one.lines), default=0.0) or 1.0

    def __call__(self, terms: Terms) -> float:
        """Return the share that a set of terms holds."""
        return sum(map(self._weights.__getitem__, terms & self._asked)) / self._total

    def line(self, line: Line) -> float:
        """Return the share that a line holds; a table's row also has what its header holds."""
        own = self(line.terms)
        if not line.header:
            return own
        return own + (1.0 if own else _HEADER_ALONE) * (self(line.terms | line.header) - own)


class _Place(NamedTuple):
    rank: int
    line: int
    neutral: float | None


def _signals(place: _Place, reading: Reading, need: Need, cover: Cover) -> Signals:
    _, i, neutral = place
    line = reading.lines[i]
    own = cover.line(line) if neutral is None else neutral
    context = line.terms | line.header | reading.heading | _terms_above(reading.lines, i)
    near = context.union(*(other.terms for other in reading.lines[max(0, i - 1) : i + 2]))
    around = cover(context)
    met = 1.0 if numbers(line.text) - need.numbers else -1.0
    return Signals(
        bias=1.0,
        sentence=own,
        relative=min(own / cover.best, 1.0) if neutral is None else neutral,
        context=max(0.0, around - own) if neutral is None else 0.0,
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
        if line.asks or line.announces or _is_caption(lines, line.index):
            return line.terms
    return frozenset()


def _is_caption(lines: Sequence[Line], i: int) -> bool:
    """Tell whether a line is the title or announcement of the table right below it."""
    line = lines[i]
    if line.kind is not BlockKind.PARAGRAPH or i + 1 >= len(lines) or lines[i + 1].table is None:
        return False
    return len(line.text) < _CAPTION and (line.announces or not ends_sentence(line.text))


def _eligible(reading: Reading) -> list[int]:
    """Return the lines that may answer: no headings, questions, menus, bare links; fragments only if all are."""
    lines = [
        line
        for i, line in enumerate(reading.lines)
        if not _is_furniture(line, reading.titles) and not _is_caption(reading.lines, i)
    ]
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
