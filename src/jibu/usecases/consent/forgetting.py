"""The right to be forgotten."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from jibu.domain.access import Caller
from jibu.domain.consent.events import RECORD_CHANGED
from jibu.domain.consent.signing import minimal
from jibu.domain.consent.values import ConsentRecord, Individual, Schema
from jibu.ports import Clock, Records, UnitOfWork
from jibu.usecases.consent.consenting import said, withdrawn
from jibu.usecases.consent.individuals import ENTRY_ID, keys_hash
from jibu.usecases.consent.noting import Actor, Noting


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Ids of records that are gone, and of those that had to be kept as proof (withdrawn, without personal extras)."""

    deleted: tuple[str, ...]
    kept: tuple[str, ...]


class Forgetting:
    """Deletes an individual's records, or what need not be kept of them."""

    def __init__(self, *, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    def forget(self, caller: Caller, individual_id: str) -> Forgotten:
        """Forget in a transaction of its own. Raises: NotFound, Unavailable."""
        with self._records.write() as uow:
            found = self.within(uow, caller, individual_id)
            uow.commit()
        return found

    def within(self, uow: UnitOfWork, caller: Caller, individual_id: str) -> Forgotten:
        """Forget in a transaction that is open.

        A record goes with its revisions and signatures when its agreement is forgettable, or when no data were
        ever governed by it (a signing that was broken off). Every other is withdrawn and kept: which revision of
        which agreement was consented to, when, signed by which key. The individual's other data go in any case,
        and its name goes from the audit log. Raises: NotFound.
        """
        at = self._clock()
        mine = uow.consent.records(offset=0, limit=None, individual_id=individual_id).items
        forgettable = {
            agreement_id: uow.agreements.agreement(agreement_id).forgettable
            for agreement_id in sorted({record.agreement_id for record in mine})
        }
        individual = uow.consent.individual(individual_id)
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
