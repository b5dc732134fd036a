"""The embedded index finds what an exhaustive search would, however its passages are spread over segments."""

from __future__ import annotations

import math
import tempfile
from array import array
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jibu.adapters.index.embedded import EmbeddedIndex
from jibu.adapters.index.segments.scoring import top, widened
from jibu.domain.access import AccessFilter
from jibu.domain.passages import IndexedPassage
from jibu.ports import WeightedTerm
from jibu.testing.index_samples import ALL, DIMENSION, EMBEDDER, dense, lexical, passage

DIMENSIONS = 64
COUNT = 3000


def library(seed: int = 3) -> list[IndexedPassage]:
    """Clustered vectors and terms by Zipf's law, so that queries hold very frequent words."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((12, DIMENSIONS))
    passages = []
    for n in range(COUNT):
        raw = 2.0 + centres[n % 12] + 0.5 * rng.standard_normal(DIMENSIONS)
        unit = (raw / np.linalg.norm(raw)).astype(np.float32)
        terms = tuple(f"w{min(w, 400)}" for w in rng.zipf(1.3, rng.integers(5, 120)))
        owner = None if n % 7 else f"o{n % 3}"
        where = array("f", unit.tobytes())
        passages.append(IndexedPassage(f"p{n}", f"d{n // 9}", 1, f"c{n % 5}", "en", terms, where, owner))
    return passages


@pytest.fixture(scope="module")
def passages() -> list[IndexedPassage]:
    """The same library for every test."""
    return library()


@pytest.fixture(scope="module", params=[COUNT, 700, 90])
def index(
    request: pytest.FixtureRequest, passages: list[IndexedPassage], tmp_path_factory: pytest.TempPathFactory
) -> EmbeddedIndex:
    """The library, added in batches of three sizes."""
    index = EmbeddedIndex(tmp_path_factory.mktemp("index"), embedder="e", dimension=DIMENSIONS)
    for start in range(0, COUNT, request.param):
        index.add(passages[start : start + request.param])
    return index


FILTERS = [
    AccessFilter(frozenset(f"c{n}" for n in range(5)), frozenset({"o0", "o1", "o2"})),
    AccessFilter(frozenset({"c0", "c3"}), frozenset({"o1"})),
    AccessFilter(frozenset({"c2"})),
]


def allowed(access: AccessFilter, row: IndexedPassage) -> bool:
    """The filter in plain words."""
    return row.collection_id in access.collections and (row.owner is None or row.owner in access.owners)


@pytest.mark.parametrize("access", FILTERS)
def test_dense_recall(index: EmbeddedIndex, passages: list[IndexedPassage], access: AccessFilter) -> None:
    """Nearly all of the true nearest 20; what stands for the others is as near but for rounding to 16 bits."""
    rows = [p for p in passages if allowed(access, p)]
    matrix = np.array([np.frombuffer(p.vector, np.float32) for p in rows])
    found = wanted = 0
    for query in passages[::150]:
        scores = matrix @ np.frombuffer(query.vector, np.float32)
        order = np.argsort(-scores)[:20]
        best = {rows[i].passage_id for i in order}
        hits = index.dense(query.vector, access, 20)
        truth = {p.passage_id: s for p, s in zip(rows, scores.tolist(), strict=True)}
        assert [truth[h.passage_id] for h in hits] == pytest.approx([h.score for h in hits], abs=1e-3)
        assert all(truth[h.passage_id] > scores[order[-1]] - 5e-4 for h in hits)
        found, wanted = found + len(best & {h.passage_id for h in hits}), wanted + len(best)
    assert found / wanted >= 0.97


def bm25(passages: list[IndexedPassage], terms: list[WeightedTerm]) -> dict[str, float]:
    """BM25 in plain words."""
    counts = [Counter(p.terms) for p in passages]
    mean = sum(len(p.terms) for p in passages) / len(passages)
    scores: dict[str, float] = {}
    for term in terms:
        holders = sum(term.term in c for c in counts)
        idf = math.log(1 + (len(passages) - holders + 0.5) / (holders + 0.5))
        for p, c in zip(passages, counts, strict=True):
            if tf := c[term.term]:
                part = idf * tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * len(p.terms) / mean))
                scores[p.passage_id] = scores.get(p.passage_id, 0.0) + term.weight * part
    return scores


@pytest.mark.parametrize("access", FILTERS)
@pytest.mark.parametrize(
    "words",
    [("w1", "w2", "w3"), ("w1", "w2", "w57", "w211"), ("w301", "w1", "w5", "w399", "w2", "w9"), ("w388",)],
)
def test_bm25_is_exact(
    index: EmbeddedIndex, passages: list[IndexedPassage], access: AccessFilter, words: tuple[str, ...]
) -> None:
    """Leaving frequent terms for later changes no score and no rank."""
    terms = [WeightedTerm(word, 1.0 + n / 3) for n, word in enumerate(words)]
    may = {p.passage_id for p in passages if allowed(access, p)}
    truth = {i: score for i, score in bm25(passages, terms).items() if i in may}
    hits = index.lexical(terms, access, 30)
    best = sorted(truth.values(), reverse=True)[:30]
    assert [h.score for h in hits] == pytest.approx(best, rel=1e-3)
    assert [truth[h.passage_id] for h in hits] == pytest.approx([h.score for h in hits], rel=1e-3)


CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.lists(st.integers(0, 11), min_size=1, max_size=5), st.integers(0, 2)),
        st.tuples(st.just("delete"), st.integers(0, 3), st.none()),
        st.tuples(st.just("compact"), st.none(), st.none()),
    ),
    max_size=25,
)


@settings(deadline=None, max_examples=40)
@given(CHANGES)
def test_any_run_of_changes_equals_a_plain_table(changes: list[tuple[str, object, object]]) -> None:
    """Adding, replacing, deleting and compacting in any order leaves what a table would hold."""
    with tempfile.TemporaryDirectory() as folder:
        index = EmbeddedIndex(Path(folder), embedder=EMBEDDER, dimension=DIMENSION)
        table: dict[str, str] = {}
        for kind, what, word in changes:
            if kind == "add":
                rows = [passage(n, f"word{word}", document=f"d{n % 4}") for n in what]  # type: ignore[attr-defined]
                index.add(rows)
                table |= {row.passage_id: f"word{word}" for row in rows}
            elif kind == "delete":
                gone = {i for i in table if i.startswith(f"d{what}.")}
                assert index.delete_document(f"d{what}") == len(gone)
                table = {i: w for i, w in table.items() if i not in gone}
            else:
                index.compact()
            assert index.info().passages == len(table)
        assert set(dense(index, ALL, 100)) == set(table)
        for word in range(3):
            assert set(lexical(index, f"word{word}", limit=100)) == {
                i for i, w in table.items() if w == f"word{word}"
            }
        index.close()


@given(st.lists(st.floats(-1e6, 1e6, width=32), max_size=400), st.integers(1, 30))
def test_top_returns_the_best(scores: list[float], limit: int) -> None:
    """The shortcut over blocks loses nothing."""
    values = np.array(scores, np.float32)
    assert sorted(values[top(values, limit)].tolist()) == sorted(values.tolist())[-limit:]


def test_halves_are_widened_exactly() -> None:
    """Every finite 16-bit number there is, the tiny ones and both zeros too."""
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16)
    halves = halves[np.isfinite(halves)]
    assert widened(halves).tobytes() == halves.astype(np.float32).tobytes()
