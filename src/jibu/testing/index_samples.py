"""What the contract suites of the passage index share: sample passages and short ways to ask."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from jibu.domain.access import AccessFilter
from jibu.domain.passages import IndexedPassage, Vector
from jibu.ports import Index, WeightedTerm

EMBEDDER, DIMENSION = "contract-embedder", 8
ALL = AccessFilter(frozenset({"a", "b"}), frozenset({"o1", "o2"}))
OPEN = AccessFilter(frozenset({"a", "b"}))


@dataclass(frozen=True, slots=True)
class IndexSetup:
    """``open(name, embedder, dimension)`` opens the storage of that name; its first opening creates it."""

    open: Callable[[str, str, int], Index]


def vector(*components: float) -> Vector:
    """Return a unit vector of the contract's dimension with these leading components."""
    padded = [*components, *[0.0] * (DIMENSION - len(components))]
    norm = math.sqrt(sum(c * c for c in padded))
    return array("f", [c / norm for c in padded])


def passage(
    number: int,
    *terms: str,
    document: str = "d1",
    version: int = 1,
    collection: str = "a",
    owner: str | None = None,
    language: str = "en",
    at: Vector | None = None,
) -> IndexedPassage:
    """Return a passage; its vector points a little further from the first axis with each number."""
    where = at or vector(1.0, 0.1 * number)
    name = f"{document}.{version}.{number}"
    return IndexedPassage(name, document, version, collection, language, terms, where, owner)


def ask(*terms: str) -> list[WeightedTerm]:
    """Return query terms of weight 1."""
    return [WeightedTerm(term) for term in terms]


def dense(index: Index, access: AccessFilter = ALL, limit: int = 10) -> list[str]:
    """Return the ids found nearest to the first axis."""
    return [hit.passage_id for hit in index.dense(vector(1.0), access, limit)]


def lexical(index: Index, *terms: str, access: AccessFilter = ALL, limit: int = 10) -> list[str]:
    """Return the ids found by terms."""
    return [hit.passage_id for hit in index.lexical(ask(*terms), access, limit)]


class IndexSuite:
    """A suite over one index. A subclass gives the fixture ``setup``."""

    @pytest.fixture
    def index(self, setup: IndexSetup) -> Iterator[Index]:
        """An empty index."""
        index = setup.open("main", EMBEDDER, DIMENSION)
        yield index
        index.close()
