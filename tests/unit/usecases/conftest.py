"""The way of a document on the embedded adapters, but for the model, whose vectors matter little here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jibu.adapters.broker.local import LocalBroker
from jibu.adapters.index.embedded import EmbeddedIndex
from jibu.adapters.parse.sandbox import SandboxedParser
from jibu.adapters.store.sqlite import open_sqlite
from jibu.adapters.text.icu import IcuSegmenter
from jibu.adapters.text.language import LangidDetector
from jibu.testing.memory import HashEmbedder

sys.path.insert(0, str(Path(__file__).parent))
from ingestion import Ingestion


@pytest.fixture(scope="session")
def detector() -> LangidDetector:
    """One detector for all tests."""
    return LangidDetector()


@pytest.fixture
def block(tmp_path: Path, detector: LangidDetector) -> Iterator[Ingestion]:
    """Everything on new, empty folders, with a public collection "travel"."""
    embedder = HashEmbedder()
    records = open_sqlite(tmp_path / "jibu.db")
    index = EmbeddedIndex(tmp_path / "index", embedder=embedder.name, dimension=embedder.dimension)
    broker = LocalBroker(tmp_path / "events.db")
    found = Ingestion(
        records=records,
        index=index,
        embedder=embedder,
        parser=SandboxedParser(),
        segmenter=IcuSegmenter(),
        detector=detector,
        broker=broker,
    )
    found.collection()
    yield found
    broker.close()
    index.close()
    records.close()
