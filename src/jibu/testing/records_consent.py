"""Cases of the record store's contract: consent, revisions, the audit log, webhooks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jibu.domain.consent.values import (
    Agreement,
    AuditBatch,
    AuditEntry,
    ConsentRecord,
    Controller,
    Delivery,
    Individual,
    Lifecycle,
    Policy,
    Revision,
    Schema,
    Signature,
    Webhook,
)
from jibu.domain.errors import Conflict, NotFound
from jibu.ports import Records
from jibu.testing.records_samples import LATER, NOW

GENESIS = "0" * 64
POLICY = Policy("p1", "Privacy / خصوصية", "1.0", "https://example.org/p1", data_retention_period_days=30)
AGREEMENT = Agreement(
    "a1",
    "1.0",
    "Vaccination reminders",
    "consent",
    "none",
    controller=Controller("c1", "Ministry", "https://example.org"),
    policy=POLICY,
    lifecycle=Lifecycle("l1", "Complete"),
)
INDIVIDUAL = Individual("i1", "ext", "email", "idp", ('{"kty":"OKP"}',))
RECORD = ConsentRecord("a1", "v1", "f" * 64, "i1", opt_in=True, given_at=NOW, record_id="r1")
SIGNATURE = Signature(
    "{}", "x.y.z", "JWS", "{}", "f" * 64, "key-1", "2026-03-01T09:30:15Z", signature_id="s1"
)


def revision(number: int, predecessor: Revision | None = None) -> Revision:
    """Return a revision of the policy."""
    return Revision(
        f"v{number}",
        Schema.POLICY,
        "p1",
        number,
        f'{{"n":{number}}}',
        str(number) * 64,
        NOW,
        by_other="ZZ/GOV/a/b",
        predecessor_hash=predecessor.hash if predecessor else None,
    )


def entry(position: int, previous: str) -> AuditEntry:
    """Return an entry of the audit log."""
    return AuditEntry(
        position,
        "policy.created",
        Schema.POLICY,
        "p1",
        NOW,
        "ZZ/GOV/a/b",
        "v1",
        "1" * 64,
        "c" * 64,
        previous,
        str(position) * 64,
        subject="i1",
        salt="5a17",
    )


def consented(
    records: Records,
    agreement: Agreement = AGREEMENT,
    record: ConsentRecord | None = RECORD,
    accepts: tuple[str, ...] = ("v1",),
) -> None:
    """Store an agreement, an individual and what that individual said."""
    with records.write() as uow:
        uow.agreements.put_agreement(agreement, accepts=accepts, at=NOW)
        uow.consent.put_individual(INDIVIDUAL, at=NOW)
        if record is not None:
            uow.consent.put_record(record, at=NOW)
        uow.commit()


class ConsentCases:
    """What is stored comes back; chains only grow."""

    def test_everything_comes_back(self, records: Records) -> None:
        """With all of its fields; a second put replaces."""
        consented(records)
        with records.write() as uow:
            uow.agreements.put_policy(POLICY, at=NOW)
            uow.consent.put_signature("r1", SIGNATURE, at=NOW)
            uow.consent.put_record(replace(RECORD, signature_id="s1"), at=LATER)
            uow.commit()
        with records.read() as uow:
            assert uow.agreements.policy("p1") == POLICY
            assert uow.agreements.agreement("a1") == AGREEMENT
            assert uow.consent.individual("i1") == INDIVIDUAL
            assert uow.consent.record("r1") == replace(RECORD, signature_id="s1")
            assert uow.consent.signature("s1") == SIGNATURE
            assert uow.consent.signatures("r1") == [SIGNATURE]
            assert uow.agreements.using("p1") == ["a1"]
            assert uow.agreements.has_records("a1")

    def test_what_is_not_there(self, records: Records) -> None:
        """Is NotFound everywhere."""
        with records.write() as uow:
            for ask in (
                lambda: uow.agreements.policy("x"),
                lambda: uow.agreements.delete_policy("x"),
                lambda: uow.agreements.agreement("x"),
                lambda: uow.agreements.delete_agreement("x"),
                lambda: uow.consent.individual("x"),
                lambda: uow.consent.record("x"),
                lambda: uow.consent.delete_record("x"),
                lambda: uow.consent.signature("x"),
                lambda: uow.revisions.get("x"),
                lambda: uow.webhooks.get("x"),
                lambda: uow.webhooks.delete("x"),
            ):
                with pytest.raises(NotFound):
                    ask()

    def test_one_record_for_an_individual_and_a_revision(self, records: Records) -> None:
        """A second one is refused; an agreement with records cannot be removed."""
        consented(records)
        with records.write() as uow, pytest.raises(Conflict):
            uow.consent.put_record(replace(RECORD, record_id="r2"), at=NOW)
        with records.write() as uow, pytest.raises(Conflict):
            uow.agreements.delete_agreement("a1")
        with records.write() as uow:
            uow.consent.delete_record("r1")
            uow.agreements.delete_agreement("a1")
            uow.commit()
        with records.read() as uow, pytest.raises(NotFound):
            uow.agreements.agreement("a1")

    def test_listings(self, records: Records) -> None:
        """In order, in pages, with the number of all; past the end there is nothing."""
        with records.write() as uow:
            for n in range(5):
                uow.agreements.put_policy(replace(POLICY, policy_id=f"p{n}"), at=NOW)
                uow.consent.put_individual(Individual(f"i{n}"), at=NOW)
            uow.commit()
        with records.read() as uow:
            page = uow.agreements.policies(offset=1, limit=2)
            assert ([p.policy_id for p in page.items], page.total) == (["p1", "p2"], 5)
            assert uow.consent.individuals(offset=9, limit=2).items == ()
            assert uow.consent.individuals(offset=9, limit=2).total == 5

    def test_revisions_are_one_chain(self, records: Records) -> None:
        """Each names its successor; one that is not next is refused."""
        one = revision(1)
        two = revision(2, one)
        with records.write() as uow:
            uow.revisions.append(one)
            uow.revisions.append(two)
            uow.commit()
        for wrong in (revision(2, one), revision(4, two), replace(revision(3, one), revision_id="v3b")):
            with records.write() as uow, pytest.raises(Conflict):
                uow.revisions.append(wrong)
        with records.read() as uow:
            assert uow.revisions.latest(Schema.POLICY, "p1") == two
            assert uow.revisions.latest(Schema.AGREEMENT, "p1") is None
            assert uow.revisions.get("v1") == replace(one, successor_id="v2")
            assert [r.number for r in uow.revisions.of(Schema.POLICY, "p1").items] == [1, 2]
            assert [r.revision_id for r in uow.revisions.all()] == ["v1", "v2"]

    def test_the_audit_log_is_one_chain(self, records: Records) -> None:
        """Only what follows the head is taken; a name can be taken out of it."""
        with records.write() as uow:
            assert uow.audit.head() == (0, GENESIS)
            uow.audit.append(entry(1, GENESIS))
            uow.audit.append(entry(2, "1" * 64))
            uow.commit()
        for wrong in (entry(2, "1" * 64), entry(4, "2" * 64), entry(3, "1" * 64)):
            with records.write() as uow, pytest.raises(Conflict):
                uow.audit.append(wrong)
        with records.read() as uow:
            assert uow.audit.head() == (2, "2" * 64)
            assert uow.audit.entries() == [entry(1, GENESIS), entry(2, "1" * 64)]
            assert uow.audit.entries(after=1, limit=5) == [entry(2, "1" * 64)]
            assert [e.position for e in uow.audit.of_objects(offset=0, limit=1).items] == [2]
            assert uow.audit.of_objects(offset=0, limit=1, object_id="other").total == 0
            assert uow.audit.of_objects(offset=0, limit=1, schemas=(Schema.POLICY, Schema.ROOM)).total == 2
            assert uow.audit.of_objects(offset=0, limit=1, schemas=(Schema.ROOM,)).total == 0
        with records.write() as uow:
            assert uow.audit.hide_subject("i1") == 2
            uow.commit()
        with records.read() as uow:
            assert {(e.subject, e.salt) for e in uow.audit.entries()} == {(None, None)}

    def test_batches(self, records: Records) -> None:
        """One of each number."""
        batch = AuditBatch(1, 1, 2, "2" * 64, NOW, "a.b.c")
        with records.write() as uow:
            assert uow.audit.last_batch() is None
            uow.audit.add_batch(batch)
            uow.commit()
        with records.write() as uow, pytest.raises(Conflict):
            uow.audit.add_batch(batch)
        with records.read() as uow:
            assert (uow.audit.last_batch(), uow.audit.batches()) == (batch, [batch])

    def test_a_signature_is_used_once(self, records: Records) -> None:
        """Also after what it signed has gone."""
        with records.write() as uow:
            assert uow.consent.use_signature("d" * 64, at=NOW)
            assert not uow.consent.use_signature("d" * 64, at=NOW)
            uow.commit()
        with records.write() as uow:
            assert not uow.consent.use_signature("d" * 64, at=LATER)

    def test_webhooks_and_their_messages(self, records: Records) -> None:
        """Messages wait in order until they are delivered or given up, and go with their webhook."""
        hook = Webhook("w1", "https://example.org/hook", "application/json", "secret")
        with records.write() as uow:
            uow.webhooks.put(hook, at=NOW)
            uow.webhooks.put(replace(hook, webhook_id="w2", disabled=True), at=NOW)
            for n in (1, 2):
                uow.webhooks.leave(Delivery(f"d{n}", "w1", "{}", NOW))
            uow.commit()
        with records.write() as uow:
            assert uow.webhooks.enabled() == ["w1"]
            assert uow.webhooks.page(offset=0, limit=9).total == 2
            first = uow.webhooks.next("w1")
            assert first == Delivery("d1", "w1", "{}", NOW)
            uow.webhooks.failed(replace(first, attempts=8, dead=True, error="503", next_at=LATER))
            second = uow.webhooks.next("w1")
            assert second is not None
            assert second.delivery_id == "d2"
            uow.webhooks.done("d2")
            assert uow.webhooks.next("w1") is None
            assert [d.delivery_id for d in uow.webhooks.dead(limit=9)] == ["d1"]
            uow.webhooks.delete("w1")
            uow.commit()
        with records.read() as uow:
            assert uow.webhooks.dead(limit=9) == []
