"""The audit log's chain: each entry's hash holds what it says and the hash before it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from jibu.domain.consent.canonical import Json, canonical, digest, moment
from jibu.domain.consent.values import AuditEntry, Schema

BATCH_TYPE = "jibu-audit-batch+jws"


@dataclass(frozen=True, slots=True)
class Act:
    """What happened. ``subject``: the individual that acted or, for an individual's own entry, that it is about."""

    action: str
    schema: Schema
    object_id: str
    at: datetime
    client: str
    subject: str | None = None
    revision_id: str | None = None
    revision_hash: str | None = None


def commit(subject: str, salt: str) -> str:
    """Return what stands for a subject in the chain: nobody can guess it once the salt is gone."""
    return digest(canonical([salt, subject]))


def sealed(act: Act, *, position: int, previous_hash: str, salt: str) -> AuditEntry:
    """Return the entry of an act at its place in the chain."""
    commitment = None if act.subject is None else commit(act.subject, salt)
    entry = AuditEntry(
        position=position,
        action=act.action,
        schema=act.schema,
        object_id=act.object_id,
        at=act.at,
        client=act.client,
        revision_id=act.revision_id,
        revision_hash=act.revision_hash,
        commitment=commitment,
        previous_hash=previous_hash,
        hash="",
        subject=act.subject,
        salt=None if act.subject is None else salt,
    )
    return replace(entry, hash=hash_of(entry))


def hash_of(entry: AuditEntry) -> str:
    """Return the hash that an entry with these words has to have."""
    return digest(canonical(_words(entry)))


def batch_words(*, number: int, first: int, last: int, head: str, at: datetime, previous: str) -> str:
    """Return what the block signs. ``previous``: the hash of the batch before, GENESIS for the first."""
    return canonical(
        {"number": number, "first": first, "last": last, "head": head, "at": moment(at), "previous": previous}
    )


def _words(entry: AuditEntry) -> dict[str, Json]:
    return {
        "position": entry.position,
        "action": entry.action,
        "schemaName": entry.schema.value,
        "objectId": entry.object_id,
        "at": moment(entry.at),
        "client": entry.client,
        "subject": entry.commitment,
        "revisionId": entry.revision_id,
        "revisionHash": entry.revision_hash,
        "previousHash": entry.previous_hash,
    }
