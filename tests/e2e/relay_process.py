"""A relay on a data folder, for tests that kill it: ``python relay_process.py FOLDER``.

It is slow on purpose, so that there is time to kill it, and its leases are short, so that the next one goes on.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from jibu.adapters.broker.local import LocalBroker
from jibu.adapters.index.embedded import EmbeddedIndex
from jibu.adapters.parse.sandbox import SandboxedParser
from jibu.adapters.store.sqlite import open_sqlite
from jibu.adapters.text.icu import IcuSegmenter
from jibu.adapters.text.language import LangidDetector
from jibu.testing.faults import FaultyEmbedder
from jibu.testing.memory import HashEmbedder

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "usecases"))
from ingestion import ADMIN, OFFICER, Ingestion

__all__ = ["ADMIN", "OFFICER", "Ingestion"]

SWEEP_DELAY_S = 5.0
LEASE_S = 1.5
BATCHES = "batches"
"""A file that grows by one byte for each batch that is embedded."""


def ingestion(folder: Path, *, batch_s: float = 0.0) -> Ingestion:
    """Open a data folder; each batch of vectors takes ``batch_s`` seconds longer than it must."""
    embedder = HashEmbedder()

    def batch(_: int) -> None:
        with (folder / BATCHES).open("ab") as file:
            file.write(b".")
        time.sleep(batch_s)

    return Ingestion(
        records=open_sqlite(folder / "jibu.db"),
        index=EmbeddedIndex(folder / "index", embedder=embedder.name, dimension=embedder.dimension),
        embedder=FaultyEmbedder(embedder, batch),
        parser=SandboxedParser(),
        segmenter=IcuSegmenter(),
        detector=LangidDetector(),
        broker=LocalBroker(folder / "events.db"),
        sweep_delay_s=SWEEP_DELAY_S,
    )


if __name__ == "__main__":
    relay = ingestion(Path(sys.argv[1]), batch_s=0.1).relay(lease_s=LEASE_S)
    print("ready", flush=True)  # noqa: T201
    relay.run_forever(threading.Event())
