"""Synthetic passages, vectors, queries and access filters for comparing passage indexes.

The shapes follow what Jibu stores: passages of about 200 words whose terms follow Zipf's law, unit vectors
in clusters around a shared mean direction (as sentence embedders give), documents of twenty passages,
twenty collections, and one document in ten owned by an individual.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

DIMENSION = 384
COLLECTIONS = 20
PASSAGES_PER_DOCUMENT = 20
WORDS = 200
VOCABULARY = 50_000
OWNERS = 1000


@dataclass(frozen=True)
class Filter:
    """Passages of `collections` that belong to nobody or to one of `owners`."""

    collections: tuple[int, ...]
    owners: tuple[int, ...]


FILTERS: dict[str, Filter | None] = {
    "none": None,
    "50%": Filter(tuple(range(0, 20, 2)), (3, 5, 8)),
    "10%": Filter((4, 11), (3, 5, 8)),
}


@dataclass(frozen=True)
class Data:
    """`n` passages: `vectors` (n, 384) float32, `words` (n, 200) int32 ranks, owner -1 for nobody."""

    vectors: np.ndarray
    words: np.ndarray
    collection: np.ndarray
    owner: np.ndarray
    document: np.ndarray
    queries: np.ndarray
    query_words: list[list[int]]

    def terms(self, row: int) -> list[str]:
        """The terms of one passage."""
        names = self.names
        return [names[w] for w in self.words[row]]

    @cached_property
    def names(self) -> list[str]:
        """Rank to term."""
        return [f"w{i}" for i in range(VOCABULARY)]

    def query_terms(self, query: int) -> list[str]:
        """Ten terms as they run in a passage, so with its very common words."""
        return [self.names[w] for w in self.query_words[query]]

    def allowed(self, wanted: Filter | None) -> np.ndarray:
        """Mask (n,) of the rows that the filter lets through."""
        if wanted is None:
            return np.ones(len(self.collection), bool)
        mine = (self.owner < 0) | np.isin(self.owner, wanted.owners)
        return np.isin(self.collection, wanted.collections) & mine


def make(n: int, queries: int = 100, seed: int = 7) -> Data:
    """Generate `n` passages and `queries` questions, the same for the same arguments."""
    rng = np.random.default_rng(seed)
    clusters = max(20, n // 200)
    cluster = np.repeat(rng.integers(0, clusters, -(-n // PASSAGES_PER_DOCUMENT)), PASSAGES_PER_DOCUMENT)[:n]
    document = np.arange(n) // PASSAGES_PER_DOCUMENT
    vectors = _vectors(rng, cluster, clusters)
    stray = rng.integers(0, COLLECTIONS, document[-1] + 1)[document]
    collection = np.where(rng.random(document[-1] + 1)[document] < 0.7, cluster % COLLECTIONS, stray)
    owned = rng.random(document[-1] + 1)[document] < 0.1
    owner = np.where(owned, rng.integers(0, OWNERS, document[-1] + 1)[document], -1)
    weights = 1 / (np.arange(VOCABULARY) + 2.7) ** 1.07
    words = np.searchsorted(np.cumsum(weights) / weights.sum(), rng.random((n, WORDS), np.float32))
    words = np.minimum(words, VOCABULARY - 1).astype(np.int32)
    picked = rng.integers(0, n, queries)
    asked = _unit(vectors[picked] + 0.03 * rng.standard_normal((queries, DIMENSION), np.float32))
    query_words = [list(dict.fromkeys(words[row].tolist()))[:10] for row in picked]
    return Data(
        vectors, words, collection.astype(np.int32), owner.astype(np.int32), document, asked, query_words
    )


def _vectors(rng: np.random.Generator, cluster: np.ndarray, clusters: int) -> np.ndarray:
    shared = _unit(rng.standard_normal((1, DIMENSION), np.float32))
    centres = _unit(rng.standard_normal((clusters, DIMENSION), np.float32))
    noise = _unit(rng.standard_normal((len(cluster), DIMENSION), np.float32))
    return _unit(1.5 * shared + 0.7 * centres[cluster] + 0.7 * noise)


def _unit(rows: np.ndarray) -> np.ndarray:
    out: np.ndarray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return out.astype(np.float32)


def exact(data: Data, k: int, wanted: Filter | None, live: np.ndarray | None = None) -> np.ndarray:
    """True top `k` rows (queries, k) by float32 inner product."""
    keep = data.allowed(wanted) if live is None else data.allowed(wanted) & live
    rows = np.flatnonzero(keep)
    scores = data.queries @ data.vectors[rows].T
    return np.asarray(rows[np.argsort(-scores, axis=1)[:, :k]])


def exact_bm25(data: Data, k: int) -> list[list[int]]:
    """True top `k` rows of each query by BM25 (k1 1.2, b 0.75) over its ten terms, unfiltered."""
    n = len(data.words)
    asked = sorted({w for words in data.query_words for w in words})
    place = np.full(VOCABULARY, -1, np.int32)
    place[asked] = np.arange(len(asked))
    rows, columns = np.nonzero(place[data.words] >= 0)
    counts = np.zeros((len(asked), n), np.uint8)
    np.add.at(counts, (place[data.words[rows, columns]], rows), 1)
    holders = (counts > 0).sum(axis=1)
    rarity = np.log(1 + (n - holders + 0.5) / (holders + 0.5))
    out = []
    for words in data.query_words:
        some = place[words]
        tf = counts[some].astype(np.float32)  # every passage has the same length
        out.append(
            np.argsort(-(rarity[some, None] * tf / (tf + 1.2)).sum(axis=0), kind="stable")[:k].tolist()
        )
    return out
