"""Publishing: refused events, their keys, and what operators do about them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ingestion import MovingClock
from sqlalchemy import text

from jibu.adapters.broker.local import LocalBroker
from jibu.adapters.store.sql import SqlRecords
from jibu.adapters.store.sqlite import open_sqlite
from jibu.cli import cli
from jibu.domain.errors import Misconfigured, NotFound, Unavailable
from jibu.domain.events import Event
from jibu.domain.parked import Kind
from jibu.ports import Broker, Hold, Refusal
from jibu.testing.faults import FaultyBroker
from jibu.testing.records_pubsub import POLICE, at, furnish, publish, subscribe
from jibu.testing.records_samples import NOW, event
from jibu.usecases.parking import OPERATOR, Parking, Retried
from jibu.usecases.publishing import AT_ONCE, Publisher

Make = Callable[..., Publisher]


class Choosy:
    """A broker that refuses some events, and everything behind them on their keys, as the port says."""

    def __init__(self, inner: LocalBroker, refuses: set[str]) -> None:
        self._inner = inner
        self.refuses = refuses

    def publish(self, events: Sequence[Event]) -> list[Refusal]:
        """Store what is not refused."""
        refused: list[Refusal] = []
        stuck: set[str] = set()
        for found in events:
            if found.key not in stuck and found.event_id in self.refuses:
                refused.append(Refusal(found.event_id, "too-large"))
                stuck.add(found.key)
            elif found.key not in stuck:
                self._inner.publish([found])
        return refused

    def ping(self) -> None:
        """As the inner one."""
        self._inner.ping()

    def seen(self) -> list[str]:
        """Return the ids that arrived, in order."""
        return [found.event_id for _, found in self._inner.read(limit=10_000)]


@pytest.fixture
def records(tmp_path: Path) -> Iterator[SqlRecords]:
    """An empty store."""
    found = open_sqlite(tmp_path / "jibu.db")
    yield found
    found.close()


@pytest.fixture
def choosy(tmp_path: Path) -> Iterator[Choosy]:
    """A broker that refuses e1 and e4."""
    log = LocalBroker(tmp_path / "events.db")
    yield Choosy(log, {"e1", "e4"})
    log.close()


@pytest.fixture
def clock() -> MovingClock:
    """A clock that tests move."""
    return MovingClock()


@pytest.fixture
def publisher(records: SqlRecords, choosy: Choosy, clock: MovingClock) -> Make:
    """Make a relay's publisher."""

    def make(broker: Broker = choosy, *, holder: str = "r1", lease_s: float = 15.0) -> Publisher:
        return Publisher(
            records=records, broker=broker, clock=clock, holder=holder, max_attempts=3, lease_s=lease_s
        )

    return make


def emit(records: SqlRecords, *events: Event) -> None:
    """Leave events."""
    with records.write() as uow:
        for found in events:
            uow.outbox.emit(found)
        uow.commit()


def held(records: SqlRecords) -> list[Hold]:
    """Return what is held up."""
    with records.read() as uow:
        return uow.outbox.holds()


def test_a_refused_event_holds_up_its_key_until_somebody_decides(
    records: SqlRecords, choosy: Choosy, publisher: Make, clock: MovingClock
) -> None:
    """Others go on; it is tried again, then parked; released or discarded its key goes on in order."""
    emit(records, *(event(number, key=f"d{number % 3}") for number in range(9)))
    parking = Parking(records=records, clock=clock)
    work = publisher()
    for tried in (1, 2, 3):
        while work.turn():
            pass
        assert [(h.event_id, h.attempts, h.parked) for h in held(records)] == [("e1", tried, tried == 3)]
        clock.advance(700)
    assert choosy.seen() == ["e0", "e2", "e3", "e5", "e6", "e8"]
    choosy.refuses.remove("e1")
    assert not work.turn()
    parking.retry(OPERATOR, Kind.EVENT, "e1")
    while work.turn():
        pass
    assert choosy.seen()[6:] == ["e1"]
    assert [(h.event_id, h.attempts, h.reason) for h in held(records)] == [("e4", 1, "too-large")]
    parking.drop(OPERATOR, Kind.EVENT, "e4")
    with pytest.raises(NotFound):
        parking.drop(OPERATOR, Kind.EVENT, "e4")
    while work.turn():
        pass
    assert choosy.seen()[7:] == ["e7"]
    with records.read() as uow:
        assert uow.outbox.backlog(at=clock()).events == 0


