"""What the tests share that kill a server: everything over it, slow enough to be caught at work."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from jibu.adapters.broker.local import LocalBroker
from jibu.adapters.parse.sandbox import SandboxedParser
from jibu.adapters.text.icu import IcuSegmenter
from jibu.adapters.text.language import LangidDetector
from jibu.ports import Index, Records
from jibu.testing.faults import FaultyEmbedder
from jibu.testing.memory import HashEmbedder

INGESTION = Path(__file__).parents[1] / "unit" / "usecases" / "ingestion.py"


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ingestion", INGESTION)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PARTS = _load()


@contextmanager
def slow_block(folder: Path, *, records: Records, index: Index) -> Iterator[PARTS.Ingestion]:
    """Run everything over this store and this index; each text takes a tenth of a second. Close both at the end."""
    found = PARTS.Ingestion(
        records=records,
        index=index,
        embedder=FaultyEmbedder(HashEmbedder(), lambda _: time.sleep(0.1)),
        parser=SandboxedParser(),
        segmenter=IcuSegmenter(),
        detector=LangidDetector(),
        broker=LocalBroker(folder / "events.db"),
        sweep_delay_s=30.0,
    )
    found.collection()
    yield found
    found.broker.close()
    found.index.close()
    found.records.close()


def law(name: int, version: int, *, sections: int) -> str:
    """Return a document of about so many passages that says which version it is."""
    rules = (
        f"## Section {n}\n\n" + f"Rule {n} of law {name}, edition {version}. " * 9 for n in range(sections)
    )
    return f"# Law {name}\n\n" + "\n\n".join(rules)
