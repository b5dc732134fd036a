"""Compare the embedded index with Weaviate: the same passages, the same questions.

``copy`` brings a data folder's live passages with their stored vectors into Weaviate (settings: JIBU_WEAVIATE_…);
``agree`` asks both indexes the questions of data sets and prints how far their lists agree, and how long each took;
``recall`` fills a collection with made-up passages and prints how much of the exact result Weaviate's graph finds.
"""

from __future__ import annotations

import argparse
import statistics
import time
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from jibu.domain.access import AccessFilter, owner_key
from jibu.domain.chunking import index_text
from jibu.domain.fusion import DEPTH
from jibu.domain.passages import Hit, IndexedPassage
from jibu.domain.weighing import term_weights
from jibu.evaluation.datasets import load_dataset
from jibu.ports import Index, WeightedTerm
from jibu.settings import Settings, load
from jibu.wiring.indexes import open_index
from jibu.wiring.parts import Parts, parts

BATCH = 100
POOL = 60_000


def weaviate_settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"index": "weaviate"})


def live_passages(p: Parts) -> Iterator[list[IndexedPassage]]:
    """Yield each live document's passages with terms made anew and vectors as the embedded index keeps them."""
    with p.records.read() as uow:
        everything = AccessFilter(frozenset(c.collection_id for c in uow.collections.all()))
        live = list(uow.documents.live())
    for document_id, version in live:
        with p.records.read() as uow:
            document = uow.documents.get(document_id, version)
            passages = uow.documents.passages(document_id, version)
        vectors = p.index.vectors([one.passage_id for one in passages], everything)
        yield [
            IndexedPassage(
                one.passage_id,
                document_id,
                version,
                document.collection_id,
                one.language,
                tuple(p.segmenter.terms(index_text(document.title, one), one.language)),
                vector,
                owner_key(document.individual_id, document.agreement_id),
            )
            for one, vector in zip(passages, vectors, strict=True)
            if vector is not None
        ]


def copy(data: Path) -> None:
    settings = load(data_dir=data)
    with parts(settings.model_copy(update={"index": "embedded"})) as p:
        target = open_index(
            weaviate_settings(settings), embedder=p.embedder.name, dimension=p.embedder.dimension
        )
        writing = 0.0
        for batch in live_passages(p):
            began = time.perf_counter()
            target.add(batch)
            writing += time.perf_counter() - began
        held = target.info().passages
        print(f"{held} of {p.index.info().passages} passages; writing took {writing:.1f} s")
        target.close()


def agree(data: Path, sets: Sequence[Path], limit: int) -> None:
    settings = load(data_dir=data)
    with parts(settings.model_copy(update={"index": "embedded"})) as p:
        other = open_index(
            weaviate_settings(settings), embedder=p.embedder.name, dimension=p.embedder.dimension
        )
        print(
            "| set | n | dense: same top 10 | dense: same top 100 | words: same top 10 | words: same top 100 "
            "| largest difference of a word score |"
        )
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for folder in sets:
            compare(p, other, folder, limit)
        other.close()


def compare(p: Parts, other: Index, folder: Path, limit: int) -> None:
    dataset = load_dataset(folder)
    access = AccessFilter(frozenset((collection_of(p, dataset.name),)))
    dense: list[tuple[list[Hit], list[Hit]]] = []
    words: list[tuple[list[Hit], list[Hit]]] = []
    took: dict[str, list[float]] = {"embedded": [], "weaviate": []}
    for query in dataset.questions[:limit]:
        vector = p.embedder.embed_query(query.text)
        language = p.detector.detect(query.text)
        weights = term_weights(p.segmenter.terms(query.text, language))
        terms = [WeightedTerm(term, weight) for term, weight in weights.items()]
        found = {}
        for name, index in (("embedded", p.index), ("weaviate", other)):
            began = time.perf_counter()
            found[name] = index.dense(vector, access, DEPTH), index.lexical(terms, access, DEPTH)
            took[name].append(1000 * (time.perf_counter() - began))
        dense.append((found["embedded"][0], found["weaviate"][0]))
        words.append((found["embedded"][1], found["weaviate"][1]))
    print(
        f"| {dataset.name} | {len(dense)} | {same(dense, 10):.4f} | {same(dense, 100):.4f} "
        f"| {same(words, 10):.4f} | {same(words, 100):.4f} | {apart(words):.2%} |",
        flush=True,
    )
    for name, times in took.items():
        print(f"<!-- both lists, {name}: p50 {statistics.median(times):.1f} ms -->", flush=True)


def collection_of(p: Parts, name: str) -> str:
    with p.records.read() as uow:
        return next(
            c.collection_id for c in uow.collections.all() if name.replace("_", "-") in c.collection_id
        )


