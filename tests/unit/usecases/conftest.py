"""The way of a document on the embedded adapters, but for the model, whose vectors matter little here.

What depends on transactions runs on PostgreSQL as well.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jibu.adapters.broker.local import LocalBroker
from jibu.adapters.index.embedded import EmbeddedIndex
from jibu.adapters.parse.sandbox import SandboxedParser
from jibu.adapters.store.postgres import open_postgres
from jibu.adapters.store.sql import SqlRecords
from jibu.adapters.store.sqlite import open_sqlite
from jibu.adapters.text.icu import IcuSegmenter
from jibu.adapters.text.language import LangidDetector
from jibu.ports import Index
from jibu.testing.event_contract import check_event
from jibu.testing.memory import HashEmbedder

sys.path.insert(0, str(Path(__file__).parents[3]))
sys.path.insert(0, str(Path(__file__).parent))
from ingestion import Ingestion
from tests.services import postgres, weaviate_server


@pytest.fixture(scope="session")
def detector() -> LangidDetector:
    """One detector for all tests."""
    return LangidDetector()


ON_BOTH = {
    "test_collections",
    "test_configuring",
    "test_documents",
    "test_indexing",
    "test_reindex",
    "test_relay",
}
ON_FILES = {"test_an_erased_document_leaves_no_byte"}
"""PostgreSQL overwrites nothing at once, and its files are the server's."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Choose the databases of a test; where a Weaviate is told, what runs on both runs with that index as well."""
    if "empty_records" in metafunc.fixturenames:
        module = metafunc.module.__name__.rpartition(".")[2]
        both = module in ON_BOTH and metafunc.function.__name__ not in ON_FILES
        databases = ["sqlite", "postgres"] if both else ["sqlite"]
        if "new_index" in metafunc.fixturenames and both and weaviate_server.told():
            pairs = [*((d, "embedded") for d in databases), ("sqlite", "weaviate")]
            metafunc.parametrize(("empty_records", "new_index"), pairs, indirect=True)
        else:
            metafunc.parametrize("empty_records", databases, indirect=True)


@pytest.fixture
def empty_records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlRecords]:
    """One of the record stores, with empty tables."""
    if request.param == "postgres":
        records = open_postgres(postgres.empty_database())
    else:
        records = open_sqlite(tmp_path / "jibu.db")
    yield records
    records.close()


@pytest.fixture
def new_index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    """An empty index for the model of these tests: embedded unless the test says otherwise."""
    embedder = HashEmbedder()
    if getattr(request, "param", "embedded") == "weaviate":
        with weaviate_server.names() as given:
            yield given.open("main", embedder.name, embedder.dimension)
        return
    index = EmbeddedIndex(tmp_path / "index", embedder=embedder.name, dimension=embedder.dimension)
    yield index
    index.close()


@pytest.fixture
def block(
    tmp_path: Path, detector: LangidDetector, empty_records: SqlRecords, new_index: Index
) -> Iterator[Ingestion]:
    """Everything on new, empty folders, with a public collection "travel"."""
    embedder = HashEmbedder()
    broker = LocalBroker(tmp_path / "events.db")
    found = Ingestion(
        records=empty_records,
        index=new_index,
        embedder=embedder,
        parser=SandboxedParser(),
        segmenter=IcuSegmenter(),
        detector=detector,
        broker=broker,
    )
    found.collection()
    yield found
    for _, event in broker.read(limit=10_000):
        check_event(event)
    for event in found.events():
        check_event(event)
    broker.close()
