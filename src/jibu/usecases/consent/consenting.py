"""Saying yes and no: drafts, records, opting in and out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from jibu.domain.access import Caller
from jibu.domain.consent.signing import to_sign
from jibu.domain.consent.snapshots import record_data, snapshot
from jibu.domain.consent.values import ConsentRecord, RecordState, Revision, Schema
from jibu.domain.errors import Conflict, InvalidInput, NotFound
from jibu.ports import Clock, Page, Records, UnitOfWork
from jibu.usecases.consent.noting import Actor, Noting, expect
from jibu.usecases.consent.records import (
    Consented,
    affected,
    asked_revision,
    known,
    latest_of,
    open_agreement,
    own,
    tell,
    whole,
)

FIELD = "consentRecord"


class Consenting:
    """An individual's records. Callers have checked that they may act for the individual."""

    def __init__(self, *, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    def draft(self, individual_id: str, agreement_id: str, revision_id: str | None = None) -> Consented:
        """Return a record and a signature to be made, neither of them kept.

        Raises: NotFound, InvalidInput, Conflict (not active), Unavailable.
        """
        at = self._clock()
        with self._records.read() as uow:
            known(uow, individual_id)
            open_agreement(uow, agreement_id)
            agreed = asked_revision(uow, agreement_id, revision_id)
        record = _new(individual_id, agreement_id, agreed, at)
        text = draft_text(record, at)
        return Consented(record, agreed, to_sign(text, signed_by=individual_id, at=at, reference=None))

    def create(
        self, caller: Caller, individual_id: str, agreement_id: str, revision_id: str | None = None
    ) -> Consented:
        """Keep a yes to an agreement, not signed.

        Raises: NotFound, InvalidInput, Conflict (not active; there is a record already), Unavailable.
        """
        at = self._clock()
        with self._records.write() as uow:
            agreement = open_agreement(uow, agreement_id)
            known(uow, individual_id)
            agreed = asked_revision(uow, agreement_id, revision_id)
            record = replace(_new(individual_id, agreement_id, agreed, at), record_id=uuid4().hex)
            record = affected(record, agreement)
            supersede(uow, record, agreed, at)
            uow.consent.put_record(record, at=at)
            noting = Noting(uow, Actor.of(caller), at)
            revision = noting.revise(Schema.RECORD, record.record_id or "", record_data(record))
            tell(noting, record, revision, "created")
            uow.commit()
        return Consented(record, agreed, None, revision)

    def update(
        self,
        caller: Caller,
        individual_id: str,
        record_id: str,
        wanted: ConsentRecord,
        *,
        expected: str | None = None,
    ) -> Consented:
        """Opt in or out; nothing else of a record can be changed. A signature does not hold for what comes after it.

        The same again changes nothing. Raises: NotFound, InvalidInput, Conflict, Unavailable.
        """
        at = self._clock()
        with self._records.write() as uow:
            agreement = uow.agreements.agreement(own_agreement(uow, individual_id, record_id))
            record = own(uow, individual_id, record_id)
            latest = latest_of(uow, record)
            expect(latest, expected)
            _check_restricted(record, wanted)
            if not record.current:
                raise Conflict("a record for a later revision of the agreement has taken this one's place")
            if wanted.opt_in == record.opt_in:
                return whole(uow, record, latest)
            if wanted.opt_in:
                open_agreement(uow, record.agreement_id)
                if record.agreement_revision_id not in uow.agreements.accepts(record.agreement_id):
                    raise Conflict(
                        "the agreement has changed since: make a new record for its present revision"
                    )
            changed = said(uow, caller, affected(_turned(record, wanted.opt_in, at), agreement), at)
            uow.commit()
        return changed

    def current(self, individual_id: str, agreement_id: str) -> Consented:
        """Return the record that counts. Raises: NotFound, Unavailable."""
        with self._records.read() as uow:
            found = uow.consent.records(
                offset=0, limit=1, individual_id=individual_id, agreement_id=agreement_id, current=True
            ).items
            if not found:
                raise NotFound("this individual has no consent record for this data agreement")
            return whole(uow, found[0])

    def page(
        self, individual_id: str, agreement_id: str | None = None, *, offset: int, limit: int
    ) -> Page[Consented]:
        """List an individual's records that count, or all for one agreement. Raises: NotFound, Unavailable."""
        with self._records.read() as uow:
            if agreement_id is not None:
                uow.agreements.agreement(agreement_id)
            found = uow.consent.records(
                offset=offset,
                limit=limit,
                individual_id=individual_id,
                agreement_id=agreement_id,
                current=True if agreement_id is None else None,
            )
            return Page(tuple(whole(uow, record) for record in found.items), found.total)


def draft_text(record: ConsentRecord, at: datetime) -> str:
    """Return what is signed of a record that is not kept yet."""
    return snapshot(
        Schema.RECORD, record_data(record), object_id=None, at=at, by_individual=record.individual_id
    )


def supersede(uow: UnitOfWork, record: ConsentRecord, agreed: Revision, at: datetime) -> None:
    """Let a new record take the place of earlier ones for the same agreement. Raises: Conflict when it is older."""
    others = uow.consent.records(
        offset=0,
        limit=None,
        individual_id=record.individual_id,
        agreement_id=record.agreement_id,
        current=True,
    )
    for other in others.items:
        if uow.revisions.get(other.agreement_revision_id).number >= agreed.number:
            raise Conflict(
                f"there is a consent record for this revision or a later one: update {other.record_id}"
            )
        uow.consent.put_record(replace(other, current=False), at=at)


def said(uow: UnitOfWork, caller: Caller, record: ConsentRecord, at: datetime) -> Consented:
    """Keep a changed record as its next revision."""
    noting = Noting(uow, Actor.of(caller), at)
    before = uow.consent.record(record.record_id or "").signature_id
    signature = None if before is None else uow.consent.signature(before).value or None
    uow.consent.put_record(record, at=at)
    revision = noting.revise(
        Schema.RECORD, record.record_id or "", record_data(record), predecessor_signature=signature
    )
    tell(noting, record, revision, "opted-in" if record.opt_in else "withdrawn")
    return whole(uow, record, revision)


def own_agreement(uow: UnitOfWork, individual_id: str, record_id: str) -> str:
    """Return which agreement an individual's record is for, without taking a turn on the record. Raises: NotFound."""
    for record in uow.consent.records(offset=0, limit=None, individual_id=individual_id).items:
        if record.record_id == record_id:
            return record.agreement_id
    raise NotFound("no such consent record")


def withdrawn(record: ConsentRecord, at: datetime) -> ConsentRecord:
    """Return a record that says no."""
    return _turned(record, opt_in=False, at=at)


def _turned(record: ConsentRecord, opt_in: bool, at: datetime) -> ConsentRecord:  # noqa: FBT001
    return replace(record, opt_in=opt_in, state=RecordState.UNSIGNED, signature_id=None, given_at=at)


def _new(individual_id: str, agreement_id: str, agreed: Revision, at: datetime) -> ConsentRecord:
    return ConsentRecord(
        agreement_id=agreement_id,
        agreement_revision_id=agreed.revision_id,
        agreement_revision_hash=agreed.hash,
        individual_id=individual_id,
        opt_in=True,
        given_at=at,
    )


def _check_restricted(record: ConsentRecord, wanted: ConsentRecord) -> None:
    """Check that a body changes nothing that cannot be changed; what it leaves empty is not asked for."""
    for name, asked, there in (
        ("id", wanted.record_id, record.record_id),
        ("dataAgreement/id", wanted.agreement_id, record.agreement_id),
        ("dataAgreementRevision/id", wanted.agreement_revision_id, record.agreement_revision_id),
        ("dataAgreementRevisionHash", wanted.agreement_revision_hash, record.agreement_revision_hash),
        ("individual/id", wanted.individual_id, record.individual_id),
    ):
        if asked and asked != there:
            raise InvalidInput("cannot be changed", f"{FIELD}/{name}")
