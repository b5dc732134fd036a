"""Many writers at once in PostgreSQL: each waits for those it has to, and for nobody else."""

from __future__ import annotations

import random
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from jibu.adapters.store.postgres import open_postgres
from jibu.adapters.store.sql import SqlRecords
from jibu.domain.answers import Turn
from jibu.domain.documents import NewDocument
from jibu.domain.errors import Conflict, JibuError, NotFound
from jibu.domain.events import Job
from jibu.domain.personal import PersonalContext
from jibu.domain.receipts import ErasureReceipt
from jibu.testing.records_outbox import claim, enqueue
from jibu.testing.records_samples import NOW, answer, collection, conversation, receive, save

sys.path.insert(0, str(Path(__file__).parents[2]))  # the helpers beside the tests

from tests.services import postgres


@pytest.fixture
def records() -> Iterator[SqlRecords]:
    """A database with empty tables."""
    found = open_postgres(postgres.empty_database())
    yield found
    found.close()


def test_two_relays_never_work_on_one_key(records: SqlRecords) -> None:
    """While a claim is not committed another one gets neither its job nor another of its key."""
    for kind, key in (("index", "d1"), ("sweep", "d1"), ("index", "d2")):
        enqueue(records, kind, key)
    with records.write() as one, records.write() as two:
        first = one.outbox.claim_jobs(at=NOW, lease_s=10, limit=9)
        assert [(j.kind, j.key) for j in first] == [("index", "d1"), ("index", "d2")]
        assert two.outbox.claim_jobs(at=NOW, lease_s=10, limit=9) == []
        one.commit()
        assert two.outbox.claim_jobs(at=NOW, lease_s=10, limit=9) == []


def test_a_claim_looks_past_what_others_are_taking(records: SqlRecords) -> None:
    """However many jobs are being claimed at this moment, a free one behind them is found."""
    for number in range(60):
        enqueue(records, "index", f"d{number:02}")
    with records.write() as one, records.write() as two:
        assert len(one.outbox.claim_jobs(at=NOW, lease_s=10, limit=59)) == 59
        assert [j.key for j in two.outbox.claim_jobs(at=NOW, lease_s=10, limit=1)] == ["d59"]


def test_a_document_that_is_worked_on_is_left_alone(records: SqlRecords) -> None:
    """A change of a document that is under way keeps its jobs back, and other documents' are given out."""
    receive(records, "d1")
    enqueue(records, "index", "d1")
    enqueue(records, "index", "d2")
    with records.write() as busy, records.write() as relay:
        busy.documents.get("d1")
        assert [j.key for j in relay.outbox.claim_jobs(at=NOW, lease_s=10, limit=9)] == ["d2"]


def together(count: int, work: Callable[[int], object]) -> list[object]:
    """Do the same at the same moment in several threads; return results and errors."""
    gate = threading.Barrier(count)

    def one(number: int) -> object:
        gate.wait(20)
        try:
            return work(number)
        except JibuError as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_the_same_document_sent_many_times_at_once_is_one_document(records: SqlRecords) -> None:
    """Whoever looks for it first makes it; the others find it."""
    with records.write() as uow:
        uow.collections.put(collection())
        uow.commit()

    def send(number: int) -> str:
        new = NewDocument("travel", b"same", external_id="law-1")
        with records.write() as uow:
            old = uow.documents.find("travel", owner=None, external_id="law-1", sha256="")
            name = f"d{number}" if old is None else old.document_id
            uow.documents.receive(name, new, title="", media_type="", fingerprint="", at=NOW)
            uow.outbox.enqueue("index", name, 1, at=NOW)
            uow.commit()
        return name

    assert len(set(together(8, send))) == 1
    with records.read() as uow:
        [document] = uow.documents.page(frozenset({"travel"}), frozenset(), offset=0, limit=9).items
        assert (document.version, uow.outbox.backlog(at=NOW).jobs) == (8, 1)


def test_what_is_being_kept_of_an_individual_goes_with_them(records: SqlRecords) -> None:
    """Who erases waits for an answer that is being kept under a consent that held, and then sees it."""
    said = replace(answer(), citations=(), conversation_id=None, personal=PersonalContext("i1", "a1"))

    def forget() -> None:
        with records.write() as uow:
            uow.documents.of_individual("i1")
            uow.conversations.forget_individual("i1")
            uow.commit()

    with ThreadPoolExecutor(1) as pool, records.write() as keeping:
        keeping.consent.governs("i1", "a1", NOW)
        keeping.conversations.save_answer(said, owner="portal|p1", question_sha256="0" * 64)
        forgetting = pool.submit(forget)
        with pytest.raises(TimeoutError):
            forgetting.result(0.5)
        keeping.commit()
        forgetting.result(20)
    with records.read() as uow:
        assert uow.conversations.count_of_individual("i1") == 0


def test_a_collection_made_by_many_at_once_is_new_once(records: SqlRecords) -> None:
    """Nobody fails."""

    def put(_: int) -> bool:
        with records.write() as uow:
            new = uow.collections.put(collection())
            uow.commit()
        return new

    assert sorted(together(8, put)) == [False] * 7 + [True]  # type: ignore[type-var]


