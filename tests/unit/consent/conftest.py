"""The consent building block over SQLite and PostgreSQL."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jibu.adapters.store.postgres import open_postgres
from jibu.adapters.store.sql import SqlRecords
from jibu.adapters.store.sqlite import open_sqlite
from jibu.testing.event_contract import check_event

sys.path.insert(0, str(Path(__file__).parents[3]))
sys.path.insert(0, str(Path(__file__).parent))
from block import Block
from tests.services import postgres


@pytest.fixture(params=["sqlite", "postgres"])
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlRecords]:
    """Return one of the record stores, with empty tables."""
    if request.param == "postgres":
        found = open_postgres(postgres.empty_database())
    else:
        found = open_sqlite(tmp_path / "jibu.db")
    yield found
    found.close()


@pytest.fixture
def block(records: SqlRecords, tmp_path: Path) -> Iterator[Block]:
    """Return the building block with a policy, an agreement and an individual with a key.

    At the end every event that was left is as the contract of events describes it.
    """
    yield Block(records, tmp_path)
    with records.read() as uow:
        left = uow.outbox.unpublished(limit=1000)
    assert left
    for event in left:
        check_event(event)
