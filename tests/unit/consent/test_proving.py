"""What was changed in the database behind the service's back is found and named."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from block import ANN, OFFICER, POLICY, Block
from sqlalchemy import text

from jibu.adapters.store.sql import SqlRecords
from jibu.adapters.store.turns import WRITES
from jibu.domain.consent.proving import MAX_FINDINGS, MOST, Report
from jibu.domain.consent.values import Schema, Webhook
from jibu.usecases.consent.noting import Actor, Noting
from jibu.usecases.progress import counted
from jibu.usecases.work import SIGN_AUDIT

HEAD_BACK = (
    "UPDATE audit_heads SET position = (SELECT max(position) FROM audit_entries), "
    "hash = (SELECT hash FROM audit_entries ORDER BY position DESC LIMIT 1)"
)
DROP_LAST = (
    "DELETE FROM audit_entries WHERE position = "
    "(SELECT m FROM (SELECT max(position) AS m FROM audit_entries) AS x)"
)
CASES = {
    "an action": (["UPDATE audit_entries SET action = 'x' WHERE position = 2"], "changed", "audit_entries 2"),
    "a client": (["UPDATE audit_entries SET client = 'x' WHERE position = 1"], "changed", "audit_entries 1"),
    "who it was": (
        ["UPDATE audit_entries SET subject = 'bob' WHERE subject IS NOT NULL"],
        "changed",
        "audit_entries 3",
    ),
    "its own hash": (
        ["UPDATE audit_entries SET hash = previous_hash WHERE position = 2"],
        "changed",
        "audit_entries 2",
    ),
    "a line taken out": (["DELETE FROM audit_entries WHERE position = 2"], "removed", "audit_entries 2"),
    "the first line": (["DELETE FROM audit_entries WHERE position = 1"], "removed", "audit_entries 1"),
    "the last line": ([DROP_LAST], "removed", "audit_entries 9"),
    "the last line, and the head moved": (
        [DROP_LAST, HEAD_BACK],
        "removed",
        "audit_entries 9",
    ),
    "two lines swapped": (
        [
            "UPDATE audit_entries SET position = -1 WHERE position = 2",
            "UPDATE audit_entries SET position = 2 WHERE position = 3",
            "UPDATE audit_entries SET position = 3 WHERE position = -1",
        ],
        "reordered",
        "audit_entries 2",
    ),
    "what was signed": (
        ["UPDATE audit_batches SET head = '0' WHERE number = 1"],
        "changed",
        "audit_batches 1",
    ),
    "a batch": (["DELETE FROM audit_batches WHERE number = 1"], "removed", "audit_batches 1"),
    "a snapshot": (
        ["UPDATE consent_revisions SET snapshot = replace(snapshot, 'Reminders', 'Adverts')"],
        "changed",
        "consent_revisions",
    ),
    "a snapshot's hash": (
        ["UPDATE consent_revisions SET hash = '0' WHERE schema_name = 'Policy' AND number = 2"],
        "changed",
        "consent_revisions",
    ),
    "a revision": (
        ["DELETE FROM consent_revisions WHERE schema_name = 'Policy' AND number = 2"],
        "removed",
        "consent_revisions",
    ),
    "who came next": (
        ["UPDATE consent_revisions SET successor_id = NULL"],
        "changed",
        "consent_revisions",
    ),
    "an ended agreement": (
        ["UPDATE consent_agreements SET active = false"],
        "changed",
        "consent_agreements 1",
    ),
    "no signature needed": (
        ["UPDATE consent_agreements SET signature_required = false"],
        "changed",
        "consent_agreements 1",
    ),
    "a version accepted": (
        ["INSERT INTO consent_agreement_accepts VALUES ('1', 'x')"],
        "changed",
        "consent_agreement_accepts 1",
    ),
    "a no to a yes": (["UPDATE consent_records SET opt_in = false"], "changed", "consent_records"),
    "a state": (["UPDATE consent_records SET state = 'unsigned'"], "changed", "consent_records"),
    "which record counts": (["UPDATE consent_records SET current = false"], "changed", "consent_records"),
    "when it was given": (
        ["UPDATE consent_records SET given_at = '2020-01-01 00:00:00'"],
        "changed",
        "consent_records",
    ),
    "whose it is": (
        [
            "INSERT INTO consent_individuals SELECT 'bob', NULL, NULL, NULL, keys, created_at FROM consent_individuals",
            "UPDATE consent_records SET individual_id = 'bob'",
        ],
        "changed",
        "consent_records",
    ),
    "a key": (["UPDATE consent_individuals SET keys = '[]'"], "changed", "consent_individuals ann"),
    "a signature": (
        ['UPDATE consent_signatures SET body = replace(body, \'"value":"ey\', \'"value":"eX\')'],
        "changed",
        "consent_signatures",
    ),
    "where messages go": (
        ["UPDATE consent_webhooks SET payload_url = 'https://evil.example.org/'"],
        "changed",
        "consent_webhooks w",
    ),
    "a policy": (["DELETE FROM consent_policies WHERE policy_id = '2'"], "removed", "consent_policies 2"),
    "a policy nobody made": (
        [
            "INSERT INTO consent_policies SELECT '9', body, created_at FROM consent_policies WHERE policy_id = '2'"
        ],
        "added",
        "consent_policies 9",
    ),
}


def fill(block: Block) -> None:
    """Make a history of nine entries in two signed batches."""
    block.change(signature_required=True)
    draft, signature = block.drafted()
    block.auditing.sign()
    block.signing.create(ANN, "ann", draft.record, signature)
    block.webhooks.create(OFFICER, Webhook("w", "https://example.org/", "application/json", "s" * 16))
    block.policies.update(OFFICER, "1", type(POLICY)("1", "Other", "2.0", "https://example.org/2"))
    block.policies.create(OFFICER, type(POLICY)("2", "Second", "1.0", "https://example.org/3"))
    block.auditing.sign()


def tamper(records: SqlRecords, statements: list[str]) -> None:
    """Do something to the database that is not the service."""
    engine = records._engine.execution_options(**{WRITES: True})  # noqa: SLF001
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def names(report: Report) -> set[tuple[str, str]]:
    """Return kinds and places of what was found."""
    return {(finding.kind, finding.where) for finding in report.findings}


def test_every_kind_of_tampering_is_named(block: Block, records: SqlRecords) -> None:
    """Each by itself, put right again before the next: what changed, and where."""
    fill(block)
    whole = block.auditing.verify()
    assert (whole.intact, whole.entries, whole.signed, whole.batches) == (True, 9, 9, 2)
    missed = []
    for name, (statements, kind, place) in CASES.items():
        engine = records._engine.execution_options(**{WRITES: True})  # noqa: SLF001
        with engine.connect() as connection:
            change = connection.begin()
            for statement in statements:
                connection.execute(text(statement))
            found = names(_seen(block, connection))
            change.rollback()
        if not any(k == kind and where.startswith(place) for k, where in found):
            missed.append((name, found))
    assert missed == []
    assert block.auditing.verify().intact


def _seen(block: Block, connection: object) -> Report:
    """Verify what a transaction sees that is rolled back afterwards."""
    from jibu.adapters.store.sql import SqlUnitOfWork  # noqa: PLC0415

    class Inside(SqlUnitOfWork):
        def __init__(self) -> None:
            self._connection = connection  # type: ignore[assignment]

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *exc: object) -> None:
            pass

    class Store:
        def read(self) -> Inside:
            return Inside()

    auditing = type(block.auditing)(
        records=Store(),  # type: ignore[arg-type]
        clock=block.clock,
        signer=block.signer,
        signatures=block.signing._signatures,  # noqa: SLF001
    )
    return auditing.verify()


def test_a_log_that_was_cut_off_with_all_that_tells_of_it(block: Block, records: SqlRecords) -> None:
    """Whoever kept the head elsewhere can show it: the database alone cannot."""
    fill(block)
    kept = (whole := block.auditing.verify()).entries, whole.head
    assert block.auditing.verify(kept).intact
    tamper(
        records,
        [
            "DELETE FROM consent_policies WHERE policy_id = '2'",
            "DELETE FROM consent_revisions WHERE object_id = '2'",
            DROP_LAST,
            "DELETE FROM audit_batches WHERE number = 2",
            HEAD_BACK,
        ],
    )
    assert block.auditing.verify().intact
    assert names(block.auditing.verify(kept)) == {("removed", "audit_entries 9")}


def test_the_relay_signs_and_leaves_nothing_out(block: Block) -> None:
    """What is written while a batch is signed is in the next one; what nobody signs is told of after a while."""

    def work() -> None:
        with block.records.write() as uow:
            later = block.at + timedelta(seconds=10)
            jobs = uow.outbox.claim_jobs(at=later, lease_s=60, limit=5, kinds=(SIGN_AUDIT,))
            uow.commit()
        for job in jobs:
            block.auditing.work(job, lambda: None)

    work()
    first = block.auditing.verify()
    assert (first.signed, first.entries, first.intact) == (3, 3, True)
    work()
    assert block.auditing.verify().batches == 1, "nothing new, nothing to sign"
    block.consent()
    block.at += timedelta(hours=1)
    assert names(block.auditing.verify()) == {("unsigned", "audit_entries 4-4")}
    work()
    assert block.auditing.verify().intact
    assert block.auditing.batches(offset=0, limit=9).total == 2
    with block.records.read() as uow:
        assert "jibu.audit.batch.signed.v1" in {event.type for event in uow.outbox.unpublished(limit=99)}


def test_events_tell_of_nobody(block: Block) -> None:
    """Ids of objects and hashes, never an individual."""
    found = block.consent()
    block.say(found, opt_in=False)
    with block.records.read() as uow:
        events = uow.outbox.unpublished(limit=99)
    assert {event.type for event in events} == {
        "jibu.consent.policy.changed.v1",
        "jibu.consent.agreement.changed.v1",
        "jibu.consent.record.changed.v1",
    }
    assert "ann" not in repr(events)


def test_long_work_tells_how_far_it_is(block: Block) -> None:
    """Every thousand revisions and entries; nothing that passed is kept for it."""
    seen: list[int] = []
    assert list(counted(iter(range(2500)), seen.append)) == list(range(2500))
    assert seen == [1000, 2000]
    with block.records.write() as uow:
        noting = Noting(uow, Actor("ZZ/GOV/desk/app"), block.clock())
        for number in range(1100):
            noting.note("event.retried", Schema.PARKED, f"e{number}")
        uow.commit()
    told: list[int] = []
    assert block.auditing.verify(progress=told.append).intact
    assert len(told) == 1
    assert told[0] > 1000


def test_a_log_that_was_changed_everywhere_has_a_report_of_bounded_size(
    block: Block, records: SqlRecords
) -> None:
    """A thousand findings say enough."""
    with block.records.write() as uow:
        noting = Noting(uow, Actor("ZZ/GOV/desk/app"), block.clock())
        for number in range(MOST + MAX_FINDINGS + 100):
            noting.note("event.retried", Schema.PARKED, f"e{number}")
        uow.commit()
    tamper(records, ["UPDATE audit_entries SET client = 'x'"])
    found = [one for one in block.auditing.verify().findings if one.where.startswith("audit_entries")]
    assert len(found) == MOST + MAX_FINDINGS
