"""Consent's values as the JSON of the contract. What has no value is left out."""

from __future__ import annotations

import json
from typing import Any

from jibu.domain.consent.canonical import moment
from jibu.domain.consent.proving import Report
from jibu.domain.consent.snapshots import agreement_data, policy_data
from jibu.domain.consent.values import (
    Agreement,
    AuditBatch,
    AuditEntry,
    Individual,
    Policy,
    Revision,
    Signature,
    Webhook,
)
from jibu.usecases.consent.records import Consented

Json = dict[str, Any]


def _given(**fields: Any) -> Json:
    return {name: value for name, value in fields.items() if value is not None}


def policy(value: Policy) -> Json:
    """Return a policy."""
    return dict(policy_data(value))


def agreement(value: Agreement) -> Json:
    """Return an agreement."""
    return dict(agreement_data(value))


def revision(value: Revision, successor: Revision | None = None) -> Json:
    """Return a revision with the one that came next."""
    return _given(
        id=value.revision_id,
        schemaName=value.schema.value,
        objectId=value.object_id,
        signedWithoutObjectId=value.without_object_id,
        serializedSnapshot=value.snapshot,
        serializedHash=value.hash,
        timestamp=moment(value.at),
        authorizedByIndividual=None if value.by_individual is None else {"id": value.by_individual},
        authorizedByOther=value.by_other,
        successor=None if successor is None else revision(successor),
        predecessorHash=value.predecessor_hash,
        predecessorSignature=value.predecessor_signature,
    )


def individual(value: Individual) -> Json:
    """Return an individual."""
    return _given(
        id=value.individual_id,
        externalId=value.external_id,
        externalIdType=value.external_id_type,
        identityProviderId=value.identity_provider_id,
        publicKeys=list(value.keys) or None,
    )


def webhook(value: Webhook) -> Json:
    """Return a webhook."""
    return {
        "id": value.webhook_id,
        "payloadUrl": value.payload_url,
        "contentType": value.content_type,
        "disabled": value.disabled,
        "secretKey": value.secret,
    }


def signature(value: Signature) -> Json:
    """Return a signature."""
    return _given(
        id=value.signature_id,
        payload=value.payload,
        signature=value.value,
        verificationMethod=value.verification_method,
        verificationPayload=value.verification_payload,
        verificationPayloadHash=value.verification_payload_hash,
        verificationArtifact=value.artifact,
        verificationSignedBy=value.signed_by,
        verificationSignedAs=value.signed_as,
        verificationJwsHeader=value.jws_header,
        timestamp=value.timestamp,
        signedWithoutObjectReference=value.without_object_reference,
        objectType=value.object_type,
        objectReference=value.object_reference,
    )


def record(value: Consented) -> Json:
    """Return a consent record with the agreement as it was consented to."""
    found = value.record
    agreed = json.loads(value.agreement_revision.snapshot)["objectData"]
    return _given(
        id=found.record_id,
        dataAgreement=agreed,
        dataAgreementRevision=revision(value.agreement_revision),
        dataAgreementRevisionHash=found.agreement_revision_hash,
        individual={"id": found.individual_id},
        optIn=found.opt_in,
        state=found.state.value,
        signature=None if value.signature is None or found.record_id is None else signature(value.signature),
    )


def entry(value: AuditEntry) -> Json:
    """Return a line of the audit log."""
    return _given(
        position=value.position,
        action=value.action,
        schemaName=value.schema.value,
        objectId=value.object_id,
        timestamp=moment(value.at),
        client=value.client,
        individualId=value.subject,
        subjectCommitment=value.commitment,
        salt=value.salt,
        revisionId=value.revision_id,
        revisionHash=value.revision_hash,
        previousHash=value.previous_hash,
        hash=value.hash,
    )


def batch(value: AuditBatch) -> Json:
    """Return a signed batch."""
    return {
        "number": value.number,
        "first": value.first,
        "last": value.last,
        "head": value.head,
        "signedAt": moment(value.signed_at),
        "jws": value.jws,
    }


def report(value: Report) -> Json:
    """Return what was checked and found."""
    return {
        "intact": value.intact,
        "entries": value.entries,
        "signed": value.signed,
        "revisions": value.revisions,
        "batches": value.batches,
        "head": value.head,
        "findings": [{"kind": f.kind, "where": f.where, "message": f.message} for f in value.findings],
    }
