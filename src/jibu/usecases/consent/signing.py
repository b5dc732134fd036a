"""Signing consent records."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

from jibu.domain.access import Caller
from jibu.domain.consent.canonical import digest, instant
from jibu.domain.consent.signing import METHODS, check_payload, payload_of, to_sign
from jibu.domain.consent.values import (
    ConsentRecord,
    Individual,
    RecordState,
    Revision,
    Schema,
    Signature,
)
from jibu.domain.errors import Conflict, InvalidInput
from jibu.ports import Clock, Records, SignatureChecker, UnitOfWork
from jibu.usecases.consent.common import check_texts
from jibu.usecases.consent.consenting import draft_text, own_agreement, supersede
from jibu.usecases.consent.noting import Actor, Noting
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

DRAFT_LIFE = timedelta(days=1)
CLOCK_DIFFERENCE = timedelta(minutes=5)
PAYLOAD = "signature/verificationPayload"


class Signing:
    """Pairs records with signatures. Callers have checked that they may act for the individual."""

    def __init__(self, *, records: Records, clock: Clock, signatures: SignatureChecker) -> None:
        self._records = records
        self._clock = clock
        self._signatures = signatures

    def create(
        self, caller: Caller, individual_id: str, wanted: ConsentRecord, signature: Signature
    ) -> Consented:
        """Keep a draft with its signature; one without a value leaves the record pending.

        The signed text becomes the record's first revision, as it is. Raises: NotFound, InvalidInput (the draft
        is another one or too old, the signature does not hold or was used before), Conflict, Unavailable.
        """
        now = self._clock()
        with self._records.write() as uow:
            agreement = open_agreement(uow, wanted.agreement_id)
            individual = known(uow, individual_id)
            agreed = asked_revision(uow, wanted.agreement_id, wanted.agreement_revision_id or None)
            at = _drafted_at(signature, now)
            record = _drafted(individual_id, wanted, agreed, at)
            if signature.object_reference:
                raise InvalidInput("a draft is signed without it", "signature/objectReference")
            check_payload(replace(signature, object_reference=None), draft_text(record, at))
            signed = self._check(uow, individual, signature, now)
            record = replace(
                record,
                record_id=uuid4().hex,
                state=RecordState.SIGNED if signed else RecordState.PENDING,
                signature_id=uuid4().hex,
            )
            record = affected(record, agreement)
            supersede(uow, record, agreed, now)
            noting = Noting(uow, Actor(caller.client, individual_id), now)
            made = self._keep(uow, noting, record, signature, now)
            uow.commit()
        return replace(made, agreement_revision=agreed)

    def _keep(
        self, uow: UnitOfWork, noting: Noting, record: ConsentRecord, signature: Signature, now: datetime
    ) -> Consented:
        record_id = record.record_id or ""
        uow.consent.put_record(record, at=now)
        text = signature.verification_payload
        revision = noting.keep(Schema.RECORD, record_id, text, record.given_at, without_object_id=True)
        kept = replace(
            signature,
            signature_id=record.signature_id,
            object_reference=revision.revision_id,
            without_object_reference=True,
        )
        uow.consent.put_signature(record_id, kept, at=now)
        tell(noting, record, revision, "created", "signed" if signature.value else "signing")
        return Consented(record, revision, kept, revision)

    def start(self, caller: Caller, individual_id: str, record_id: str, wanted: Signature) -> Signature:
        """Return a signature over the record's newest revision, to be made; the record is pending until then.

        Raises: NotFound, InvalidInput, Conflict (signed already), Unavailable.
        """
        now = self._clock()
        with self._records.write() as uow:
            record = own(uow, individual_id, record_id)
            if record.state is RecordState.SIGNED:
                raise Conflict("this consent record is signed")
            revision = latest_of(uow, record)
            pending = record.state is RecordState.PENDING and record.signature_id
            signature = replace(
                _prepared(individual_id, wanted, revision, now),
                signature_id=pending or uuid4().hex,
            )
            uow.consent.put_signature(record_id, signature, at=now)
            waiting = replace(record, state=RecordState.PENDING, signature_id=signature.signature_id)
            if waiting != record:
                uow.consent.put_record(waiting, at=now)
                tell(Noting(uow, Actor.of(caller), now), waiting, revision, "signing")
            uow.commit()
        return signature

    def complete(self, caller: Caller, individual_id: str, record_id: str, signature: Signature) -> Signature:
        """Add the value to a signature that was started: the record is signed.

        Raises: NotFound, InvalidInput, Conflict (none was started; the record has changed since), Unavailable.
        """
        now = self._clock()
        with self._records.write() as uow:
            agreement = uow.agreements.agreement(own_agreement(uow, individual_id, record_id))
            individual = known(uow, individual_id)
            record = own(uow, individual_id, record_id)
            if record.state is not RecordState.PENDING or record.signature_id is None:
                raise Conflict("no signature was started for this consent record as it is now")
            if not signature.value:
                raise InvalidInput("is missing", "signature/signature")
            if signature.signature_id and signature.signature_id != record.signature_id:
                raise InvalidInput("is not the signature that was started", "signature/id")
            revision = latest_of(uow, record)
            started = uow.consent.signature(record.signature_id)
            check_payload(_referring(started, signature, revision), revision.snapshot)
            self._check(uow, individual, signature, now)
            kept = replace(signature, signature_id=record.signature_id, object_reference=revision.revision_id)
            uow.consent.put_signature(record_id, kept, at=now)
            signed = affected(replace(record, state=RecordState.SIGNED), agreement)
            uow.consent.put_record(signed, at=now)
            tell(Noting(uow, Actor.of(caller), now), signed, revision, "signed")
            uow.commit()
        return kept

    def get(self, individual_id: str, record_id: str) -> Consented:
        """Return a record with its signature. Raises: NotFound, Unavailable."""
        with self._records.read() as uow:
            record = own(uow, individual_id, record_id)
            return whole(uow, record, latest_of(uow, record))

    def _check(self, uow: UnitOfWork, individual: Individual, signature: Signature, now: datetime) -> bool:
        """Return whether there is a value, having checked it. Raises: InvalidInput."""
        if not signature.value:
            return False
        self._signatures.check(signature.value, signature.payload, individual.keys)
        if not uow.consent.use_signature(digest(signature.payload), at=now):
            raise InvalidInput("was used before: sign anew", "signature/signature")
        return True


def _prepared(individual_id: str, wanted: Signature, revision: Revision, now: datetime) -> Signature:
    check_texts("signature", verificationSignedBy=wanted.signed_by)
    if wanted.verification_method and wanted.verification_method not in METHODS:
        raise InvalidInput(f"is none of {', '.join(METHODS)}", "signature/verificationMethod")
    base = to_sign(revision.snapshot, signed_by=individual_id, at=now, reference=revision.revision_id)
    made = replace(
        base,
        verification_method=wanted.verification_method or base.verification_method,
        signed_by=wanted.signed_by or base.signed_by,
        signed_as=wanted.signed_as,
        artifact=wanted.artifact,
        jws_header=wanted.jws_header,
    )
    return replace(made, payload=payload_of(made))


def _referring(started: Signature, given: Signature, revision: Revision) -> Signature:
    """Return the signature as its payload has to describe it. Raises: InvalidInput when it is for another object."""
    if given.without_object_reference != started.without_object_reference:
        raise InvalidInput("is not as it was started", "signature/signedWithoutObjectReference")
    if not started.without_object_reference and given.object_reference != revision.revision_id:
        raise InvalidInput("is not the record's newest revision", "signature/objectReference")
    return replace(given, object_reference=None) if started.without_object_reference else given


def _drafted_at(signature: Signature, now: datetime) -> datetime:
    try:
        at = instant(json.loads(signature.verification_payload)["timestamp"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InvalidInput("is no draft of a consent record", PAYLOAD) from error
    if not now - DRAFT_LIFE <= at <= now + CLOCK_DIFFERENCE:
        raise InvalidInput("is a draft that has run out: get it anew", PAYLOAD)
    return at


def _drafted(individual_id: str, wanted: ConsentRecord, agreed: Revision, at: datetime) -> ConsentRecord:
    if wanted.record_id:
        raise InvalidInput("a draft has no id", "consentRecord/id")
    if wanted.individual_id and wanted.individual_id != individual_id:
        raise InvalidInput("is another individual", "consentRecord/individual/id")
    if wanted.agreement_revision_hash != agreed.hash:
        raise InvalidInput(
            "is not the hash of the agreement's revision", "consentRecord/dataAgreementRevisionHash"
        )
    return ConsentRecord(
        agreement_id=wanted.agreement_id,
        agreement_revision_id=agreed.revision_id,
        agreement_revision_hash=agreed.hash,
        individual_id=individual_id,
        opt_in=wanted.opt_in,
        given_at=at,
    )
