"""Many users ask a running service at once for a while.

    python -m benchmarks.service.load --base http://127.0.0.1:8080 --token "$TOKEN" --users 250 --seconds 60

Each user asks, reads the whole answer, and asks again. Prints one JSON object: requests by status, latencies
in milliseconds, and the resident memory of the given processes at the start, in the middle and at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import statistics
import time
from collections import Counter
from pathlib import Path

import httpx

QUESTIONS = Path(__file__).with_name("questions.txt")


def resident_mb(pids: list[int]) -> float:
    """Return the processes' proportional memory (PSS) in MB; shared pages count once."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return round(total / 1024, 1)


async def user(
    client: httpx.AsyncClient,
    path: str,
    questions: itertools.cycle[str],
    until: float,
    seen: list[tuple[str, float]],
) -> None:
    """Ask until the time is over; a 429 or 503 waits as Retry-After says."""
    while time.monotonic() < until:
        body = (
            {"question": next(questions)}
            if path.endswith("query")
            else {"query": next(questions), "limit": 10}
        )
        began = time.monotonic()
        try:
            response = await client.post(path, json=body)
            status = str(response.status_code)
            pause = float(response.headers.get("retry-after", 0))
        except httpx.HTTPError as error:
            status, pause = type(error).__name__, 0.0
        seen.append((status, 1000 * (time.monotonic() - began)))
        if pause:
            await asyncio.sleep(min(pause, max(0.0, until - time.monotonic())))


def summary(seen: list[tuple[str, float]], seconds: float) -> dict[str, object]:
    """Return counts by status and latency of the good answers."""
    good = sorted(ms for status, ms in seen if status == "200")
    cuts = statistics.quantiles(good, n=100) if len(good) > 1 else [0.0] * 99
    return {
        "requests": len(seen),
        "by_status": dict(Counter(status for status, _ in seen)),
        "answers_per_second": round(len(good) / seconds, 1),
        "latency_ms": {"p50": round(cuts[49], 1), "p95": round(cuts[94], 1), "p99": round(cuts[98], 1)},
    }


async def run(args: argparse.Namespace) -> dict[str, object]:
    """Run all users and sample memory beside them."""
    questions = itertools.cycle(QUESTIONS.read_text(encoding="utf-8").splitlines())
    headers = {"Authorization": f"Bearer {args.token}"}
    limits = httpx.Limits(max_connections=args.users, max_keepalive_connections=args.users)
    seen: list[tuple[str, float]] = []
    memory = [resident_mb(args.pid)] if args.pid else []
    async with httpx.AsyncClient(base_url=args.base, headers=headers, limits=limits, timeout=60) as client:
        until = time.monotonic() + args.seconds
        users = [
            asyncio.create_task(user(client, args.path, questions, until, seen)) for _ in range(args.users)
        ]
        while args.pid and time.monotonic() < until:
            await asyncio.sleep(args.seconds / 6)
            memory.append(resident_mb(args.pid))
        await asyncio.gather(*users)
    return {
        "users": args.users,
        "seconds": args.seconds,
        **summary(seen, args.seconds),
        "memory_pss_mb": memory,
    }


def main() -> None:
    """Parse options, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", default="http://127.0.0.1:8080")
    parser.add_argument("--token", required=True)
    parser.add_argument("--path", default="/rag/v1/query")
    parser.add_argument("--users", type=int, default=250)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--pid", type=int, action="append", default=[], help="process to watch (repeatable)")
    print(json.dumps(asyncio.run(run(parser.parse_args())), indent=1))


if __name__ == "__main__":
    main()
