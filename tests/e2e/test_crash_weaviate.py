"""Weaviate, killed again and again under a working relay and a searching reader: nothing is lost."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jibu.adapters.index.weaviate.index import WeaviateIndex
from jibu.adapters.index.weaviate.schema import Layout
from jibu.adapters.store.sqlite import open_sqlite
from jibu.domain.access import AccessFilter
from jibu.domain.documents import DocumentStatus
from jibu.domain.errors import Unavailable
from jibu.ports import WeightedTerm
from jibu.testing.memory import HashEmbedder

sys.path.insert(0, str(Path(__file__).parents[2]))  # the helpers beside the tests

from tests.e2e.crash_block import PARTS, law, slow_block
from tests.services.weaviate_server import BINARY_NEEDED, OwnServer

KILLS = 4
DOCUMENTS = 4
PATIENCE_S = 240.0
TRAVEL = AccessFilter(frozenset({"travel"}))

pytestmark = [BINARY_NEEDED, pytest.mark.slow]


@pytest.fixture
def server() -> Iterator[OwnServer]:
    """A server that nobody else uses, not started yet."""
    found = OwnServer()
    yield found
    found.remove()


@pytest.fixture
def block(server: OwnServer, tmp_path: Path) -> Iterator[PARTS.Ingestion]:
    """Everything with that index, slow enough to be caught at work."""
    embedder = HashEmbedder()
    index = WeaviateIndex(server.server, Layout("Jibu", embedder.name, embedder.dimension))
    records = open_sqlite(tmp_path / "jibu.db")
    with slow_block(tmp_path, records=records, index=index) as found:
        yield found


def text(name: int, version: int) -> str:
    """Return a document of some forty passages that says which version it is."""
    return law(name, version, sections=40)


class Reader(threading.Thread):
    """Searches all the time, by vector and by words; every search is right or Unavailable."""

    def __init__(self, block: PARTS.Ingestion, documents: list[str]) -> None:
        super().__init__()
        self.stop = threading.Event()
        self.right = self.refused = 0
        self.slowest_s = 0.0
        self.wrong: list[str] = []
        self._block = block
        self._documents = documents

    def run(self) -> None:
        """Search until told to stop."""
        while not self.stop.is_set():
            began = time.monotonic()
            try:
                self._look()
                self.right += 1
            except Unavailable:
                self.refused += 1
                self.slowest_s = max(self.slowest_s, time.monotonic() - began)
                time.sleep(0.05)
            except Exception as error:  # noqa: BLE001 - whatever else it is, it is wrong
                self.wrong.append(repr(error))

    def _look(self) -> None:
        block = self._block
        with block.records.read() as uow:
            epoch = uow.documents.epoch()
        near = block.index.dense(block.embedder.embed_query("rule"), TRAVEL, 5000)
        worded = block.index.lexical([WeightedTerm("rule")], TRAVEL, 5000)
        with block.records.read() as uow:
            for path, hits in (("dense", near), ("words", worded)):
                found = uow.documents.hydrate([hit.passage_id for hit in hits], epoch=epoch)
                counts = Counter((f.passage.document_id, f.passage.version) for f in found)
                for name in self._documents:
                    whole = [
                        n == uow.documents.count_passages(name, version)
                        for (document_id, version), n in counts.items()
                        if document_id == name
                    ]
                    if whole != [True]:
                        self.wrong.append(f"{path} {name}: {counts}")


def test_killing_weaviate_at_any_moment_loses_nothing(
    block: PARTS.Ingestion, server: OwnServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Away at the start, then four kills during indexing and searches: it goes on by itself, all is there once."""
    chance = random.Random(1)  # noqa: S311
    documents = [block.receive(text(n, 1), external_id=f"law-{n}").document_id for n in range(DOCUMENTS)]
    with pytest.raises(Unavailable):
        block.index.info()
    server.start()
    block.relay().run_until_idle()
    editions = dict.fromkeys(documents, 1)
    reader, stop = Reader(block, documents), threading.Event()
    relay = threading.Thread(target=block.relay(lease_s=5.0, max_attempts=2).run_forever, args=(stop,))
    reader.start()
    relay.start()
    took = []
    try:
        for kill in range(KILLS):
            for name in chance.sample(range(DOCUMENTS), 2):
                block.receive(text(name, kill + 2), external_id=f"law-{name}")
                editions[documents[name]] = kill + 2
            time.sleep(chance.uniform(0.2, 1.5))
            server.kill()
            refused, right = reader.refused, reader.right
            wait_for(lambda r=refused: reader.refused > r + 2)
            began = time.monotonic()
            server.start()
            server.wait()
            ready = time.monotonic()
            right = reader.right
            wait_for(lambda r=right: reader.right > r)
            took.append(
                f"{ready - began:.1f} s to ready, then {time.monotonic() - ready:.2f} s to a right answer"
            )
        began = time.monotonic()
        wait_for(lambda: block.backlog().jobs == 0 or _only_sweeps(block))
        took.append(f"all indexed {time.monotonic() - began:.1f} s later")
    finally:
        reader.stop.set()
        stop.set()
        reader.join()
        relay.join()
    with capsys.disabled():
        print("", *took, f"right {reader.right}, refused {reader.refused}, slowest refusal", sep="\n")  # noqa: T201
        print(f"{reader.slowest_s:.2f} s")  # noqa: T201
    assert reader.wrong == []
    assert (reader.refused >= KILLS, block.backlog().parked) == (True, 0)
    check_all(block, editions)


def _only_sweeps(block: PARTS.Ingestion) -> bool:
    page = block.documents.page(PARTS.ADMIN, collection_id="travel", status=None, offset=0, limit=100)
    return all(document.status is DocumentStatus.INDEXED for document in page.items)


def wait_for(true: Callable[[], bool]) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def check_all(block: PARTS.Ingestion, editions: dict[str, int]) -> None:
    """Each document's newest version is live and whole in records and index; after the sweep there is no other."""
    block.sweep()
    expected = 0
    with block.records.read() as uow:
        for name, edition in editions.items():
            document = uow.documents.get(name)
            assert document.status is DocumentStatus.INDEXED
            assert document.live_version is not None
            passages = uow.documents.passages(name, document.live_version)
            assert all(f"edition {edition}." in p.text for p in passages)
            assert block.index.passage_ids(name, document.live_version) == {p.passage_id for p in passages}
            expected += len(passages)
    assert block.index.info().passages == expected
    assert len(block.index.dense(block.embedder.embed_query("rule"), TRAVEL, 5000)) == expected
    assert len(block.index.lexical([WeightedTerm("rule")], TRAVEL, 5000)) == expected
    assert block.index.frequencies(["rule"]) == [expected]
