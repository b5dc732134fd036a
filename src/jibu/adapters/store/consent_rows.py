"""Consent's values as rows and back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import Row

from jibu.adapters.store.codec import dump, load, strings
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
    RecordState,
    Revision,
    Schema,
    Signature,
    Webhook,
)


def body(value: Policy | Agreement | Signature) -> str:
    """Return a value's fields as JSON; those that are None are left out."""
    return dump({name: found for name, found in asdict(value).items() if found is not None})


def policy(row: Row[Any]) -> Policy:
    """Return a policy."""
    return Policy(**(load(row.body) | {"policy_id": row.policy_id}))


def agreement(row: Row[Any]) -> Agreement:
    """Return an agreement. What queries filter by is read from where they look."""
    found = load(row.body) | {"agreement_id": row.agreement_id}
    for name in ("active", "terminated", "forgettable", "signature_required"):
        found[name] = getattr(row, name)
    for name, kind in (("policy", Policy), ("controller", Controller), ("lifecycle", Lifecycle)):
        if name in found:
            found[name] = kind(**found[name])
    return Agreement(**found)


def agreement_columns(value: Agreement) -> dict[str, Any]:
    """Return the columns of an agreement but for its id and age."""
    return {
        "body": body(value),
        "policy_id": value.policy.policy_id if value.policy else None,
        "active": value.active,
        "terminated": value.terminated,
        "forgettable": value.forgettable,
        "signature_required": value.signature_required,
    }


def individual(row: Row[Any]) -> Individual:
    """Return an individual."""
    return Individual(
        row.individual_id, row.external_id, row.external_id_type, row.identity_provider_id, strings(row.keys)
    )


def individual_columns(value: Individual) -> dict[str, Any]:
    """Return the columns of an individual but for its id and age."""
    return {
        "external_id": value.external_id,
        "external_id_type": value.external_id_type,
        "identity_provider_id": value.identity_provider_id,
        "keys": dump(value.keys),
    }


def record(row: Row[Any]) -> ConsentRecord:
    """Return a record."""
    return ConsentRecord(
        agreement_id=row.agreement_id,
        agreement_revision_id=row.agreement_revision_id,
        agreement_revision_hash=row.agreement_revision_hash,
        individual_id=row.individual_id,
        opt_in=row.opt_in,
        given_at=row.given_at,
        state=RecordState(row.state),
        record_id=row.record_id,
        signature_id=row.signature_id,
        current=row.current,
        took_effect=row.took_effect,
    )


def record_columns(value: ConsentRecord) -> dict[str, Any]:
    """Return the columns of a record but for its age."""
    return asdict(value) | {"state": value.state.value}


def signature(row: Row[Any]) -> Signature:
    """Return a signature."""
    return Signature(**(load(row.body) | {"signature_id": row.signature_id}))


def revision(row: Row[Any]) -> Revision:
    """Return a revision."""
    return Revision(
        revision_id=row.revision_id,
        schema=Schema(row.schema_name),
        object_id=row.object_id,
        number=row.number,
        snapshot=row.snapshot,
        hash=row.hash,
        at=row.at,
        by_individual=row.by_individual,
        by_other=row.by_other,
        without_object_id=row.without_object_id,
        predecessor_hash=row.predecessor_hash,
        predecessor_signature=row.predecessor_signature,
        successor_id=row.successor_id,
    )


def revision_columns(value: Revision) -> dict[str, Any]:
    """Return the columns of a revision."""
    found = asdict(value)
    return found | {"schema_name": found.pop("schema").value}


def webhook(row: Row[Any]) -> Webhook:
    """Return a webhook."""
    return Webhook(row.webhook_id, row.payload_url, row.content_type, row.secret, row.disabled)


def delivery(row: Row[Any]) -> Delivery:
    """Return a delivery."""
    return Delivery(
        delivery_id=row.delivery_id,
        webhook_id=row.webhook_id,
        body=row.body,
        created_at=row.created_at,
        attempts=row.attempts,
        next_at=row.next_at,
        dead=row.dead,
        error=row.error,
    )


def entry(row: Row[Any]) -> AuditEntry:
    """Return an entry of the audit log."""
    return AuditEntry(
        position=row.position,
        action=row.action,
        schema=Schema(row.schema_name),
        object_id=row.object_id,
        at=row.at,
        client=row.client,
        revision_id=row.revision_id,
        revision_hash=row.revision_hash,
        commitment=row.commitment,
        previous_hash=row.previous_hash,
        hash=row.hash,
        subject=row.subject,
        salt=row.salt,
    )


def entry_columns(value: AuditEntry) -> dict[str, Any]:
    """Return the columns of an entry."""
    found = asdict(value)
    return found | {"schema_name": found.pop("schema").value}


def batch(row: Row[Any]) -> AuditBatch:
    """Return a signed batch."""
    return AuditBatch(row.number, row.first, row.last, row.head, row.signed_at, row.jws)
