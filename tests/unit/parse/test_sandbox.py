"""The sandbox itself: time, memory, crashes, traces left behind."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import time
from pathlib import Path

import pytest

from jibu.adapters.parse.sandbox import WORKER, SandboxedParser
from jibu.domain.errors import ParseFailed

SLOW = "".join(f"| a{n} | *b* [c](d) |\n| - | - |\n\n" for n in range(60_000)).encode()
"""Some megabytes of Markdown that take seconds to read."""


def why(parser: SandboxedParser, content: bytes, name: str) -> str:
    """Return the reason of a failure."""
    with pytest.raises(ParseFailed) as caught:
        parser.parse(content, filename=name, media_type=None)
    return caught.value.reason


def workers() -> list[int]:
    """Return the ids of this process's workers."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            command = (process / "cmdline").read_bytes()
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
        except (OSError, IndexError):
            continue
        if WORKER.encode() in command and int(parent) == os.getpid():
            found.append(int(process.name))
    return found


def test_a_slow_file_is_stopped() -> None:
    """At the time limit the worker is killed; nothing of it stays."""
    started = time.monotonic()
    assert why(SandboxedParser(timeout_s=0.5), SLOW, "a.md") == "too-slow"
    assert (time.monotonic() - started < 5, []) == (True, workers())


def test_a_greedy_file_is_stopped() -> None:
    """Memory beyond the limit fails this file only."""
    parser = SandboxedParser(memory_bytes=110_000_000)
    assert why(parser, SLOW, "a.md") == "out-of-memory"
    assert parser.parse(b"small", filename="a.txt", media_type=None).text == "small"


@pytest.mark.parametrize(
    ("number", "reason"),
    [(signal.SIGKILL, "out-of-memory"), (signal.SIGSEGV, "unreadable"), (signal.SIGXCPU, "too-slow")],
)
def test_a_dying_worker_fails_its_document(number: signal.Signals, reason: str) -> None:
    """However a worker ends, its caller gets an answer."""

    def end_worker() -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            for worker in workers():
                os.kill(worker, number)
                return
            time.sleep(0.01)

    killer = threading.Thread(target=end_worker)
    killer.start()
    assert why(SandboxedParser(timeout_s=60), SLOW, "a.md") == reason
    killer.join()


def test_nothing_is_left_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A document never gets a name on disk, not even while it is read."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen: set[str] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            seen.update(path.name for path in tmp_path.iterdir())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        assert SandboxedParser().parse(b"# x", filename="a.md", media_type=None).text == "x"
        assert why(SandboxedParser(timeout_s=0.3), SLOW, "a.md") == "too-slow"
    finally:
        done.set()
        watcher.join()
    assert seen == set()


def test_limits_are_exact() -> None:
    """A document at the limit passes, one beyond it fails."""
    parser = SandboxedParser(max_bytes=10, max_characters=5)
    assert parser.parse(b"12345     ", filename="a.txt", media_type=None).text == "12345"
    assert why(parser, b"123456", "a.txt") == "too-large"
    assert why(parser, b"1          ", "a.txt") == "too-large"
