"""Policies and agreements under version control."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from threading import Barrier, Lock

import pytest
from block import AGREEMENT, OFFICER, POLICY, WANTED, Block
from tests.services import postgres

from jibu.adapters.store.postgres import open_postgres
from jibu.domain.consent.canonical import digest
from jibu.domain.consent.values import Revision, Schema
from jibu.domain.errors import Conflict, InvalidInput, NotFound, Unavailable
from jibu.usecases.consent.agreements import WantedAgreement


def chain(block: Block, schema: Schema, name: str = "1") -> tuple[Revision, ...]:
    """Return an object's history."""
    return block.checking.revisions(schema, name, offset=0, limit=1000).items


def check_chain(revisions: tuple[Revision, ...]) -> None:
    """Check that a history is one line."""
    for before, after in pairwise(revisions):
        assert (after.predecessor_hash, before.successor_id) == (before.hash, after.revision_id)
    assert [revision.number for revision in revisions] == list(range(1, len(revisions) + 1))
    assert all(revision.hash == digest(revision.snapshot) for revision in revisions)


def test_a_change_makes_a_revision_and_the_same_again_does_not(block: Block) -> None:
    """Each holds the hash of the one before, and the one before names it."""
    block.policies.update(OFFICER, "1", replace(POLICY, version="2.0"))
    block.policies.update(OFFICER, "1", replace(POLICY, version="2.0"))
    revisions = chain(block, Schema.POLICY)
    assert len(revisions) == 2
    check_chain(revisions)
    old = block.policies.get("1", revisions[0].revision_id)
    assert (old.value.version, old.successor) == ("1.0", revisions[1])


def test_an_agreement_keeps_the_policy_that_it_was_made_under(block: Block) -> None:
    """Until it is changed and asks for the other version, of which there has to be one."""
    block.policies.update(OFFICER, "1", replace(POLICY, version="2.0"))
    assert block.agreements.get("1").value.policy == POLICY
    kept = replace(WANTED, agreement=replace(AGREEMENT, dpia="more"), policy_version="1.0")
    assert block.agreements.update(OFFICER, "1", kept).value.policy == POLICY
    changed = block.agreements.update(OFFICER, "1", replace(kept, policy_version=None)).value
    assert changed.policy == replace(POLICY, version="2.0")
    with pytest.raises(InvalidInput):
        block.agreements.update(OFFICER, "1", replace(kept, policy_version="3.0"))
    with pytest.raises(InvalidInput):
        block.agreements.update(OFFICER, "1", replace(kept, policy_id="none"))


def test_a_policy_in_use_cannot_be_deleted(block: Block) -> None:
    """One that no living agreement refers to can; its history stays."""
    with pytest.raises(Conflict):
        block.policies.delete(OFFICER, "1")
    assert block.policies.get("1").value == POLICY
    block.agreements.delete(OFFICER, "1")
    block.policies.delete(OFFICER, "1")
    with pytest.raises(NotFound):
        block.policies.get("1")
    check_chain(chain(block, Schema.POLICY))


def test_an_agreement_with_records_is_terminated_not_erased(block: Block) -> None:
    """Without any it goes; with one it stays to be read, and no consent to it holds any more."""
    found = block.consent()
    assert block.governs()
    revision = block.agreements.delete(OFFICER, "1")
    assert not block.governs()
    ended = block.agreements.get("1").value
    assert (ended.active, ended.terminated) == (False, True)
    assert block.agreements.delete(OFFICER, "1").revision_id == revision.revision_id
    with pytest.raises(Conflict):
        block.change(active=True)
    with pytest.raises(Conflict):
        block.say(block.say(found, opt_in=False), opt_in=True)
    assert block.auditing.verify().intact


def test_unknown_ids_and_ids_in_use(block: Block) -> None:
    """Nothing is changed by either."""
    for ask in (
        lambda: block.policies.get("x"),
        lambda: block.policies.get("1", "x"),
        lambda: block.policies.update(OFFICER, "x", replace(POLICY, policy_id="x")),
        lambda: block.policies.delete(OFFICER, "x"),
        lambda: block.agreements.get("x"),
        lambda: block.agreements.update(
            OFFICER, "x", replace(WANTED, agreement=replace(AGREEMENT, agreement_id="x"))
        ),
        lambda: block.agreements.delete(OFFICER, "x"),
    ):
        with pytest.raises(NotFound):
            ask()
    with pytest.raises(Conflict):
        block.policies.create(OFFICER, POLICY)
    with pytest.raises(Conflict):
        block.agreements.create(OFFICER, WANTED)
    for bad in ("a/b", "..", "a b\n", "x" * 256, "é"):
        with pytest.raises(InvalidInput):
            block.policies.create(OFFICER, replace(POLICY, policy_id=bad))
    assert len(block.policies.page(offset=0, limit=9).items) == 1
    assert block.policies.page(offset=99, limit=9).items == ()


