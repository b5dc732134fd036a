"""Measure one candidate in this process and print one JSON object; `python -m benchmarks.index` runs them all.

A candidate is a class `Candidate(path)` that opens or creates an index in a folder and has
`build(data)`, `add(data, rows)` (durable when it returns), `dense(vector, filter, k)` and
`lexical(terms, filter, k)` (row numbers, best first), `delete(documents)`, `refresh()`, `compact()`,
`count()`, `close()`.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.index.data import FILTERS, Data, exact, exact_bm25, make

K = 50
WRITTEN = 40_000  # passages that the crash test may write
BUDGET_S = 6  # per row of figures; a slow candidate is judged on fewer queries


def candidate(name: str, path: Path) -> Any:
    """Open the candidate `name` on the folder `path`."""
    path.mkdir(parents=True, exist_ok=True)
    return importlib.import_module(f"benchmarks.index.candidates.{name}").Candidate(path)


def build(name: str, path: Path, n: int) -> dict[str, float]:
    """Build from nothing; seconds and megabytes on disk."""
    data = make(n)
    shutil.rmtree(path, ignore_errors=True)
    index = candidate(name, path)
    start = time.perf_counter()
    index.build(data)
    took = time.perf_counter() - start
    index.close()
    return {"build_s": round(took, 1), "disk_mb": megabytes(path)}


def query(name: str, path: Path, n: int, rounds: int) -> dict[str, Any]:
    """Opening time, latency, recall and memory in a fresh process that holds the index and little else."""
    data = make(n)
    keep = Data(
        data.vectors[:0],
        data.words[:0],
        data.collection,
        data.owner,
        data.document,
        data.queries,
        data.query_words,
    )
    truth = {f: exact(data, K, wanted) for f, wanted in FILTERS.items()}
    best = exact_bm25(data, 10)
    terms = [keep.query_terms(q) for q in range(len(keep.queries))]
    del data
    gc.collect()
    before = memory()
    start = time.perf_counter()
    index = candidate(name, path)
    index.dense(keep.queries[0], None, K)
    index.lexical(terms[0], None, K)
    out: dict[str, Any] = {"open_ms": round(1000 * (time.perf_counter() - start))}
    for label, wanted in FILTERS.items():
        found = [index.dense(q, wanted, K) for q in keep.queries]
        assert all(keep.allowed(wanted)[rows].all() for rows in found)
        out[f"recall {label}"] = round(
            float(
                np.mean(
                    [len(set(f) & set(t)) / len(t) for f, t in zip(found, truth[label].tolist(), strict=True)]
                )
            ),
            4,
        )
        out[f"dense {label}"] = timed(
            lambda i, w=wanted: index.dense(keep.queries[i], w, K), len(terms), rounds
        )
        out[f"lexical {label}"] = timed(lambda i, w=wanted: index.lexical(terms[i], w, K), len(terms), rounds)
        assert all(keep.allowed(wanted)[index.lexical(t, wanted, K)].all() for t in terms[:20])
    found = [index.lexical(t, None, 10) for t in terms[:20]]
    out["BM25 agreement"] = round(
        float(np.mean([len(set(f) & set(t)) / 10 for f, t in zip(found, best[:20], strict=True)])), 3
    )
    after = memory()
    out["anon_mb"] = round(after[0] - before[0])
    out["file_mb"] = round(after[1] - before[1])
    index.close()
    return out


def timed(call: Callable[[int], object], queries: int, rounds: int) -> list[float]:
    """Median over rounds of [p50, p95, p50 of processor time, p95 of it] in milliseconds.

    Processor time (all threads) says what a query costs where other programs use the machine too.
    """
    rows = []
    limit = time.perf_counter() + BUDGET_S
    for number in range(rounds):
        if number and time.perf_counter() > limit:
            break
        took, used = [], []
        for i in range(queries):
            if time.perf_counter() > limit and len(took) >= 10:
                break
            start, cpu = time.perf_counter(), time.process_time()
            call(i)
            used.append(time.process_time() - cpu)
            took.append(time.perf_counter() - start)
        rows.append([*np.percentile(took, [50, 95]) * 1000, *np.percentile(used, [50, 95]) * 1000])
    return [round(float(v), 2) for v in np.median(rows, axis=0)]


def delete(name: str, path: Path, n: int) -> dict[str, Any]:
    """Delete one document in a hundred, then compact; are the answers right, and how long did it take?"""
    data = make(n)
    copy = path.with_name(path.name + "-delete")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(path, copy)
    index = candidate(name, copy)
    gone = list(range(0, int(data.document[-1]) + 1, 100))
    start = time.perf_counter()
    index.delete(gone)
    deleted = time.perf_counter() - start
    index.refresh()
    live = ~np.isin(data.document, gone)
    truth = exact(data, K, None, live)
    start = time.perf_counter()
    index.compact()
    compacted = time.perf_counter() - start
    found = [index.dense(q, None, K) for q in data.queries]
    words = [index.lexical(data.query_terms(q), None, K) for q in range(len(found))]
    right = all(live[r].all() for r in found) and all(live[r].all() for r in words)
    recall = float(
        np.mean([len(set(f) & set(t)) / len(t) for f, t in zip(found, truth.tolist(), strict=True)])
    )
    index.close()
    shutil.rmtree(copy)
    return {
        "delete_ms": round(deleted * 1000),
        "compact_s": round(compacted, 2),
        "right after delete": right,
        "recall after delete": round(recall, 4),
    }


def crash(name: str, path: Path, times: int) -> dict[str, Any]:
    """Kill a writer `times` times in the middle of batches of 32; every batch it acknowledged must be whole."""
    data = make(WRITTEN)
    path = path.with_name(name + "-crash")
    shutil.rmtree(path, ignore_errors=True)
    index = candidate(name, path)
    index.add(data, range(1000))
    index.close()
    lost = torn = failed = 0
    start, batches, seconds = 1000, 0, 0.0
    for _ in range(times):
        command = [sys.executable, "-m", "benchmarks.index.measure", "write", name, str(path), str(start)]
        writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert writer.stdout
        writer.stdout.readline()
        began = time.perf_counter()
        time.sleep(random.uniform(0.5, 1.5))
        writer.send_signal(signal.SIGKILL)
        acked = [int(line) for line in writer.stdout.read().split()]
        seconds += time.perf_counter() - began
        batches += len(acked)
        writer.wait()
        try:
            index = candidate(name, path)
            last = acked[-1] if acked else start
            lost += sum(not present(index, data, r) for r in range(max(start, last - 128), last))
            torn += sum(
                present(index, data, r, "dense") != present(index, data, r, "lexical")
                for r in range(max(start, last - 64), min(last + 64, WRITTEN))
            )
            index.close()
        except Exception as error:  # noqa: BLE001 - any failure to open is the finding
            print(name, type(error), error, file=sys.stderr)
            failed += 1
        start = last + 128
    return {
        "crashes": times,
        "lost": lost,
        "torn": torn,
        "would not open": failed,
        "batch of 32 ms": round(1000 * seconds / max(batches, 1)),
    }


def present(index: Any, data: Data, row: int, how: str = "both") -> bool:
    """Is this passage found by its own vector and by its own terms?"""
    dense = how == "lexical" or row in index.dense(data.vectors[row], None, 5)
    return dense and (how == "dense" or row in index.lexical(rare(data, row), None, 5))


def rare(data: Data, row: int) -> list[str]:
    """The eight rarest terms of a passage."""
    return [data.names[w] for w in sorted(set(data.words[row].tolist()))[-8:]]


def write(name: str, path: Path, start: int) -> None:
    """Add batches of 32 until killed; print the row after each durable batch."""
    data = make(WRITTEN)
    index = candidate(name, path)
    print("ready", flush=True)
    for row in range(start, WRITTEN - 32, 32):
        index.add(data, range(row, row + 32))
        print(row + 32, flush=True)


def fresh(name: str, path: Path, times: int = 5) -> dict[str, Any]:
    """Milliseconds until a second process finds, by both queries, what the first has just added."""
    data = make(WRITTEN)
    path = path.with_name(name + "-fresh")
    shutil.rmtree(path, ignore_errors=True)
    index = candidate(name, path)
    index.add(data, range(1000))
    command = [sys.executable, "-m", "benchmarks.index.measure", "watch", name, str(path), str(times)]
    reader = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert reader.stdout
    reader.stdout.readline()
    took = []
    for i in range(times):
        index.add(data, range(1000 + 32 * i, 1032 + 32 * i))
        added = time.time()
        took.append(float(reader.stdout.readline() or "inf") - added)
    reader.wait()
    index.close()
    return {"fresh_ms": round(1000 * float(np.median(took)))}


def watch(name: str, path: Path, times: int) -> None:
    """The reading side of `fresh`: gives up after 5 s."""
    data = make(WRITTEN)
    index = candidate(name, path)
    print("ready", flush=True)
    for i in range(times):
        limit = time.time() + 5
        while time.time() < limit and not present(index, data, 1031 + 32 * i):
            index.refresh()
            time.sleep(0.005)
        print(time.time(), flush=True)


def memory() -> tuple[float, float]:
    """Resident anonymous and file-backed megabytes of this process."""
    rows = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return int(rows["RssAnon"].split()[0]) / 1024, int(rows["RssFile"].split()[0]) / 1024


def megabytes(path: Path) -> int:
    """Size of a folder."""
    return round(sum(f.stat().st_size for f in path.rglob("*") if f.is_file()) / 1e6)


def main() -> None:
    """`measure STEP NAME PATH [N …]`."""
    step, name, path, *numbers = sys.argv[1:]
    steps = {
        "build": build,
        "query": query,
        "delete": delete,
        "crash": crash,
        "fresh": fresh,
        "write": write,
        "watch": watch,
    }
    result = steps[step](name, Path(path), *map(int, numbers))  # type: ignore[operator]
    if result is not None:
        print(json.dumps(result))
    sys.stdout.flush()
    os._exit(0)  # some candidates keep threads that outlive the work


if __name__ == "__main__":
    main()
