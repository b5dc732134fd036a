"""kill -9 around each step of an erasure: afterwards all is there, or all is gone and the receipt says so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "usecases"))

from ingestion import Ingestion
from people import InProcess

from jibu.adapters.auth.block_key import BlockKey, PublicKeys
from jibu.adapters.broker.local import LocalBroker
from jibu.adapters.index.embedded import EmbeddedIndex
from jibu.adapters.store.sqlite import open_sqlite
from jibu.adapters.text.icu import IcuSegmenter
from jibu.adapters.text.language import LangidDetector
from jibu.domain.errors import NotFound
from jibu.domain.receipts import TYPE, statement
from jibu.testing.memory import HashEmbedder

HERE = Path(__file__).parent
MARK = "quaggaphant"
STEPS = 6
"""Steps of one erasure: see ``die_at``."""


def open_block(folder: Path) -> Ingestion:
    """Open everything in a folder."""
    embedder = HashEmbedder()
    block = Ingestion(
        records=open_sqlite(folder / "jibu.db"),
        index=EmbeddedIndex(folder / "index", embedder=embedder.name, dimension=embedder.dimension),
        embedder=embedder,
        parser=InProcess(),
        segmenter=IcuSegmenter(),
        detector=LangidDetector(),
        broker=LocalBroker(folder / "events.db"),
    )
    block.signer = BlockKey.in_folder(folder)
    return block


def close_block(block: Ingestion) -> None:
    """Close everything."""
    block.records.close()
    block.index.close()
    block.broker.close()  # type: ignore[attr-defined]


def die_at(block: Ingestion, step: int) -> None:
    """Kill this process at one of the steps: around the first commit, the index, and the second commit."""
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        if done == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(function: Any) -> Any:
        def call(*given: Any, **named: Any) -> Any:
            count()
            found = function(*given, **named)
            count()
            return found

        return call

    inner = block.records.write

    def write() -> Any:
        uow: Any = inner()
        uow.commit = around(uow.commit)
        return uow

    block.records.write = write  # type: ignore[method-assign, assignment]
    block.index.delete_document = around(block.index.delete_document)  # type: ignore[method-assign]


def erase(folder: Path, step: int) -> None:
    """Erase an individual, and die on the way. Runs in a process of its own."""
    block = open_block(folder)
    erasing = block.erasing()
    die_at(block, step)
    erasing.individual("portal", "amina")


@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_a_killed_erasure_is_whole_or_never_was(tmp_path: Path, step: int) -> None:
    """The first commit decides; what follows is made good by the relay."""
    block = open_block(tmp_path)
    block.collection()
    text = f"# Letter\n\nThe {MARK} allowance is 7 crowns.\n"
    document = block.receive(text, individual_id="amina", agreement_id="benefits").document_id
    block.relay().run_until_idle()
    close_block(block)
    script = (
        f"import sys; sys.path[:0] = [{str(HERE)!r}]; import test_crash_erase as t; from pathlib import Path;"
    )
    script += f"t.erase(Path({str(tmp_path)!r}), {step})"
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == -signal.SIGKILL, run.stderr

    block = open_block(tmp_path)
    try:
        block.sweep()
        if step == 1:
            with block.records.read() as uow:
                assert uow.documents.get(document).individual_id == "amina"
                assert uow.receipts.incomplete() == []
            assert block.index.passage_ids(document, 1)
            return
        with block.records.read() as uow:
            with pytest.raises(NotFound):
                uow.documents.get(document)
            assert uow.receipts.incomplete() == []
        assert block.index.passage_ids(document, 1) == set()
        assert [f for f in tmp_path.rglob("*") if f.is_file() and MARK.encode() in f.read_bytes()] == []
    finally:
        close_block(block)


def test_an_erasure_has_no_more_steps(tmp_path: Path) -> None:
    """One step later it has ended: every one was tried above; its receipt is signed by the block's own key."""
    block = open_block(tmp_path)
    block.collection()
    block.receive("# Letter\n\nSeven crowns.\n", individual_id="amina", agreement_id="benefits")
    block.relay().run_until_idle()
    erasing = block.erasing()
    die_at(block, STEPS + 1)
    receipt = erasing.individual("portal", "amina")
    said = PublicKeys(block.signer.jwks()).verify(str(receipt.signature), TYPE)
    close_block(block)
    assert said == statement(receipt)
