"""The local broker against its contract, and what only it does."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jibu.adapters.broker.local import LocalBroker
from jibu.domain.errors import Misconfigured
from jibu.testing.broker_contract import BrokerContract, Consume
from jibu.testing.records_samples import event

KEPT = 2100


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[LocalBroker]:
    """A new log."""
    found = LocalBroker(tmp_path / "sub" / "events.db", kept=KEPT)
    yield found
    found.close()


@pytest.fixture
def rival(broker: LocalBroker, tmp_path: Path) -> Iterator[LocalBroker]:
    """Another opening of the same log."""
    found = LocalBroker(tmp_path / "sub" / "events.db", kept=KEPT)
    yield found
    found.close()


@pytest.fixture
def consume(broker: LocalBroker) -> Consume:
    """Read the whole log."""
    return lambda: [found for _, found in broker.read(limit=10_000)]


class TestLocalBroker(BrokerContract):
    """The contract."""

    def test_it_stores_an_event_once(self, broker: LocalBroker) -> None:
        """An id that is there already is passed over."""
        broker.publish([event(1)])
        broker.publish([event(1), event(2)])
        assert [found for _, found in broker.read()] == [event(1), event(2)]

    def test_reading_goes_on_behind_a_position(self, broker: LocalBroker) -> None:
        """Page by page, without gaps."""
        broker.publish([event(number) for number in range(5)])
        first = broker.read(limit=2)
        rest = broker.read(after=first[-1][0])
        assert [e.event_id for _, e in first + rest] == ["e0", "e1", "e2", "e3", "e4"]
        assert broker.read(after=rest[-1][0]) == []

    def test_it_keeps_only_the_newest(self, broker: LocalBroker) -> None:
        """The log does not grow for ever."""
        broker.publish([event(number) for number in range(KEPT + 50)])
        assert [e.event_id for _, e in broker.read(limit=1)] == ["e50"]

    def test_several_writers_share_one_file(self, broker: LocalBroker, tmp_path: Path) -> None:
        """Threads and a second opening lose nothing."""
        other = LocalBroker(tmp_path / "sub" / "events.db")
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda n: (broker, other)[n % 2].publish([event(n)]), range(40)))
        other.close()
        assert {e.event_id for _, e in broker.read(limit=99)} == {f"e{n}" for n in range(40)}

    def test_a_damaged_log_is_named(self, tmp_path: Path) -> None:
        """It is not taken for a fault that passes."""
        path = tmp_path / "events.db"
        path.write_bytes(b"this is no database" * 100)
        with pytest.raises(Misconfigured):
            LocalBroker(path)
