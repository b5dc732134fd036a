"""The relay: leases, life signs, stopping, publishing."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import structlog
from ingestion import READER, Ingestion

from jibu.domain.documents import DocumentStatus
from jibu.domain.errors import Away, NotFound, Unavailable
from jibu.testing.faults import FaultyBroker, FaultyEmbedder, FaultyParser
from jibu.testing.records_samples import answer

LONG = "# All forms\n\n" + "\n\n".join(
    f"## Form {n}\n\n" + f"The fee for form {n} is {n * 50} shillings at office {n}. " * 12 for n in range(40)
)


@pytest.fixture
def said() -> Iterator[list[dict[str, object]]]:
    """What the relay logs."""
    with structlog.testing.capture_logs() as lines:
        yield lines


def test_events_are_published_in_order(block: Ingestion) -> None:
    """Each once in the log, in the order of the changes."""
    for number in range(3):
        block.receive(f"# T\n\nText {number}.\n", external_id="x")
    block.relay().run_until_idle()
    told = [event for _, event in block.broker.read()]  # type: ignore[attr-defined]
    versions = [(e.type.split(".")[2], dict(e.data)["version"]) for e in told if "document" in e.type]
    assert [v for kind, v in versions if kind == "received"] == [1, 2, 3]
    assert [v for kind, v in versions if kind == "indexed"] == [1, 2, 3]
    assert block.backlog().events == 0


def test_a_broker_that_is_away_costs_no_event(block: Ingestion) -> None:
    """Indexing goes on; the events come later, none lost, none twice."""

    def away(call: int) -> None:
        if call <= 2:
            raise Unavailable("away")

    inner = block.broker
    block.broker = FaultyBroker(inner, away)
    document = block.receive("# T\n\nText.\n")
    relay = block.relay()
    relay.run_until_idle()
    assert block.documents.get(READER, document.document_id).status is DocumentStatus.INDEXED
    deadline = time.monotonic() + 10
    while block.backlog().events and time.monotonic() < deadline:
        relay.run_until_idle()
        time.sleep(0.02)
    ids = [event.event_id for _, event in inner.read()]  # type: ignore[attr-defined]
    assert len(ids) == len(set(ids)) == 3


def test_it_stops_promptly_and_gives_the_job_back(block: Ingestion) -> None:
    """In the middle of a long document; the next relay goes on where it was."""
    stop = threading.Event()
    inner = block.embedder
    block.embedder = first = FaultyEmbedder(inner, lambda call: stop.set() if call == 2 else None)
    document = block.receive(LONG)
    runner = threading.Thread(target=block.relay().run_forever, args=(stop,))
    runner.start()
    runner.join(20)
    assert not runner.is_alive()
    held = block.index.info().passages
    assert held == 16
    with block.records.read() as uow:
        assert uow.outbox.due(at=block.clock())
    block.embedder = second = FaultyEmbedder(inner, lambda _: None)
    block.relay().run_until_idle()
    shown = block.documents.get(READER, document.document_id)
    assert shown.status is DocumentStatus.INDEXED
    assert len(second.texts) == shown.passages - held
    assert set(first.texts[:16]).isdisjoint(second.texts)


def test_it_shows_that_it_lives(block: Ingestion) -> None:
    """Before the first run nobody was seen; afterwards the time is recent."""
    assert block.backlog().relay_seen_at is None
    block.relay().run_until_idle()
    seen = block.backlog().relay_seen_at
    assert seen is not None
    assert (block.clock() - seen).total_seconds() < 10


def test_a_long_job_keeps_its_lease(block: Ingestion) -> None:
    """Parsing that outlasts the lease is not given to a second relay."""
    block.parser = slow = FaultyParser(block.parser, lambda _: time.sleep(3))
    block.receive("# T\n\nText.\n")
    relays = [block.relay(lease_s=1.5) for _ in range(2)]
    runners = [threading.Thread(target=relay.run_until_idle) for relay in relays]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join(30)
    assert slow.calls == 1
    assert block.index.info().passages == 1


def test_several_relays_share_the_work(block: Ingestion) -> None:
    """Each document is parsed and embedded once."""
    block.parser = parser = FaultyParser(block.parser, lambda _: None)
    block.embedder = embedder = FaultyEmbedder(block.embedder, lambda _: None)
    for number in range(8):
        block.receive(f"# Form {number}\n\nIt costs {number} shillings.\n")
    runners = [threading.Thread(target=block.relay().run_until_idle) for _ in range(3)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join(60)
    assert parser.calls == embedder.calls == 8
    assert block.index.info().passages == 8
    ids = [event.event_id for _, event in block.broker.read()]  # type: ignore[attr-defined]
    assert len(ids) == len(set(ids)) == 17


def test_a_job_that_kills_its_relay_is_parked(block: Ingestion) -> None:
    """Attempts count from the claim on, so that a crash counts as well."""
    document = block.receive("# T\n\nText.\n")
    for _ in range(3):
        with block.records.write() as uow:
            assert uow.outbox.claim_jobs(at=block.clock(), lease_s=0.0, limit=1)
            uow.commit()
    block.relay(max_attempts=3).run_until_idle()
    assert block.documents.get(READER, document.document_id).status is DocumentStatus.FAILED
    assert block.backlog().parked == 1


def test_a_server_that_is_away_costs_the_job_no_attempt(
    block: Ingestion, said: list[dict[str, object]]
) -> None:
    """However often it is tried in vain, the document waits and is indexed when the server is back."""

    def away(call: int) -> None:
        if call <= 5:
            raise Away("the model's server does not answer")

    block.embedder = FaultyEmbedder(block.embedder, away)
    document = block.receive("# T\n\nText.\n")
    block.relay(max_attempts=2).run_until_idle()
    assert block.documents.get(READER, document.document_id).status is DocumentStatus.INDEXED
    assert [line["event"] for line in said].count("a server is away") == 5


def test_other_jobs_wait_with_the_one_that_met_an_absent_server(block: Ingestion) -> None:
    """Not every document in the queue has to find out by itself."""

    def away(call: int) -> None:
        if call <= 2:
            raise Away("the model's server does not answer")

    block.embedder = gone = FaultyEmbedder(block.embedder, away)
    for number in range(10):
        block.receive(f"# Form {number}\n\nIt costs {number} shillings.\n")
    block.relay(max_attempts=1).run_until_idle()
    assert (gone.calls, block.backlog().parked, block.index.info().passages) == (12, 0, 10)


def test_logs_hold_no_word_of_a_document(block: Ingestion, said: list[dict[str, object]]) -> None:
    """Not from errors either, whose text may quote it."""

    def quote(_: int) -> None:
        raise ValueError("zebra")

    block.parser = FaultyParser(block.parser, quote)
    block.receive("# Zebra\n\nText.\n", filename="zebra.md")
    block.relay(max_attempts=2).run_until_idle()
    assert said
    assert "zebra" not in str(said).lower()
    assert any(line.get("error") == "ValueError" for line in said)
    assert logging.getLogger("jibu").handlers == []


def test_old_answers_are_forgotten(block: Ingestion) -> None:
    """Once they are older than they may be kept; younger ones stay."""
    with block.records.write() as uow:
        for name, days in (("old", 31), ("young", 29)):
            made = replace(answer(name), citations=(), created_at=block.clock() - timedelta(days=days))
            uow.conversations.save_answer(made, owner="a|b", question_sha256="0" * 64)
        uow.commit()
    block.relay().run_until_idle()
    with block.records.read() as uow:
        assert uow.conversations.answer("young")[1] == "a|b"
        with pytest.raises(NotFound):
            uow.conversations.answer("old")
