"""Weaviate under the contract of every index. Runs on a real server only; see tests/services/weaviate_server.py."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from tests.services.weaviate_server import NEEDED, Names, names

from jibu.ports import Index
from jibu.testing.index_contract import IndexContract
from jibu.testing.index_samples import IndexSetup, dense, lexical, passage

pytestmark = NEEDED


@pytest.fixture
def given() -> Iterator[Names]:
    """Names of this test's own."""
    with names() as held:
        yield held


class TestWeaviateIndex(IndexContract):
    """Runs the whole contract."""

    @pytest.fixture
    def setup(self, given: Names) -> IndexSetup:
        """Collections of their own."""
        return IndexSetup(given.open)

    def test_threads_read_while_one_writes(self, index: Index) -> None:
        """Narrowed: no read fails and each passage is seen whole, but a batch may be seen in part.

        Weaviate makes single objects visible. Jibu does not need more: which version of a document a search
        sees is decided by the records (docs/adr/0003-versions-visible-by-epoch.md).
        """
        torn: list[str] = []
        done = threading.Event()

        def read() -> None:
            while not done.is_set():
                for found in (dense(index, limit=500), lexical(index, "tax", limit=500)):
                    torn.extend(p for p in found if not p.startswith("d"))

        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        try:
            for batch in range(40):
                index.add([passage(n, "tax", document=f"d{batch}") for n in range(5)])
        finally:
            done.set()
            for reader in readers:
                reader.join()
        assert (torn, len(dense(index, limit=500)), len(lexical(index, "tax", limit=500))) == ([], 200, 200)
