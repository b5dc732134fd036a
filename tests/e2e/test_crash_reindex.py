"""A real build of another index, killed again and again: the live one answers on, the last run swaps."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jibu.adapters.store.sqlite import open_sqlite
from jibu.domain.generations import PENDING, GenerationState

SCRIPT = Path(__file__).parent / "reindex_process.py"
sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "usecases"))
from generations import Library  # noqa: E402

KILLS = 5
LEASE_S = 31.0


def build(folder: Path, ahead: float) -> subprocess.Popen[str]:
    """Start a build whose clock is ahead, so that the lease of the one that was killed has run out."""
    command = [sys.executable, str(SCRIPT), str(folder), "large", str(ahead)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.slow
def test_killing_a_build_at_any_moment_loses_nothing(tmp_path: Path) -> None:
    """Documents come and change meanwhile; all of them are found before, between and after."""
    chance = random.Random(7)  # noqa: S311
    records = open_sqlite(tmp_path / "jibu.db")
    library = Library(tmp_path, records)
    library.load(*[f"law{n}" for n in range(20)])
    seen = set()
    for kill in range(KILLS):
        process = build(tmp_path, kill * LEASE_S)
        time.sleep(chance.uniform(0.0, 0.4))
        library.receive(f"new{kill}", 1)
        library.receive("law1", kill + 2)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        library.relay().run_until_idle()
        assert library.lost() == []
        seen |= {state for _, _, state in library.states()}
    assert seen & PENDING, "no build was killed under way"
    process = build(tmp_path, KILLS * LEASE_S)
    assert process.communicate(timeout=120)[0].endswith("swapped\n")
    assert process.returncode == 0
    live = [choice for _, choice, state in library.states() if state is GenerationState.LIVE]
    assert live == ["large"]
    assert library.lost() == []
    library.close()
    records.close()
