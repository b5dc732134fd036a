"""What the jobs on consent records share."""

from __future__ import annotations

from dataclasses import dataclass, replace

from jibu.domain.consent.events import RECORD_CHANGED
from jibu.domain.consent.values import (
    Agreement,
    ConsentRecord,
    Individual,
    RecordState,
    Revision,
    Schema,
    Signature,
)
from jibu.domain.errors import Conflict, Forbidden, InvalidInput, NotFound
from jibu.ports import UnitOfWork
from jibu.usecases.consent.noting import Noting


@dataclass(frozen=True, slots=True)
class Consented:
    """A record with what it refers to: the revision that was consented to, its signature, its own revision."""

    record: ConsentRecord
    agreement_revision: Revision
    signature: Signature | None = None
    revision: Revision | None = None


def whole(uow: UnitOfWork, record: ConsentRecord, revision: Revision | None = None) -> Consented:
    """Return a record with what it refers to. Raises: Conflict where that has gone."""
    try:
        agreement_revision = uow.revisions.get(record.agreement_revision_id)
        signature = None if record.signature_id is None else uow.consent.signature(record.signature_id)
    except NotFound as error:
        raise Conflict("what this record refers to was removed behind the service's back") from error
    return Consented(record, agreement_revision, signature, revision)


def own(uow: UnitOfWork, individual_id: str, record_id: str) -> ConsentRecord:
    """Return an individual's record. Raises: NotFound, for another's too."""
    found = uow.consent.record(record_id)
    if found.individual_id != individual_id:
        raise NotFound("no such consent record")
    return found


def known(uow: UnitOfWork, individual_id: str) -> Individual:
    """Return an individual. Raises: InvalidInput."""
    try:
        return uow.consent.individual(individual_id)
    except NotFound as error:
        raise InvalidInput("there is no individual with this id", "individualId") from error


def open_agreement(uow: UnitOfWork, agreement_id: str) -> Agreement:
    """Return an agreement that can be consented to. Raises: NotFound; Conflict when it is not active."""
    agreement = uow.agreements.agreement(agreement_id)
    if not agreement.active or agreement.terminated:
        raise Conflict("this data agreement is not active: nobody can consent to it now")
    return agreement


def asked_revision(uow: UnitOfWork, agreement_id: str, revision_id: str | None) -> Revision:
    """Return the revision that is consented to: the newest, or one that it accepts. Raises: InvalidInput, Conflict."""
    latest = uow.revisions.latest(Schema.AGREEMENT, agreement_id)
    if latest is None:
        raise Conflict("this data agreement has no revision")
    if revision_id is None or revision_id == latest.revision_id:
        return latest
    if revision_id not in uow.agreements.accepts(agreement_id):
        raise InvalidInput("is no revision of this data agreement that can be consented to", "revisionId")
    return uow.revisions.get(revision_id)


def affected(record: ConsentRecord, agreement: Agreement) -> ConsentRecord:
    """Return the record with a note whether data has ever been governed by it."""
    signed = record.state is RecordState.SIGNED or not agreement.signature_required
    holds = record.opt_in and signed and agreement.active and not agreement.terminated
    return replace(record, took_effect=record.took_effect or holds)


def latest_of(uow: UnitOfWork, record: ConsentRecord) -> Revision:
    """Return a kept record's newest revision. Raises: Conflict."""
    found = uow.revisions.latest(Schema.RECORD, record.record_id or "")
    if found is None:
        raise Conflict("this record's history was removed behind the service's back")
    return found


def tell(noting: Noting, record: ConsentRecord, revision: Revision, *changes: str) -> None:
    """Leave the event and the lines of the log of a changed record. ``changes``: what happened, in order."""
    record_id = record.record_id or ""
    noting.announce(
        RECORD_CHANGED,
        record_id,
        {
            "change": changes[-1],
            "consentRecordId": record_id,
            "dataAgreementId": record.agreement_id,
            "revisionId": revision.revision_id,
            "revisionHash": revision.hash,
            "optIn": record.opt_in,
            "state": record.state.value,
        },
    )
    for change in changes:
        noting.note(f"record.{change}", Schema.RECORD, record_id, revision=revision)


def may_speak_for(subject: str | None, individual_id: str, *, trusted: bool) -> None:
    """Check that a caller may act for an individual: it is that one, or it is trusted to. Raises: Forbidden."""
    if not trusted and subject != individual_id:
        raise Forbidden("the token does not speak for this individual; that takes the scope consent.service")
