"""Builds another index in a folder, for tests that kill it: ``python reindex_process.py FOLDER EMBEDDER``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from jibu.adapters.store.sqlite import open_sqlite

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "usecases"))
from generations import Library

BATCH_S = 0.02

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    library = Library(folder, open_sqlite(folder / "jibu.db"))
    library.engines.hook = lambda _: time.sleep(BATCH_S)
    library.clock.advance(float(sys.argv[3]))
    print("ready", flush=True)  # noqa: T201
    library.renewal().build(sys.argv[2])
    print("swapped", flush=True)  # noqa: T201
