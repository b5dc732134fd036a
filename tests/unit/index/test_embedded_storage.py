"""What only the embedded index promises: one writer, crash safety, erasure to the last byte, damage told apart."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from jibu.adapters.index.embedded import EmbeddedIndex
from jibu.adapters.index.segments.manifest import writing
from jibu.adapters.index.segments.strings import key
from jibu.domain.errors import IndexBusy, Unavailable
from jibu.testing.index_samples import ALL, DIMENSION, EMBEDDER, dense, lexical, passage, vector

WRITER = """
import sys
from pathlib import Path
from jibu.adapters.index.embedded import EmbeddedIndex
from jibu.testing.index_samples import DIMENSION, EMBEDDER, passage
index = EmbeddedIndex(Path(sys.argv[1]), embedder=EMBEDDER, dimension=DIMENSION)
for batch in range(int(sys.argv[2]), 100_000):
    if batch % 3 == 2:
        index.delete_document(f"d{batch - 2}")
    index.add([passage(n, "tax", document=f"d{batch}") for n in range(5)])
    print(batch, flush=True)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the index lies."""
    return tmp_path / "index"


@pytest.fixture
def index(folder: Path) -> Iterator[EmbeddedIndex]:
    """An empty index."""
    index = opened(folder)
    yield index
    index.close()


def opened(folder: Path, wait_s: float = 10.0) -> EmbeddedIndex:
    """Open the index in a folder."""
    return EmbeddedIndex(folder, embedder=EMBEDDER, dimension=DIMENSION, wait_s=wait_s)


def start_writer(folder: Path, batch: int = 0) -> subprocess.Popen[str]:
    """Start a process that adds and deletes until it is killed, and wait for its first batch."""
    command = [sys.executable, "-c", WRITER, str(folder), str(batch)]
    writer = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": PATH}
    )
    assert writer.stdout
    writer.stdout.readline()
    return writer


PATH = os.pathsep.join(sys.path)


def test_a_killed_writer_leaves_whole_batches(folder: Path) -> None:
    """After kill -9 everything acknowledged is there, nothing is half there, and writing goes on."""
    following = 0
    for _ in range(4):
        writer = start_writer(folder, following)
        time.sleep(0.15)
        writer.send_signal(signal.SIGKILL)
        assert writer.stdout
        acknowledged = [following, *map(int, writer.stdout.read().split())]
        writer.wait()
        writer.stdout.close()
        index = opened(folder)
        found, by_word = set(dense(index, limit=10_000)), set(lexical(index, "tax", limit=10_000))
        assert found == by_word
        assert len(found - {"again.1.0"}) % 5 == 0
        wanted = [b for b in acknowledged if b % 3 != 0]
        assert all(index.passage_ids(f"d{b}", 1) == {f"d{b}.1.{n}" for n in range(5)} for b in wanted)
        following = acknowledged[-1] + 3 - acknowledged[-1] % 3
        index.add([passage(0, "tax", document="again")])
        assert lexical(index, "tax", limit=10_000)
        index.close()


def test_rubbish_of_a_crash_is_removed_by_the_next_writer(folder: Path, index: EmbeddedIndex) -> None:
    """Files that no manifest names go away; a reader leaves them alone."""
    (folder / "seg-99999999").write_bytes(b"half a segment")
    (folder / "manifest.json.new").write_bytes(b"{")
    assert dense(index) == []
    index.add([passage(0, "tax")])
    assert {"manifest.json", "write.lock", "seg-00000001"} == {p.name for p in folder.iterdir()}


def test_another_process_sees_an_addition_within_a_second(folder: Path, index: EmbeddedIndex) -> None:
    """An open reader follows a writer in another process."""
    writer = start_writer(folder)
    try:
        before = index.info().passages
        limit = time.monotonic() + 1.0
        while index.info().passages <= before and time.monotonic() < limit:
            time.sleep(0.005)
        assert index.info().passages > before
    finally:
        writer.kill()
        writer.communicate()


def test_a_second_writer_is_told_that_the_index_is_busy(folder: Path, index: EmbeddedIndex) -> None:
    """It waits a while, then gives up with a clear error; reading goes on."""
    index.add([passage(0, "tax")])
    other = opened(folder, wait_s=0.05)
    with writing(folder, 1.0):
        with pytest.raises(IndexBusy):
            other.add([passage(1, "tax")])
        assert dense(other) == ["d1.1.0"]
    other.add([passage(1, "tax")])
    assert len(dense(other)) == 2


def test_a_writer_waits_for_its_turn(folder: Path, index: EmbeddedIndex) -> None:
    """Two writers at once both succeed."""
    others = [opened(folder) for _ in range(3)]
    threads = [
        threading.Thread(
            target=lambda i=i, each=each: [each.add([passage(i * 10 + n, "x")]) for n in range(5)]
        )
        for i, each in enumerate(others)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(dense(index, limit=100)) == 15


class Interrupted(EmbeddedIndex):
    """An index in which another thread searches just before a look at the manifest."""

    interrupt = False

    def _now(self) -> tuple[int, int] | None:
        if self.interrupt:
            self.interrupt = False
            dense(self)
        return super()._now()


def test_a_writer_never_takes_an_old_manifest_for_the_new_one(folder: Path) -> None:
    """What another process added stays, also when a search of this process sees it before the writer does."""
    index = Interrupted(folder, embedder=EMBEDDER, dimension=DIMENSION)
    index.add([passage(0, "tax", document="d0")])
    opened(folder).add([passage(1, "tax", document="d1")])
    index.interrupt = True
    index.add([passage(2, "tax", document="d2")])
    assert sorted(dense(index)) == sorted(dense(opened(folder))) == ["d0.1.0", "d1.1.1", "d2.1.2"]


def test_compacting_leaves_no_byte_of_what_was_removed(folder: Path, index: EmbeddedIndex) -> None:
    """Neither ids, owner keys, hashed terms nor vectors can be found in any file."""
    secret = passage(
        7, "secretword", document="secretdoc", owner="secretowner", at=vector(0.11, 0.22, 0.9, -0.3)
    )
    index.add([secret, *(passage(n, "tax") for n in range(50))])
    index.add([passage(n, "form", document="d2") for n in range(3)])
    traces = [
        b"secretdoc",
        b"secretowner",
        np.uint64(key("secretword")).tobytes(),
        np.frombuffer(secret.vector, np.float32).astype(np.float16).tobytes(),
    ]
    assert all(any(trace in p.read_bytes() for p in folder.iterdir()) for trace in traces)
    index.delete_document("secretdoc")
    index.compact()
    assert not any(trace in p.read_bytes() for p in folder.iterdir() for trace in traces)
    assert len(dense(index, limit=100)) == 53


def test_a_reader_keeps_its_view_while_the_files_go(folder: Path, index: EmbeddedIndex) -> None:
    """Searching and compacting at once never fails."""
    reader, failures, done = opened(folder), [], threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                dense(reader)
                lexical(reader, "tax")
            except Unavailable as error:
                failures.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    for n in range(30):
        index.add([passage(n, "tax", document=f"d{n % 4}")])
        index.delete_document(f"d{(n + 2) % 4}")
        index.compact()
    done.set()
    thread.join()
    assert failures == []


def test_segments_stay_few(folder: Path, index: EmbeddedIndex) -> None:
    """Many small additions are merged, so that a query looks in few places."""
    for n in range(120):
        index.add([passage(n, "tax")])
    assert len(list(folder.glob("seg-*"))) <= 8
    assert len(dense(index, limit=500)) == 120


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"not json",
        b'{"format": 99, "segments": []}',
        b"[]",
        b'{"format": 1}',
        b'{"format": 1, "segments": []}',
        b'{"format": 1, "embedder": "e", "dimension": 4, "segments": [{"name": "x"}]}',
        b'{"format": 1, "embedder": "e", "dimension": 4, "segments": [], "extra": 1}',
    ],
)
def test_a_damaged_manifest_is_told(folder: Path, damage: bytes) -> None:
    """The error says what to do."""
    opened(folder).add([passage(0, "tax")])
    (folder / "manifest.json").write_bytes(damage)
    with pytest.raises(Unavailable, match="reindex"):
        opened(folder)


@pytest.mark.parametrize("keep", [0, 10, 1000])
def test_a_shortened_segment_is_told(folder: Path, keep: int) -> None:
    """A file cut short by a broken disk or copy is noticed at opening."""
    opened(folder).add([passage(n, "tax") for n in range(20)])
    (segment,) = folder.glob("seg-*")
    segment.write_bytes(segment.read_bytes()[:keep])
    with pytest.raises(Unavailable, match="reindex"):
        opened(folder)


def test_a_missing_segment_is_told(folder: Path) -> None:
    """A lost file is not an empty index."""
    opened(folder).add([passage(0, "tax")])
    (segment,) = folder.glob("seg-*")
    segment.unlink()
    with pytest.raises(Unavailable):
        opened(folder)


def test_a_closed_index_says_so(folder: Path) -> None:
    """Using it after ``close`` is an error of its own."""
    index = opened(folder)
    index.close()
    with pytest.raises(Unavailable, match="closed"):
        index.dense(vector(1.0), ALL, 1)


@pytest.mark.parametrize("trouble", ["damaged", "another embedder", "segment gone"])
def test_starting_over(folder: Path, trouble: str) -> None:
    """What cannot be opened is replaced by an empty index, so that it can be filled from the texts."""
    opened(folder).add([passage(0, "tax")])
    if trouble == "damaged":
        (folder / "manifest.json").write_bytes(b"?")
    if trouble == "segment gone":
        next(folder.glob("seg-*")).unlink()
    name = "new" if trouble == "another embedder" else EMBEDDER
    index = EmbeddedIndex.start_over(folder, embedder=name, dimension=DIMENSION)
    assert (index.info().passages, index.info().embedder) == (0, name)
    index.add([passage(1, "tax")])
    assert dense(index) == ["d1.1.1"]
    assert len(list(folder.glob("seg-*"))) == 1


def test_starting_over_keeps_a_good_index(folder: Path) -> None:
    """A rebuild that was broken off goes on where it was."""
    opened(folder).add([passage(0, "tax")])
    assert dense(EmbeddedIndex.start_over(folder, embedder=EMBEDDER, dimension=DIMENSION)) == ["d1.1.0"]
