"""Contract cases: transactions, threads and processes."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress

import pytest

from jibu.domain.errors import NotFound
from jibu.ports import Records
from jibu.testing.records_outbox import at, enqueue
from jibu.testing.records_samples import collection, receive, whole

OpenRecords = Callable[[], Records]


class TransactionCases:
    """All or nothing, one snapshot, many at once."""

    def test_leaving_without_commit_keeps_nothing(self, records: Records) -> None:
        """Not by falling out of the block and not by an error."""
        with records.write() as uow:
            uow.collections.put(collection())
        with suppress(ZeroDivisionError), records.write() as uow:
            uow.collections.put(collection())
            raise ZeroDivisionError
        with records.read() as uow:
            assert uow.collections.all() == []

    def test_a_unit_of_work_ends_with_its_block(self, records: Records) -> None:
        """Using it afterwards is a mistake that shows."""
        with records.read() as uow:
            pass
        with pytest.raises(RuntimeError):
            _ = uow.documents

    def test_a_reader_keeps_its_snapshot(self, records: Records) -> None:
        """What is committed meanwhile is seen by the next reader."""
        whole(records, "d1", b"one")
        with records.read() as uow:
            before = uow.documents.get("d1")
            whole(records, "d1", b"two")
            assert uow.documents.get("d1") == before
            assert uow.documents.epoch() == 1
        with records.read() as uow:
            assert uow.documents.get("d1").live_version == 2

    def test_writers_take_turns(self, records: Records) -> None:
        """Threads that read, add and write lose nothing."""
        with records.write() as uow:
            uow.collections.put(collection(title="0"))
            uow.commit()

        def add(_: int) -> None:
            with records.write() as uow:
                title = int(uow.collections.get("travel").title)
                uow.collections.put(collection(title=str(title + 1)))
                uow.commit()

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(add, range(40)))
        with records.read() as uow:
            assert uow.collections.get("travel").title == "40"

    def test_many_readers_read_at_once(self, records: Records) -> None:
        """Thirty open snapshots and a writer do not wait for each other."""
        receive(records, "d1")
        ready, go = threading.Barrier(31), threading.Event()

        def read(_: int) -> int:
            with records.read() as uow:
                uow.documents.get("d1")
                ready.wait(20)
                go.wait(20)
                return uow.documents.get("d1").version

        with ThreadPoolExecutor(30) as pool:
            versions = pool.map(read, range(30))
            ready.wait(20)
            receive(records, "d1", b"two")
            go.set()
            assert set(versions) == {1}

    def test_processes_lose_no_update_and_share_no_job(
        self, records: Records, open_records: OpenRecords
    ) -> None:
        """Three processes count together and claim jobs; each job goes to exactly one of them."""
        with records.write() as uow:
            uow.collections.put(collection(title="0"))
            uow.commit()
        for number in range(24):
            enqueue(records, "index", f"d{number}")
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(3, mp_context=spawn) as pool:
            runs = [pool.submit(work_in_process, open_records, 10) for _ in range(3)]
            claimed = [job for run in runs for job in run.result()]
        assert len(claimed) == len(set(claimed)) == 24
        with records.read() as uow:
            assert uow.collections.get("travel").title == "30"

    def test_a_process_sees_what_another_committed(self, records: Records, open_records: OpenRecords) -> None:
        """A second opening of the store is the same store."""
        whole(records, "d1")
        other = open_records()
        try:
            with other.write() as uow:
                assert uow.documents.get("d1").live_version == 1
                uow.documents.erase("d1")
                uow.commit()
        finally:
            other.close()
        with records.read() as uow, pytest.raises(NotFound):
            uow.documents.get("d1")

    def test_it_answers_a_ping_and_closes_twice(self, records: Records) -> None:
        """Neither raises."""
        records.ping()
        records.close()
        records.close()


def work_in_process(open_records: OpenRecords, times: int) -> list[int]:
    """Raise the counter in the collection's title and claim jobs until none is left; return their ids."""
    records = open_records()
    claimed: list[int] = []
    for _ in range(times):
        with records.write() as uow:
            title = int(uow.collections.get("travel").title)
            uow.collections.put(collection(title=str(title + 1)))
            uow.commit()
    while True:
        with records.write() as uow:
            jobs = uow.outbox.claim_jobs(at=at(0), lease_s=600, limit=1)
            uow.commit()
        if not jobs:
            records.close()
            return claimed
        claimed += [job.job_id for job in jobs]
