"""Retrying what was given up, in PostgreSQL, while somebody else changes what it is about."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from jibu.adapters.store.postgres import open_postgres
from jibu.adapters.store.sql import SqlRecords
from jibu.domain.consent.values import Delivery, Schema, Webhook
from jibu.domain.errors import Conflict
from jibu.domain.parked import Kind
from jibu.testing.records_pubsub import POLICE, at, furnish, publish, subscribe
from jibu.testing.records_samples import NOW, event
from jibu.usecases.consent.noting import Actor, Noting
from jibu.usecases.parking import OPERATOR, Parking, Retried

sys.path.insert(0, str(Path(__file__).parents[2]))  # the helpers beside the tests

from tests.services import postgres


@pytest.fixture
def records() -> Iterator[SqlRecords]:
    """A database with empty tables."""
    found = open_postgres(postgres.empty_database())
    yield found
    found.close()


def waits(records: SqlRecords, work: Future[None] | Future[Retried]) -> None:
    """Return as soon as another transaction waits for one, or the work is done."""
    query = "SELECT 1 FROM pg_locks WHERE NOT granted"
    seen: list[object] = []
    while not seen and not work.done():
        records.look(lambda connection: seen.extend(connection.execute(text(query)).scalars()))
        time.sleep(0.01)


def test_a_push_is_not_tried_again_while_its_event_is_being_stopped(records: SqlRecords) -> None:
    """Who retries waits for who stops, and sees that it ended."""
    furnish(records)
    pushed = subscribe(records, POLICE)
    [one] = publish(records)
    name = f"{pushed.subscription_id}~{one.event_id}"
    with records.write() as uow:
        assert uow.pubsub.expire(at=at(pushed.ttl_s + 1), limit=9) == 1
        uow.commit()
    parking = Parking(records=records, clock=lambda: NOW)
    with ThreadPoolExecutor(1) as pool, records.write() as stopping:
        stopping.pubsub.stop(one.event_id, at=NOW)
        retrying = pool.submit(parking.retry, OPERATOR, Kind.PUSH, name)
        waits(records, retrying)
        stopping.commit()
        with pytest.raises(Conflict):
            retrying.result(20)


def test_retrying_for_several_webhooks_never_waits_in_a_circle(records: SqlRecords) -> None:
    """Who has the turn of a webhook and goes on to the audit log meets nobody who has that and wants the webhook."""
    with records.write() as uow:
        for n in (1, 2):
            uow.webhooks.put(Webhook(f"w{n}", "https://example.org/", "application/json", "s"), at=NOW)
            dead = Delivery(f"d{n}", f"w{n}", "{}", NOW, 8, dead=True, error="HTTP status 500")
            uow.webhooks.leave(dead)
            uow.webhooks.failed(dead)
        uow.commit()
    parking = Parking(records=records, clock=lambda: NOW)
    with ThreadPoolExecutor(1) as pool, records.write() as changing:
        changing.outbox.enqueue("webhook", "w2", 0, at=NOW)
        retrying = pool.submit(parking.retry_all, OPERATOR, Kind.WEBHOOK)
        waits(records, retrying)
        Noting(changing, Actor("desk"), NOW).note("policy.created", Schema.POLICY, "p1")
        changing.commit()
        assert retrying.result(20) == Retried(2, 0)


def test_what_somebody_else_drops_meanwhile_does_not_keep_the_others(records: SqlRecords) -> None:
    """It is neither retried nor left."""
    with records.write() as uow:
        for n in (1, 2):
            uow.outbox.emit(event(n, key=f"k{n}"))
            uow.outbox.hold(event(n, key=f"k{n}"), at=NOW, delay_s=0, reason="too-large", park=True)
        uow.commit()
    parking = Parking(records=records, clock=lambda: NOW)
    with ThreadPoolExecutor(1) as pool, records.write() as dropping:
        dropping.parked.drop(Kind.EVENT, "e1")
        retrying = pool.submit(parking.retry_all, OPERATOR, Kind.EVENT)
        waits(records, retrying)
        dropping.commit()
        assert retrying.result(20) == Retried(1, 0)
    with records.read() as uow:
        assert [one.event_id for one in uow.outbox.publishable(at=NOW, limit=9)] == ["e2"]
