"""The right to be forgotten."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from jibu.domain.access import Caller
from jibu.domain.consent.events import RECORD_CHANGED
from jibu.domain.consent.signing import minimal
from jibu.domain.consent.values import ConsentRecord, Individual, Schema
from jibu.domain.errors import NotFound
from jibu.domain.receipts import ErasureReceipt
from jibu.ports import Clock, UnitOfWork
from jibu.usecases.consent.consenting import said, withdrawn
from jibu.usecases.consent.individuals import ENTRY_ID, keys_hash
from jibu.usecases.consent.noting import Actor, Noting
from jibu.usecases.erasing import Counts, Erasing

RECORDS = "consent_records"


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Ids of records that are gone, and of those that had to be kept as proof (withdrawn, without personal extras)."""

    deleted: tuple[str, ...]
    kept: tuple[str, ...]
    receipt: ErasureReceipt | None = None


class Forgetting:
    """Deletes an individual's records, or what need not be kept of them, and with them all else that is held."""

    def __init__(self, *, clock: Clock, erasing: Erasing) -> None:
        self._clock = clock
        self._erasing = erasing

    def forget(self, caller: Caller, individual_id: str) -> Forgotten:
        """Forget records, documents, answers and conversations, all or nothing; return a signed receipt too.

        It is no error where nothing was held: the receipt says so. Raises: Unavailable.
        """
        found = Forgotten((), ())

        def also(uow: UnitOfWork) -> Counts:
            nonlocal found
            found = self.within(uow, caller, individual_id)
            return ((RECORDS, len(found.deleted)),)

        receipt = self._erasing.individual(caller.client, individual_id, also=also)
        return replace(found, receipt=receipt)

    def within(self, uow: UnitOfWork, caller: Caller, individual_id: str) -> Forgotten:
        """Forget in a transaction that is open.

        A record goes with its revisions and signatures when its agreement is forgettable, or when no data were
        ever governed by it (a signing that was broken off). Every other is withdrawn and kept: which revision of
        which agreement was consented to, when, signed by which key. The individual's other data go in any case,
        and its name goes from the audit log. An individual that is not known has nothing to forget.
        """
        at = self._clock()
        mine = uow.consent.records(offset=0, limit=None, individual_id=individual_id).items
        forgettable = {
            agreement_id: uow.agreements.agreement(agreement_id).forgettable
            for agreement_id in sorted({record.agreement_id for record in mine})
        }
        try:
            individual = uow.consent.individual(individual_id)
        except NotFound:
            return Forgotten((), ())
        deleted, kept = [], []
        for record in mine:
            if forgettable[record.agreement_id] or not record.took_effect:
                _delete(uow, caller, record, at)
                deleted.append(record.record_id or "")
            else:
                _reduce(uow, caller, record, at)
                kept.append(record.record_id or "")
        _forget_individual(uow, caller, individual, at, keep=bool(kept))
        return Forgotten(tuple(deleted), tuple(kept))


def _delete(uow: UnitOfWork, caller: Caller, record: ConsentRecord, at: datetime) -> None:
    record_id = record.record_id or ""
    uow.consent.delete_record(record_id)
    uow.revisions.forget(Schema.RECORD, record_id)
    noting = Noting(uow, Actor(caller.client), at)
    noting.announce(
        RECORD_CHANGED,
        record_id,
        {"change": "forgotten", "consentRecordId": record_id, "dataAgreementId": record.agreement_id},
    )
    noting.note("record.forgotten", Schema.RECORD, record_id)


def _reduce(uow: UnitOfWork, caller: Caller, record: ConsentRecord, at: datetime) -> None:
    record_id = record.record_id or ""
    for signature in uow.consent.signatures(record_id):
        uow.consent.put_signature(record_id, minimal(signature), at=at)
    if record.opt_in:
        said(uow, replace(caller, subject=None), withdrawn(record, at), at)


def _forget_individual(
    uow: UnitOfWork, caller: Caller, individual: Individual, at: datetime, *, keep: bool
) -> None:
    if keep:
        # The keys stay: what was signed with them could not be checked without.
        uow.consent.put_individual(Individual(individual.individual_id, keys=individual.keys), at=at)
    else:
        uow.consent.delete_individual(individual.individual_id)
    noting = Noting(uow, Actor(caller.client), at)
    noting.note(
        "individual.forgotten",
        Schema.INDIVIDUAL,
        ENTRY_ID,
        content_hash=keys_hash(individual) if keep else None,
    )
    uow.audit.hide_subject(individual.individual_id)
