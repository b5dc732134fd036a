"""`python -m benchmarks.index [--candidates a,b] [--sizes 1000,100000] [--folder DIR] [--rounds 5] [--keep]`.

Prints one JSON object per candidate and size. Each step runs in a process of its own. `--keep` reuses what is built.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

NAMES = ("segments", "scan_tantivy", "usearch_tantivy", "sqlite", "lance")


def step(*arguments: object) -> dict[str, object]:
    """Run one step of `measure` in a fresh process with one thread for BLAS."""
    command = [sys.executable, "-m", "benchmarks.index.measure", *map(str, arguments)]
    env = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "LANCE_LOG": "error",
        "RUST_LOG": "error",
    }
    try:
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, timeout=300, check=False)
        return dict(json.loads(done.stdout.splitlines()[-1]))
    except (IndexError, ValueError, subprocess.TimeoutExpired) as error:
        return {f"{arguments[0]} failed": type(error).__name__}


def installed(name: str) -> float:
    """Megabytes that the candidate's packages take on disk once installed."""
    packages = importlib.import_module(f"benchmarks.index.candidates.{name}").PACKAGES
    files = [f.locate() for p in packages for f in metadata.files(p) or []]
    return round(sum(Path(str(f)).stat().st_size for f in files if Path(str(f)).exists()) / 1e6, 1)


def run(name: str, n: int, folder: Path, rounds: int, *, keep: bool) -> dict[str, object]:
    """All steps for one candidate and size."""
    path = folder / f"{name}-{n}"
    out: dict[str, object] = {"candidate": name, "n": n, "installed_mb": installed(name)}
    if not (keep and path.exists()):
        out |= step("build", name, path, n)
    out |= step("query", name, path, n, rounds)
    out |= step("delete", name, path, n)
    if n <= 1000:
        out |= step("crash", name, path, 5) | step("fresh", name, path)
    return out


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.index", description=__doc__)
    parser.add_argument("--candidates", default=",".join(NAMES))
    parser.add_argument("--sizes", default="1000,100000")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "jibu-index-benchmark")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", action="store_true")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    for name in given.candidates.split(","):
        for n in map(int, given.sizes.split(",")):
            print(json.dumps(run(name, n, given.folder, given.rounds, keep=given.keep)), flush=True)


if __name__ == "__main__":
    main()
