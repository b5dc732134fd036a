"""Contract cases: jobs, events and leases."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from jibu.domain.errors import NotFound
from jibu.domain.events import Job
from jibu.ports import Records
from jibu.testing.records_samples import NOW, event


def at(seconds: float) -> datetime:
    """Return a time that many seconds after the start."""
    return NOW + timedelta(seconds=seconds)


def enqueue(records: Records, kind: str, key: str, version: int = 1, delay_s: float = 0.0) -> None:
    """Leave a job at second 0."""
    with records.write() as uow:
        uow.outbox.enqueue(kind, key, version, at=NOW, delay_s=delay_s)
        uow.commit()


def claim(records: Records, seconds: float = 0.0, limit: int = 9, kinds: tuple[str, ...] = ()) -> list[Job]:
    """Lease due jobs for ten seconds."""
    with records.write() as uow:
        jobs = uow.outbox.claim_jobs(at=at(seconds), lease_s=10, limit=limit, kinds=kinds)
        uow.commit()
    return jobs


def waiting(records: Records, seconds: float) -> list[str]:
    """Return the ids of events that may be published."""
    with records.read() as uow:
        return [e.event_id for e in uow.outbox.publishable(at=at(seconds), limit=99)]


class OutboxCases:
    """What waits for the relay."""

    def test_a_job_waits_once_and_until_it_is_due(self, records: Records) -> None:
        """Oldest first; the same kind, key and version is one job; a delay is kept."""
        enqueue(records, "index", "d1")
        enqueue(records, "index", "d1")
        enqueue(records, "sweep", "d2", delay_s=60)
        enqueue(records, "index", "d3")
        jobs = claim(records)
        assert [(j.kind, j.key, j.version, j.attempts) for j in jobs] == [
            ("index", "d1", 1, 1),
            ("index", "d3", 1, 1),
        ]
        assert jobs[0].created_at == NOW
        assert [j.key for j in claim(records, 60, kinds=("sweep",))] == ["d2"]

    def test_looking_for_due_jobs_takes_none(self, records: Records) -> None:
        """``due`` only looks."""
        enqueue(records, "index", "d1", delay_s=5)
        with records.read() as uow:
            assert uow.outbox.due(at=at(4)) is False
            assert uow.outbox.due(at=at(5)) is True
        claim(records, 5)
        with records.read() as uow:
            assert uow.outbox.due(at=at(5)) is False

    def test_kinds_narrow_a_claim(self, records: Records) -> None:
        """Other kinds stay."""
        enqueue(records, "index", "d1")
        enqueue(records, "erase", "d2")
        assert [j.kind for j in claim(records, kinds=("erase", "sweep"))] == ["erase"]

    def test_a_leased_job_is_nobody_elses_until_the_lease_runs_out(self, records: Records) -> None:
        """Then the next relay has it, and the first one's word counts no more."""
        enqueue(records, "index", "d1")
        [first] = claim(records)
        assert claim(records, 9) == []
        [second] = claim(records, 10)
        assert (second.job_id, second.attempts) == (first.job_id, 2)
        with records.write() as uow:
            assert uow.outbox.extend(first, at=at(10), lease_s=10) is False
            assert uow.outbox.finish(first) is False
            uow.outbox.retry(first, at=at(10), delay_s=0, error="x", park=True)
            assert uow.outbox.extend(second, at=at(19), lease_s=10) is True
            uow.commit()
        assert claim(records, 28) == []
        with records.write() as uow:
            assert uow.outbox.finish(second) is True
            assert uow.outbox.finish(second) is False
            uow.commit()
        assert claim(records, 100) == []

    def test_one_key_is_worked_on_once_at_a_time(self, records: Records) -> None:
        """Another job of a leased key waits; other keys do not."""
        enqueue(records, "index", "d1", 1)
        [first] = claim(records, limit=1)
        enqueue(records, "sweep", "d1", 1)
        enqueue(records, "index", "d2", 1)
        assert [j.key for j in claim(records, 1)] == ["d2"]
        with records.write() as uow:
            uow.outbox.finish(first)
            uow.commit()
        assert [(j.kind, j.key) for j in claim(records, 2)] == [("sweep", "d1")]

    def test_a_job_given_back_comes_again_later(self, records: Records) -> None:
        """Attempts are counted, except where the job was not at fault."""
        enqueue(records, "index", "d1")
        for seconds, attempts, counted in ((100, 1, True), (200, 2, False), (300, 2, True)):
            [job] = claim(records, seconds)
            assert job.attempts == attempts
            with records.write() as uow:
                uow.outbox.retry(job, at=at(seconds), delay_s=30, error="busy", park=False, counted=counted)
                uow.commit()
            assert claim(records, seconds + 29) == []

    def test_a_parked_job_rests_until_it_is_left_again(self, records: Records) -> None:
        """It shows in the backlog; leaving it again wakes it with its attempts forgotten."""
        enqueue(records, "index", "d1")
        [job] = claim(records)
        with records.write() as uow:
            uow.outbox.retry(job, at=NOW, delay_s=0, error="unavailable", park=True)
            uow.commit()
        assert claim(records, 1000) == []
        with records.read() as uow:
            backlog = uow.outbox.backlog(at=at(1000))
        assert (backlog.jobs, backlog.parked) == (0, 1)
        enqueue(records, "index", "d1")
        assert [j.attempts for j in claim(records)] == [1]

    def test_events_are_published_in_order_and_once_marked_are_gone(self, records: Records) -> None:
        """Every field survives."""
        with records.write() as uow:
            for number in range(5):
                uow.outbox.emit(event(number))
            uow.commit()
        with records.write() as uow:
            assert uow.outbox.unpublished(limit=3) == [event(0), event(1), event(2)]
            uow.outbox.mark_published(["e0", "e1", "unknown"])
            uow.commit()
        with records.read() as uow:
            assert [e.event_id for e in uow.outbox.unpublished(limit=9)] == ["e2", "e3", "e4"]
            assert uow.outbox.backlog(at=NOW).events == 3

    def test_a_refused_event_holds_up_its_key_alone(self, records: Records) -> None:
        """For a while, then it comes again; published, it is forgotten."""
        with records.write() as uow:
            for number in range(6):
                uow.outbox.emit(event(number, key=f"d{number % 2}"))
            uow.outbox.hold(event(0, key="d0"), at=NOW, delay_s=10, reason="too-large", park=False)
            uow.commit()
        assert waiting(records, 9) == ["e1", "e3", "e5"]
        assert waiting(records, 10) == ["e0", "e1", "e2", "e3", "e4", "e5"]
        with records.write() as uow:
            uow.outbox.hold(event(0, key="d0"), at=at(10), delay_s=10, reason="too-large", park=False)
            [hold] = uow.outbox.holds()
            assert (hold.event_id, hold.key, hold.attempts, hold.reason) == ("e0", "d0", 2, "too-large")
            assert (hold.due_at, hold.parked, hold.type) == (at(20), False, event(0).type)
            uow.outbox.mark_published(["e0", "e1"])
            uow.commit()
        assert waiting(records, 11) == ["e2", "e3", "e4", "e5"]
        with records.read() as uow:
            assert uow.outbox.holds() == []

    def test_a_parked_event_waits_for_somebody_to_decide(self, records: Records) -> None:
        """Released it comes again as if for the first time; discarded it is gone, and those behind it go on."""
        with records.write() as uow:
            for number in range(4):
                uow.outbox.emit(event(number, key=f"d{number % 2}"))
            for number in (0, 1):
                held = event(number, key=f"d{number}")
                uow.outbox.hold(held, at=NOW, delay_s=0, reason="rejected", park=True)
            uow.commit()
        assert waiting(records, 10_000) == []
        with records.read() as uow:
            backlog = uow.outbox.backlog(at=at(30))
        assert (backlog.events, backlog.held, backlog.parked_events) == (4, 2, 2)
        with records.write() as uow:
            uow.outbox.release("e0")
            assert uow.outbox.discard("e1") == event(1, key="d1")
            for unknown in ("e0", "e1", "e3"):
                with pytest.raises(NotFound):
                    uow.outbox.release(unknown)
                with pytest.raises(NotFound):
                    uow.outbox.discard(unknown)
            uow.commit()
        assert waiting(records, 0) == ["e0", "e2", "e3"]

    def test_an_event_that_was_dropped_while_it_was_tried_again_holds_nothing_up(
        self, records: Records
    ) -> None:
        """The relay had it under way: what the broker says of it then has no meaning for those behind it."""
        with records.write() as uow:
            for number in range(2):
                uow.outbox.emit(event(number, key="d"))
            uow.outbox.hold(event(0, key="d"), at=NOW, delay_s=0, reason="rejected", park=False)
            uow.outbox.discard("e0")
            uow.outbox.hold(event(0, key="d"), at=NOW, delay_s=0, reason="rejected", park=True)
            uow.outbox.hold(event(1, key="d"), at=NOW, delay_s=0, reason="rejected", park=False)
            [hold] = uow.outbox.holds()
            assert (hold.event_id, hold.attempts) == ("e1", 1)
            uow.commit()
        assert waiting(records, 0) == ["e1"]

    def test_the_backlog_tells_the_age_of_the_oldest_event(self, records: Records) -> None:
        """Nothing waits: no age."""
        with records.write() as uow:
            assert uow.outbox.backlog(at=at(60)).oldest_event_age_s == 0.0
            uow.outbox.emit(event(1))
            assert uow.outbox.backlog(at=at(60)).oldest_event_age_s == 60.0

    def test_nothing_is_told_of_a_change_that_was_undone(self, records: Records) -> None:
        """The event is in the transaction of the change."""
        with records.write() as uow:
            uow.outbox.emit(event(1))
        assert waiting(records, 0) == []

    def test_a_named_lease_has_one_holder(self, records: Records) -> None:
        """It is prolonged by its holder and free once it ran out or was let go."""
        with records.write() as uow:
            o = uow.outbox
            assert o.lead("publisher", "r1", at=at(0), lease_s=10) is True
            assert o.lead("publisher", "r2", at=at(9), lease_s=10) is False
            assert o.lead("publisher", "r1", at=at(9), lease_s=10) is True
            assert o.lead("publisher", "r2", at=at(18), lease_s=10) is False
            assert o.lead("publisher", "r2", at=at(19), lease_s=10) is True
            assert o.lead("publisher", "r2", at=at(19), lease_s=0) is True
            assert o.lead("publisher", "r1", at=at(19), lease_s=10) is True

    def test_the_backlog_tells_age_and_life(self, records: Records) -> None:
        """Due, running and retried jobs count, those put off for their first run do not."""
        with records.read() as uow:
            empty = uow.outbox.backlog(at=NOW)
        assert (empty.jobs, empty.parked, empty.events, empty.oldest_job_age_s) == (0, 0, 0, 0.0)
        assert empty.relay_seen_at is None
        enqueue(records, "index", "d1")
        enqueue(records, "sweep", "d1", delay_s=60)
        [job] = claim(records, 5)
        with records.write() as uow:
            uow.outbox.retry(job, at=at(5), delay_s=600, error="x", park=False)
            uow.outbox.beat("r1", at=at(3))
            uow.outbox.beat("r2", at=at(7))
            uow.outbox.beat("r1", at=at(6))
            uow.commit()
        with records.read() as uow:
            backlog = uow.outbox.backlog(at=at(10))
        assert (backlog.jobs, backlog.relay_seen_at) == (1, at(7))
        enqueue(records, "index", "d2")
        with records.read() as uow:
            assert uow.outbox.backlog(at=at(30)).oldest_job_age_s == 30.0