def test_erasing_while_it_is_indexed_ends_well(records: SqlRecords) -> None:
    """Relay and caller reach for job and document at once; neither waits for the other for ever."""
    for turn in range(10):
        key = f"d{turn}"
        receive(records, key)
        save(records, key, 1)
        enqueue(records, "index", key)
        [job] = claim(records)

        def work(number: int, key: str = key, job: Job = job) -> bool:
            with records.write() as uow:
                if number:
                    uow.documents.erase(key)
                elif uow.outbox.finish(job):
                    uow.documents.activate(key, 1, at=NOW, languages=())
                uow.commit()
            return True

        assert together(2, work) == [True, True]
        with records.read() as uow, pytest.raises(NotFound):
            uow.documents.get(key)


class Crowd:
    """What callers and relays do, in the order of steps that the use cases have, on a few documents."""

    def __init__(self, records: SqlRecords) -> None:
        self.records = records
        self.steps = (
            self.send,
            self.send,
            self.work,
            self.work,
            self.erase,
            self.rename,
            self.talk,
            self.beat,
        )

    def send(self, name: str) -> None:
        """Receive a version."""
        with self.records.write() as uow:
            uow.collections.get("travel")
            old = uow.documents.find("travel", owner=None, external_id=name, sha256="")
            key = uuid4().hex if old is None else old.document_id
            new = NewDocument("travel", b"x", external_id=name)
            made = uow.documents.receive(key, new, title="", media_type="", fingerprint="", at=NOW)
            uow.outbox.enqueue("index", key, made.version, at=NOW)
            uow.commit()

    def work(self, _: str) -> None:
        """Claim a job and end it."""
        with self.records.write() as uow:
            jobs = uow.outbox.claim_jobs(at=NOW, lease_s=60, limit=2)
            uow.commit()
        for job in jobs:
            with self.records.write() as uow:
                if uow.outbox.finish(job) and job.kind == "index":
                    uow.documents.activate(job.key, job.version, at=NOW, languages=())
                    uow.outbox.enqueue("sweep", job.key, job.version, at=NOW)
                uow.commit()

    def erase(self, name: str) -> None:
        """Erase, with a receipt and the jobs that follow."""
        with self.records.read() as uow:
            found = uow.documents.find("travel", owner=None, external_id=name, sha256="")
        if found is not None:
            with self.records.write() as uow:
                uow.documents.erase(found.document_id)
                uow.receipts.add(ErasureReceipt(uuid4().hex, found.document_id, NOW, (), ()))
                uow.outbox.enqueue("erase", found.document_id, found.version, at=NOW)
                uow.outbox.enqueue("compact", "storage", 0, at=NOW)
                uow.commit()

    def rename(self, _: str) -> None:
        """Change the collection."""
        with self.records.write() as uow:
            old = uow.collections.get("travel")
            uow.collections.put(collection(title=old.title + "."))
            uow.commit()

    def talk(self, name: str) -> None:
        """Answer in the one conversation, from a document that may be erased meanwhile."""
        with self.records.read() as uow:
            found = uow.documents.find("travel", owner=None, external_id=name, sha256="")
        like = answer("a", "c1")
        cited = () if found is None else (replace(like.citations[0], document_id=found.document_id),)
        with self.records.write() as uow:
            given = replace(like, answer_id=uuid4().hex, citations=cited)
            uow.conversations.save_answer(given, owner="a|b", question_sha256="0" * 64)
            uow.conversations.append("c1", (Turn("user", "?", NOW),))
            uow.commit()

    def beat(self, name: str) -> None:
        """Tell that a relay lives."""
        with self.records.write() as uow:
            uow.outbox.beat(name, at=NOW)
            uow.outbox.lead("publisher", name, at=NOW, lease_s=0.0)
            uow.commit()


def test_a_crowd_never_waits_in_a_circle(records: SqlRecords) -> None:
    """Callers and relays at once: nobody fails for the others, and the server saw no deadlock."""
    with records.write() as uow:
        uow.collections.put(collection(title=""))
        uow.conversations.create(replace(conversation(), turns=()))
        uow.commit()
    crowd, talked, rounds = Crowd(records), Counter[str](), 25

    def live(number: int) -> None:
        chance = random.Random(number)  # noqa: S311
        for _ in range(rounds):
            step = chance.choice(crowd.steps)
            try:
                step(f"law-{chance.randrange(3)}")
            except (NotFound, Conflict):
                continue  # it was erased or overtaken meanwhile
            talked[f"{number} {step.__name__}"] += 1

    assert together(8, live) == [None] * 8
    done = Counter[str]()
    for name, times in talked.items():
        done[name.split()[1]] += times
    assert set(done) == {step.__name__ for step in crowd.steps}
    with records.read() as uow:
        assert len(uow.collections.get("travel").title) == done["rename"]
        assert len(uow.conversations.get("c1", "a|b").turns) == done["talk"]
    query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    records.look(lambda connection: _no(connection.execute(text(query)).scalar()))


def _no(found: object) -> None:
    assert not found