@pytest.mark.parametrize("names", [["1.0"], ["2.0", "1.0"], ["9"], ["1.0", "2.0"]])
def test_versions_that_cannot_be_compatible(block: Block, names: list[str]) -> None:
    """With itself, by way of others too, with one that never was: refused, and nothing is kept."""
    if names == ["1.0", "2.0"]:
        block.change(version="2.0", compatible=((None, "1.0"),))
        names = ["2.0"]  # 1.0 again, compatible with 2.0, which is with 1.0
    before = chain(block, Schema.AGREEMENT)
    with pytest.raises(InvalidInput):
        block.change(version="1.0", compatible=tuple((None, name) for name in names))
    with pytest.raises(InvalidInput):
        block.change(version="3.0", compatible=(("another", "1.0"),))
    assert chain(block, Schema.AGREEMENT) == before


def test_consent_goes_along_with_compatible_versions_alone(block: Block) -> None:
    """By way of others too. What is switched off and on again is consented to as before."""
    block.consent()
    block.change(active=False)
    assert not block.governs()
    block.change(active=True)
    assert block.governs()
    block.change(version="2.0", purpose="Reminders and statistics")
    assert not block.governs()
    block.change(version="2.1", compatible=(("1", "1.0"),))
    assert block.governs()
    block.change(version="2.2", compatible=((None, "2.1"),))
    assert block.governs()
    block.change(version="2.2", dpia="another", compatible=())
    assert not block.governs()
    assert block.auditing.verify().intact


def add_to_purpose(block: Block, number: int) -> None:
    """Add a number to what was last seen of the agreement."""
    found = block.agreements.get("1")
    words = WantedAgreement(replace(found.value, dpia=f"{found.value.dpia} {number}"), policy_id="1")
    block.agreements.update(OFFICER, "1", words, expected=found.revision.revision_id)


def test_fifty_clients_change_one_agreement(block: Block) -> None:
    """Each reads, changes and sends what it has seen: no change is lost, and the history is one line."""
    start = Barrier(50)

    def add(n: int) -> int:
        start.wait(60)
        for tries in range(1, 1000):
            try:
                add_to_purpose(block, n)
            except Conflict:
                continue
            except Unavailable as error:
                time.sleep(error.retry_after)  # as a client over HTTP does, which is told so with a 503
                continue
            return tries
        raise AssertionError("never came through")

    with ThreadPoolExecutor(50) as pool:
        tries = list(pool.map(add, range(50)))
    assert sorted(map(int, block.agreements.get("1").value.dpia.split()[1:])) == list(range(50))
    revisions = chain(block, Schema.AGREEMENT)
    assert len(revisions) == 51
    check_chain(revisions)
    assert block.auditing.verify().intact
    assert sum(tries) >= 50


def test_a_database_that_is_too_busy_says_so_and_loses_nothing(tmp_path: Path) -> None:
    """Fifty clients at two connections: who has waited too long is told when to come again, and then comes through."""
    records = open_postgres(postgres.empty_database(), pool=2, lock_s=0.2)
    start, told, lock = Barrier(50), list[float](), Lock()
    try:
        block = Block(records, tmp_path)

        def add(n: int) -> None:
            start.wait(60)
            while True:
                try:
                    add_to_purpose(block, n)
                except Conflict:
                    continue
                except Unavailable as error:
                    with lock:
                        told.append(error.retry_after)
                    time.sleep(error.retry_after / 10)  # less patient than told to be
                    continue
                return

        with ThreadPoolExecutor(50) as pool:
            list(pool.map(add, range(50)))
        assert told, "nobody had to wait"
        assert min(told) >= 1
        assert sorted(map(int, block.agreements.get("1").value.dpia.split()[1:])) == list(range(50))
        assert len(chain(block, Schema.AGREEMENT)) == 51
        assert block.auditing.verify().intact
    finally:
        records.close()
