"""A registry that runs and a block that may ask it."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from live_block import LiveBlock, prepared
from registry_stand_in import Registry, registering


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    """Return a running registry."""
    with registering() as found:
        yield found


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory, registry: Registry) -> Path:
    """Return a database to copy."""
    return prepared(tmp_path_factory.mktemp("prepared"), port=registry.port)


@pytest.fixture
def live_block(database: Path, tmp_path: Path, registry: Registry) -> Iterator[LiveBlock]:
    """Return the block; the registry is as new."""
    registry.forget()
    found = LiveBlock(database, tmp_path, registry)
    yield found
    found.records.close()


@pytest.fixture
def closed_port() -> Iterator[int]:
    """Return a port where nobody listens, taken while the test runs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
