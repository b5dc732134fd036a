"""PostgreSQL, killed again and again under a working relay and a searching reader: nothing is lost."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from jibu.adapters.index.embedded import EmbeddedIndex
from jibu.adapters.store.postgres import open_postgres
from jibu.domain.access import AccessFilter
from jibu.domain.documents import Document, DocumentStatus
from jibu.domain.errors import Unavailable
from jibu.testing.memory import HashEmbedder

sys.path.insert(0, str(Path(__file__).parents[2]))  # the helpers beside the tests

from tests.e2e.crash_block import PARTS, law, slow_block
from tests.services import postgres

KILLS = 3
DOCUMENTS = 4
RECOVERY_S = 20.0
T = TypeVar("T")


@pytest.fixture
def server() -> Iterator[postgres.Server]:
    """A server that nobody else uses."""
    found = postgres.own_server()
    yield found
    found.remove()


@pytest.fixture
def block(server: postgres.Server, tmp_path: Path) -> Iterator[PARTS.Ingestion]:
    """Everything on that server, slow enough to be caught at work."""
    embedder = HashEmbedder()
    index = EmbeddedIndex(tmp_path / "index", embedder=embedder.name, dimension=embedder.dimension)
    records = open_postgres(server.new_database(), migrate=True)
    with slow_block(tmp_path, records=records, index=index) as found:
        yield found


def text(name: int, version: int) -> str:
    """Return a document of some twenty passages that says which version it is."""
    return law(name, version, sections=20)


def patiently(call: Callable[[], T]) -> T:
    """Do what a good client does: send the same again while the answer is Unavailable."""
    deadline = time.monotonic() + RECOVERY_S
    while True:
        try:
            return call()
        except Unavailable as error:
            if time.monotonic() > deadline:
                raise
            time.sleep(min(error.retry_after, 0.2))


class Reader(threading.Thread):
    """Searches all the time; every search is right or Unavailable."""

    def __init__(self, block: PARTS.Ingestion, documents: list[str]) -> None:
        super().__init__()
        self.stop = threading.Event()
        self.right = self.refused = 0
        self.wrong: list[str] = []
        self._block = block
        self._documents = documents

    def run(self) -> None:
        """Search until told to stop."""
        while not self.stop.is_set():
            try:
                self._look()
                self.right += 1
            except Unavailable:
                self.refused += 1
                time.sleep(0.05)
            except Exception as error:  # noqa: BLE001 - whatever else it is, it is wrong
                self.wrong.append(repr(error))

    def _look(self) -> None:
        block = self._block
        with block.records.read() as uow:
            epoch = uow.documents.epoch()
        vector = block.embedder.embed_query("rule")
        hits = block.index.dense(vector, AccessFilter(frozenset({"travel"})), 5000)
        with block.records.read() as uow:
            found = uow.documents.hydrate([hit.passage_id for hit in hits], epoch=epoch)
            counts = Counter((f.passage.document_id, f.passage.version) for f in found)
            for name in self._documents:
                whole = [
                    n == uow.documents.count_passages(name, version)
                    for (document_id, version), n in counts.items()
                    if document_id == name
                ]
                if whole != [True]:
                    self.wrong.append(f"{name}: {counts}")


@pytest.mark.slow
def test_killing_the_database_at_any_moment_loses_nothing(
    block: PARTS.Ingestion, server: postgres.Server
) -> None:
    """Three kills during uploads, indexing and searches; it goes on by itself each time, and all is there once."""
    chance = random.Random(1)  # noqa: S311
    documents = [block.receive(text(n, 1), external_id=f"law-{n}").document_id for n in range(DOCUMENTS)]
    block.relay().run_until_idle()
    editions = dict.fromkeys(documents, 1)
    reader, stop = Reader(block, documents), threading.Event()
    relay = threading.Thread(target=block.relay(lease_s=3.0, max_attempts=50).run_forever, args=(stop,))
    reader.start()
    relay.start()
    try:
        for kill in range(KILLS):
            for name in chance.sample(range(DOCUMENTS), 2):
                patiently(lambda n=name, k=kill: block.receive(text(n, k + 2), external_id=f"law-{n}"))
                editions[documents[name]] = kill + 2
            time.sleep(chance.uniform(0.0, 1.0))
            server.kill()
            with pytest.raises(Unavailable):
                block.receive(text(100 + kill, 1), external_id=f"law-{100 + kill}")
            refused, right = reader.refused, reader.right
            wait_for(lambda r=refused: reader.refused > r)
            server.start()
            patiently(lambda k=kill: block.receive(text(100 + k, 1), external_id=f"law-{100 + k}"))
            wait_for(lambda r=right: reader.right > r + 1)
        wait_for(lambda: block.backlog().jobs == 0 and block.backlog().events == 0)
    finally:
        reader.stop.set()
        stop.set()
        reader.join()
        relay.join()
    assert reader.wrong == []
    assert reader.refused >= KILLS
    check_all(block, editions)


def wait_for(true: Callable[[], bool]) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + 4 * RECOVERY_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def check_all(block: PARTS.Ingestion, editions: dict[str, int]) -> None:
    """Each document's newest version is live and whole, in records, index and events; its text is the last sent."""
    page = block.documents.page(PARTS.ADMIN, collection_id="travel", status=None, offset=0, limit=100)
    assert page.total == DOCUMENTS + KILLS
    told = Counter(
        (data["documentId"], data["version"])
        for _, event in block.broker.read(limit=10_000)
        if event.type == "jibu.document.indexed.v1"
        for data in [dict(event.data)]
    )
    for document in page.items:
        check_one(block, document, f"edition {editions.get(document.document_id, 1)}.")
        assert told[document.document_id, document.version] == 1
    assert (block.backlog().parked, block.backlog().events) == (0, 0)


def check_one(block: PARTS.Ingestion, document: Document, words: str) -> None:
    """One document."""
    name, version = document.document_id, document.version
    assert (document.status, document.live_version) == (DocumentStatus.INDEXED, version)
    with block.records.read() as uow:
        passages = {p.passage_id for p in uow.documents.passages(name, version)}
        assert words in uow.documents.text(name)
    assert len(passages) >= 15
    assert block.index.passage_ids(name, version) == passages