def test_the_command_lists_retries_and_drops(
    records: SqlRecords, publisher: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dropping asks first; what is not there is said; all can be retried at once."""
    monkeypatch.setenv("JIBU_DATA_DIR", str(tmp_path))
    emit(records, event(1, key="d1"), event(4, key="d4"))
    publisher().turn()

    def run(*words: str, answer: str = "") -> str:
        return CliRunner().invoke(cli, ["events", *words], input=answer).output

    line = "e1  jibu.document.indexed.v1  d1  too-large  tried 1 times  tried again by itself  0 behind it"
    assert line in run("parked")
    assert "1 more" in run("parked", "--limit", "1")
    assert "e1" not in run("parked", "--key", "d4")
    run("retry", "e1")
    assert "e1" not in run("parked")
    assert "Drop it?" in run("drop", "e4", answer="n\n")
    assert "e4" in run("parked")
    run("drop", "e4", "--yes")
    assert run("parked") == "nothing of kind event is parked\n"
    assert "either" in run("retry", "e4", "--all")
    assert "either" in run("retry")
    assert CliRunner().invoke(cli, ["events", "retry", "e4"]).exception is not None
    emit(records, event(9, key="d9"))
    with records.write() as uow:
        uow.outbox.hold(event(9, key="d9"), at=event(9).time, delay_s=0, reason="too-large", park=True)
        uow.commit()
    assert "1 tried again, 0 left" in run("retry", "--all")
    for kind in ("push", "webhook", "message"):
        assert run("parked", "--kind", kind) == f"nothing of kind {kind} is parked\n"


def test_retrying_all_ends_where_the_broker_refuses_all_at_once(
    records: SqlRecords, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is tried once; a trigger holds each again in the moment it is let go, and gives up on whoever goes on."""
    monkeypatch.setenv("JIBU_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("jibu.usecases.parking.AT_ONCE", 2)
    emit(records, *(event(number, key=f"d{number}") for number in range(5)))
    with records.write() as uow:
        for number in range(5):
            uow.outbox.hold(event(number, key=f"d{number}"), at=NOW, delay_s=0, reason="x", park=True)
        uow.commit()
    again = """
        CREATE TRIGGER again AFTER DELETE ON event_holds BEGIN
            INSERT INTO event_holds (key, event_id, attempts, due_at, parked, reason)
            VALUES (OLD.key, OLD.event_id, OLD.attempts + 1, OLD.due_at, 1, 'x');
            SELECT RAISE(ABORT, 'tried again and again') WHERE OLD.attempts > 5;
        END"""
    records.look(lambda connection: connection.execute(text(again)))
    found = CliRunner().invoke(cli, ["events", "retry", "--all"])
    assert found.stdout == "5 tried again, 0 left\n"
    assert [hold.attempts for hold in held(records)] == [2] * 5


def test_what_cannot_be_tried_again_does_not_keep_the_others(
    records: SqlRecords, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many stand in front; the command says how many it passed over."""
    monkeypatch.setenv("JIBU_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("jibu.usecases.parking.AT_ONCE", 2)
    furnish(records)
    pushed = subscribe(records, POLICE)
    publish(records, 7)
    late = at(pushed.ttl_s + 1)
    with records.write() as uow:
        assert uow.pubsub.expire(at=late, limit=9) == 7
        for one in uow.parked.page(Kind.PUSH, offset=0, limit=5).items:
            uow.pubsub.stop(one.item_id.partition("~")[2], at=late)
        uow.commit()
    parking = Parking(records=records, clock=lambda: late)
    assert parking.retry_all(OPERATOR, Kind.PUSH) == Retried(1, 6)
    found = CliRunner().invoke(cli, ["events", "retry", "--kind", "push", "--all"])
    assert found.stdout == "1 tried again, 5 left\n"
    assert found.stderr.splitlines()[-1] == "5 skipped: they cannot be tried again"


def test_one_relay_publishes_and_keeps_its_lease_through_a_long_call(
    records: SqlRecords, choosy: Choosy, publisher: Make, clock: MovingClock
) -> None:
    """However long the call takes, as long as the relay lives; a dead one is followed by the next."""
    emit(records, event(0), event(2))
    inside, go_on = threading.Event(), threading.Event()

    def slow(_: int) -> None:
        inside.set()
        assert go_on.wait(20)

    first, second = publisher(FaultyBroker(choosy, slow)), publisher(holder="r2")
    thread = threading.Thread(target=first.turn)
    thread.start()
    assert inside.wait(20)
    for _ in range(5):
        clock.advance(10)
        first.keep()
        assert not second.turn()
    go_on.set()
    thread.join(20)
    assert choosy.seen() == ["e0", "e2"]
    clock.advance(16)
    first.keep()  # it has nothing under way, so it keeps nothing
    emit(records, event(3))
    assert second.turn()
    second.leave()
    emit(records, event(5))
    assert first.turn()
    assert choosy.seen() == ["e0", "e2", "e3", "e5"]


@pytest.mark.parametrize("error", [Unavailable("away"), Misconfigured("no topic")], ids=lambda e: e.code)
def test_a_broker_that_is_away_is_asked_less_and_less(
    records: SqlRecords, choosy: Choosy, publisher: Make, error: Exception
) -> None:
    """Nothing is held up or lost; nothing is asked again at once."""

    def away(_: int) -> None:
        raise error

    broker = FaultyBroker(choosy, away)
    work = publisher(broker)
    emit(records, event(0))
    assert not work.turn()
    assert work.broker_away
    assert not work.turn()
    assert broker.calls == 1
    assert held(records) == []


def test_many_events_leave_in_several_calls(records: SqlRecords, choosy: Choosy, publisher: Make) -> None:
    """Each call is of bounded size."""
    emit(records, *(event(10 + number) for number in range(AT_ONCE + 1)))
    broker = FaultyBroker(choosy, lambda _: None)
    work = publisher(broker)
    while work.turn():
        pass
    assert broker.calls == 2
    assert len(choosy.seen()) == AT_ONCE + 1


@given(
    keys=st.lists(st.integers(0, 3), min_size=1, max_size=30),
    refused=st.sets(st.integers(0, 29), max_size=6),
    commits=st.sets(st.integers(0, 29)),
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_order_and_wholeness_hold_whatever_is_refused(
    tmp_path_factory: pytest.TempPathFactory, keys: list[int], refused: set[int], commits: set[int]
) -> None:
    """Of each key: exactly the events in front of its first refused one, in order; none that was rolled back."""
    folder = tmp_path_factory.mktemp("x")
    records, log = open_sqlite(folder / "jibu.db"), LocalBroker(folder / "events.db")
    choosy = Choosy(log, {f"e{number}" for number in refused})
    for number, key in enumerate(keys):
        with records.write() as uow:
            uow.outbox.emit(event(number, key=f"d{key}"))
            if number in commits:
                uow.commit()
    work = Publisher(records=records, broker=choosy, clock=MovingClock(), holder="r")
    deadline = time.monotonic() + 20
    while work.turn() and time.monotonic() < deadline:
        pass
    seen = choosy.seen()
    for key in range(4):
        mine = [n for n, k in enumerate(keys) if k == key and n in commits]
        first = next((i for i, n in enumerate(mine) if n in refused), len(mine))
        assert [e for e in seen if int(e[1:]) in mine] == [f"e{n}" for n in mine[:first]]
    assert len(seen) == len(set(seen))
    log.close()
    records.close()
