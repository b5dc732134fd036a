"""Pub/Sub over a real store, with a clock that tests move and subscribers on loopback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3]))
sys.path.insert(0, str(Path(__file__).parent))

from rooms_block import Block


@pytest.fixture
def block(tmp_path: Path) -> Iterator[Block]:
    """Pub/Sub with one room and one event type."""
    found = Block(tmp_path)
    found.furnish()
    yield found
    found.close()
