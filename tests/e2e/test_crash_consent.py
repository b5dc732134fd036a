"""kill -9 before each write, before and after each commit of signing and withdrawing: all of it or nothing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "consent"))

from block import ANN, Block, Key

from jibu.adapters.store.sqlite import open_sqlite
from jibu.domain.errors import NotFound

HERE = Path(__file__).parent
Act = Callable[[], object]
ACTS = ("sign a draft", "withdraw", "opt in again", "start a signature", "complete it")
"""One after the other, each on what the one before left."""

WRITES = 5
"""What the smallest act does at least: signature, record, event, line of the log, commit."""


def open_block(folder: Path, key: Key | None = None, *, filled: bool = False) -> Block:
    """Open a building block over a file, later than all that was done in it."""
    block = Block(open_sqlite(folder / "jibu.db", migrate=filled), folder, filled=filled)
    block.key = key or block.key
    with block.records.read() as uow:
        block.at += timedelta(minutes=uow.audit.head()[0])
    return block


def prepare(block: Block, name: str) -> Act:
    """Do all that comes before an act; return what does it."""
    if name == "sign a draft":
        draft, signature = block.drafted()
        return lambda: block.signing.create(ANN, "ann", draft.record, signature)
    found = block.consenting.current("ann", "1")
    record_id = found.record.record_id or ""
    if name == "start a signature":
        wanted = block.consenting.draft("ann", "1").signature
        assert wanted is not None
        return lambda: block.signing.start(ANN, "ann", record_id, wanted)
    if name == "complete it":
        assert found.signature is not None
        signature = block.signed(found.signature)
        return lambda: block.signing.complete(ANN, "ann", record_id, signature)
    return lambda: block.say(found, opt_in=name == "opt in again")


def state(folder: Path) -> tuple[Any, ...]:
    """Return all that an act changes, as one finds it after a restart; the chain of it verifies."""
    block = open_block(folder)
    try:
        report = block.auditing.verify()
        assert report.intact, (folder, report)
        with block.records.read() as uow:
            told = [one.event_id for one in uow.outbox.unpublished(limit=99)]
        try:
            consented = block.consenting.current("ann", "1")
        except NotFound:
            return report.entries, report.revisions, told, None, False
        return report.entries, report.revisions, told, consented, block.governs()
    finally:
        block.records.close()


def die_at(step: int) -> None:
    """Kill this process before its n-th write or commit."""
    done = 0

    def count(*given: Any) -> None:
        nonlocal done
        if len(given) > 1 and not given[2].startswith(("INSERT", "UPDATE", "DELETE")):
            return
        done += 1
        if done == step:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", count)
    event.listen(Engine, "commit", count)


def killed(folder: Path, key: Key, name: str, step: int) -> bool:
    """Do an act in a process that dies at a step; False when the act had ended before."""
    child = os.fork()
    if child == 0:
        try:
            act = prepare(open_block(folder, key), name)
            die_at(step)
            act()
            (folder / "ended").touch()
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    return not (folder / "ended").exists()


def run(top: Path) -> None:
    """Do the acts in a folder; before each let it be begun and killed at every step, each in a copy.

    Runs in a process of its own with one thread, which can be forked without harm.
    """
    live, key = top / "live", Key()
    live.mkdir()
    block = open_block(live, filled=True)
    block.change(signature_required=True)
    block.individuals.update(ANN, "ann", replace(block.individuals.get("ann"), keys=(key.public,)))
    block.records.close()
    for number, name in enumerate(ACTS):
        step, more = 0, True
        while more:
            step += 1
            copy = top / f"{number}" / f"{step:03}"
            shutil.copytree(live, copy)
            more = killed(copy, key, name, step)
        block = open_block(live, key)
        prepare(block, name)()
        block.records.close()


def test_a_killed_change_is_whole_or_never_was(tmp_path: Path) -> None:
    """Up to the commit nothing of it is there, after it everything: record, signature, revision, log, event."""
    script = f"import sys; sys.path[:0] = [{str(HERE)!r}]; import test_crash_consent as t;"
    script += f"t.run(t.Path({str(tmp_path)!r}))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    governed = []
    for number, name in enumerate(ACTS):
        states = [state(folder) for folder in sorted((tmp_path / f"{number}").iterdir())]
        before, after = states[0], states[-1]
        assert len(states) > WRITES, name
        assert states == [before] * (len(states) - 1) + [after], name
        assert after[:3] != before[:3], name
        governed.append((before[-1], after[-1]))
    assert governed == [(False, True), (True, False), (False, False), (False, False), (False, True)]
