"""A real relay process, killed again and again: nothing is lost, nothing is done twice, no reader notices."""

from __future__ import annotations

import importlib.util
import math
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

from jibu.domain.access import AccessFilter
from jibu.domain.documents import DocumentStatus

SCRIPT = Path(__file__).parent / "relay_process.py"
KILLS = 6
DOCUMENTS = 4


def _load() -> ModuleType:
    """Import the script, whose parts the test process uses as well."""
    spec = importlib.util.spec_from_file_location("relay_process", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PROCESS = _load()
ADMIN, OFFICER, Ingestion = PROCESS.ADMIN, PROCESS.OFFICER, PROCESS.Ingestion


def text(name: int, version: int) -> str:
    """Return a document of some forty passages that says which version it is."""
    sections = (
        f"## Section {n}\n\n" + f"Rule {n} of law {name} in its edition {version} says {n * version}. " * 7
        for n in range(40)
    )
    return f"# Law {name}\n\n" + "\n\n".join(sections)


@contextmanager
def relay_process(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a relay, wait until it works, and kill it at the end without a warning."""
    process = subprocess.Popen([sys.executable, str(SCRIPT), str(folder)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()


class Reader(threading.Thread):
    """Searches all the time and notes each document that it does not see as exactly one whole version."""

    def __init__(self, block: Ingestion, documents: list[str]) -> None:
        super().__init__()
        self.stop = threading.Event()
        self.searches = 0
        self.slowest = 0.0
        self.wrong: list[str] = []
        self.seen: dict[str, set[int]] = defaultdict(set)
        self._block = block
        self._documents = documents

    def run(self) -> None:
        """Search until told to stop."""
        while not self.stop.is_set():
            started = time.monotonic()
            with self._block.records.read() as uow:
                epoch = uow.documents.epoch()
            hits = self._block.index.dense(
                self._block.embedder.embed_query("rule"), AccessFilter(frozenset({"travel"})), 5000
            )
            with self._block.records.read() as uow:
                found = uow.documents.hydrate([hit.passage_id for hit in hits], epoch=epoch)
                counts = Counter((f.passage.document_id, f.passage.version) for f in found)
                for document_id in self._documents:
                    versions = [version for name, version in counts if name == document_id]
                    whole = [
                        counts[document_id, v] == uow.documents.count_passages(document_id, v)
                        for v in versions
                    ]
                    self.seen[document_id].update(versions)
                    if whole != [True]:
                        self.wrong.append(f"{document_id}: versions {versions}, whole {whole}")
            self.searches += 1
            self.slowest = max(self.slowest, time.monotonic() - started)


@pytest.fixture
def block(tmp_path: Path) -> Iterator[Ingestion]:
    """The data folder as the service's own process sees it."""
    found: Ingestion = PROCESS.ingestion(tmp_path)
    found.collection()
    yield found
    found.broker.close()  # type: ignore[attr-defined]
    found.index.close()
    found.records.close()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_killing_the_relay_at_any_moment_loses_nothing(block: Ingestion, tmp_path: Path, seed: int) -> None:
    """Six kills during ingestion, replacement and erasure; then everything is there exactly once."""
    chance = random.Random(seed)  # noqa: S311
    documents = [block.receive(text(n, 1), external_id=f"law-{n}").document_id for n in range(DOCUMENTS)]
    block.relay().run_until_idle()
    reader = Reader(block, documents)
    reader.start()
    doomed, interrupted = "", 0
    try:
        for kill in range(KILLS):
            with relay_process(tmp_path):
                for name in chance.sample(range(DOCUMENTS), 2):
                    block.receive(text(name, kill + 2), external_id=f"law-{name}")
                block.receive(text(100 + kill, 1), external_id=f"law-{100 + kill}")
                if kill == KILLS // 2:
                    doomed = block.receive(text(99, 1), external_id="doomed").document_id
                time.sleep(chance.uniform(0.0, 1.5))
                if kill == KILLS // 2:
                    block.documents.erase(OFFICER, doomed)
            interrupted += block.backlog().jobs > 0
        wait_for_leases(block)
        block.relay().run_until_idle()
    finally:
        reader.stop.set()
        reader.join()
    assert reader.slowest < PROCESS.SWEEP_DELAY_S, "the machine is too slow for this test's sweep delay"
    assert reader.wrong == []
    assert reader.searches > 10
    assert interrupted > KILLS // 2
    sweep_up(block)
    check_all(block, documents, doomed)
    check_work(block, tmp_path)


def wait_for_leases(block: Ingestion) -> None:
    """Let the lease of the killed relay run out."""
    time.sleep(PROCESS.LEASE_S)


def sweep_up(block: Ingestion) -> None:
    """Let replaced versions grow old and sweep them."""
    block.clock.advance(130)
    block.relay().run_until_idle()


def check_all(block: Ingestion, documents: list[str], doomed: str) -> None:
    """Each document's newest version is live, in records, index and events, once; nothing else is there."""
    page = block.documents.page(ADMIN, collection_id="travel", status=None, offset=0, limit=100)
    assert page.total == DOCUMENTS + KILLS
    indexed = Counter(
        (data["documentId"], data["version"])
        for _, event in block.broker.read(limit=10_000)  # type: ignore[attr-defined]
        if event.type == "jibu.document.indexed.v1"
        for data in [dict(event.data)]
    )
    assert set(indexed.values()) == {1}
    for document in page.items:
        name, version = document.document_id, document.version
        assert (document.status, document.live_version) == (DocumentStatus.INDEXED, version)
        assert [indexed[name, v] for v in range(1, version + 1)] == [1] * version
        with block.records.read() as uow:
            passages = {p.passage_id for p in uow.documents.passages(name, version)}
        assert len(passages) > 32
        assert block.index.passage_ids(name, version) == passages
        assert all(block.index.passage_ids(name, old) == set() for old in range(1, version))
    assert {document.document_id for document in page.items} >= set(documents)
    assert block.index.passage_ids(doomed, 1) == set()
    with block.records.read() as uow:
        assert block.index.info().passages == uow.documents.live_passages()
    assert (block.backlog().jobs, block.backlog().parked, block.backlog().events) == (0, 0, 0)


def check_work(block: Ingestion, folder: Path) -> None:
    """Finished batches were not repeated: at most the one under way at each kill was, and the erased one's."""
    page = block.documents.page(ADMIN, collection_id="travel", status=None, offset=0, limit=100)
    needed = sum(math.ceil(d.passages / 16) * d.version for d in page.items)
    done = len((folder / PROCESS.BATCHES).read_bytes())
    assert needed <= done <= needed + KILLS + 3