def same(pairs: Sequence[tuple[list[Hit], list[Hit]]], depth: int) -> float:
    """Return the mean share of the embedded index's best that Weaviate's best hold, equal scores counting as equal."""
    shares = []
    for ours, theirs in pairs:
        best = ours[:depth]
        if not best:
            shares.append(float(not theirs))
            continue
        floor = best[-1].score * (1 - 2e-3)
        held = {h.passage_id for h in theirs[:depth]}
        near = {h.passage_id for h in theirs if h.score >= floor}
        shares.append(sum(h.passage_id in held or h.passage_id in near for h in best) / len(best))
    return statistics.mean(shares)


def apart(pairs: Sequence[tuple[list[Hit], list[Hit]]]) -> float:
    """Return the largest relative difference between two scores of one passage."""
    worst = 0.0
    for ours, theirs in pairs:
        scores = {h.passage_id: h.score for h in theirs}
        worst = max(
            [worst, *(abs(scores[h.passage_id] / h.score - 1) for h in ours if h.passage_id in scores)]
        )
    return worst


def set_cutoff(settings: Settings, cutoff: int) -> None:
    """Change from how many allowed passages on the made-up collection is searched by its graph."""
    from weaviate.classes.config import Reconfigure

    from jibu.adapters.index.weaviate.connection import Connection
    from jibu.wiring.indexes import weaviate_server

    connection = Connection(weaviate_server(settings))
    connection.client().collections.get("JibuTestRecall").config.update(
        vector_config=Reconfigure.Vectors.update(
            vector_index_config=Reconfigure.VectorIndex.hnsw(flat_search_cutoff=cutoff)
        )
    )
    connection.close()


def recall(passages: int, queries: int, cutoff: int | None) -> None:
    """Clustered unit vectors, one Jibu collection, so that the filter lets all of them through."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(200, 384)).astype(np.float32)
    rows = centres[rng.integers(0, 200, POOL)] + rng.normal(size=(POOL, 384)).astype(np.float32) * 0.9
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True))[:passages]
    settings = weaviate_settings(load(weaviate_collection="JibuTestRecall"))
    index = open_index(settings, embedder="made up", dimension=384)
    if cutoff is not None:
        set_cutoff(settings, cutoff)
    missing = passages - index.info().passages
    began = time.perf_counter()
    for start in range(passages - missing, passages, BATCH):
        index.add(
            [
                IndexedPassage(
                    f"d{n}.1.0", f"d{n}", 1, f"c{n % 10}", "en", (f"w{n}",), array("f", rows[n].tobytes())
                )
                for n in range(start, min(start + BATCH, passages))
            ]
        )
    print(f"{missing} passages added in {time.perf_counter() - began:.0f} s")
    asked = centres[rng.integers(0, 200, queries)] + rng.normal(size=(queries, 384)).astype(np.float32) * 0.9
    asked /= np.linalg.norm(asked, axis=1, keepdims=True)
    for share in (1, 3, 10):
        measure(index, rows, asked, share)
    index.close()


def measure(index: Index, rows: np.ndarray, asked: np.ndarray, share: int) -> None:
    """Print recall and time where the filter lets ``share`` of ten collections through."""
    access = AccessFilter(frozenset(f"c{n}" for n in range(share)))
    allowed = np.flatnonzero(np.arange(len(rows)) % 10 < share)
    shares, times = [], []
    for query in asked:
        exact = allowed[np.argsort(-(rows[allowed] @ query))[:DEPTH]]
        began = time.perf_counter()
        found = index.dense(array("f", query.tobytes()), access, DEPTH)
        times.append(1000 * (time.perf_counter() - began))
        shares.append(len({f"d{n}.1.0" for n in exact} & {h.passage_id for h in found}) / len(exact))
    p50, p95 = np.percentile(times, [50, 95])
    print(
        f"filter lets {share * 10} % through ({len(allowed)}): recall@{DEPTH} mean {statistics.mean(shares):.4f}, "
        f"worst {min(shares):.2f}; {p50:.1f} / {p95:.1f} ms (p50 / p95), n = {len(asked)}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.weaviate", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("copy", "agree"):
        one = commands.add_parser(name)
        one.add_argument("data", type=Path)
        if name == "agree":
            one.add_argument("sets", type=Path, nargs="+")
            one.add_argument("--limit", type=int, default=10_000)
    one = commands.add_parser("recall")
    one.add_argument("--passages", type=int, default=100_000)
    one.add_argument("--queries", type=int, default=200)
    one.add_argument("--cutoff", type=int, help="search through the graph from so many allowed passages on")
    given = parser.parse_args()
    if given.command == "copy":
        copy(given.data)
    elif given.command == "agree":
        agree(given.data, given.sets, given.limit)
    else:
        recall(given.passages, given.queries, given.cutoff)


if __name__ == "__main__":
    main()
