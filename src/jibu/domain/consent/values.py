"""What the consent API keeps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Schema(StrEnum):
    """What a revision or an entry of the audit log is about, in the words of the published contracts."""

    POLICY = "Policy"
    AGREEMENT = "DataAgreement"
    RECORD = "ConsentRecord"
    INDIVIDUAL = "Individual"
    SIGNATURE = "Signature"
    WEBHOOK = "Webhook"
    INSTANCE = "Instance"
    MEMBER = "Member"
    APPLICATION = "Application"
    SERVICE = "Service"
    RIGHT = "AccessRight"
    REGISTRATION = "Registration"
    ROOM = "Room"
    PARKED = "Parked"


MEDIATED = (
    Schema.INSTANCE,
    Schema.MEMBER,
    Schema.APPLICATION,
    Schema.SERVICE,
    Schema.RIGHT,
    Schema.REGISTRATION,
    Schema.ROOM,
    Schema.PARKED,
)
"""What an administrator of the information mediator changes. It has no revisions."""


class RecordState(StrEnum):
    """How far a record's signing is. The values are those of the published contract."""

    UNSIGNED = "unsigned"
    PENDING = "pending more signatures"
    SIGNED = "signed"


@dataclass(frozen=True, slots=True)
class Policy:
    """What an organisation does with data. ``url`` is where this very version can be read."""

    policy_id: str
    name: str
    version: str
    url: str
    jurisdiction: str | None = None
    industry_sector: str | None = None
    data_retention_period_days: int | None = None
    geographic_restriction: str | None = None
    storage_location: str | None = None


@dataclass(frozen=True, slots=True)
class Controller:
    """Who is answerable for the data."""

    controller_id: str
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Where an agreement is in its owner's workflow; nothing follows from it."""

    lifecycle_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """One purpose that can be consented to.

    ``active``: new records can be made and existing ones hold. ``terminated``: it never becomes active again.
    ``compatible_with``: an earlier version of this agreement whose records hold for this one too.
    """

    agreement_id: str
    version: str
    purpose: str
    lawful_basis: str
    dpia: str
    controller: Controller | None = None
    policy: Policy | None = None
    data_use: str | None = None
    active: bool = True
    forgettable: bool = False
    compatible_with: str | None = None
    lifecycle: Lifecycle | None = None
    signature_required: bool = False
    terminated: bool = False


@dataclass(frozen=True, slots=True)
class Individual:
    """Somebody who consents, by reference. ``keys``: public keys (JWK as JSON) that may sign for this individual."""

    individual_id: str
    external_id: str | None = None
    external_id_type: str | None = None
    identity_provider_id: str | None = None
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature over ``payload``, which quotes what was signed. ``value`` is empty until it is signed.

    A JWS in compact form, with ``payload`` in it or detached. Without ``signature_id`` it is a draft.
    """

    payload: str
    value: str
    verification_method: str
    verification_payload: str
    verification_payload_hash: str
    signed_by: str
    timestamp: str
    signature_id: str | None = None
    artifact: str | None = None
    signed_as: str | None = None
    jws_header: str | None = None
    without_object_reference: bool = False
    object_type: str | None = "revision"
    object_reference: str | None = None


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """An individual's yes or no to one revision of an agreement. Without ``record_id`` it is a draft.

    ``current``: no record for a later revision of the agreement has taken its place. ``took_effect``: data was
    governed by it at some time. ``given_at``: when it last changed.
    """

    agreement_id: str
    agreement_revision_id: str
    agreement_revision_hash: str
    individual_id: str
    opt_in: bool
    given_at: datetime
    state: RecordState = RecordState.UNSIGNED
    record_id: str | None = None
    signature_id: str | None = None
    current: bool = True
    took_effect: bool = False


@dataclass(frozen=True, slots=True)
class Revision:
    """One version of an object, never changed but for naming its successor.

    ``snapshot`` is canonical JSON, ``hash`` the SHA-256 of its UTF-8 bytes in hexadecimal.
    """

    revision_id: str
    schema: Schema
    object_id: str
    number: int
    snapshot: str
    hash: str
    at: datetime
    by_individual: str | None = None
    by_other: str | None = None
    without_object_id: bool = False
    predecessor_hash: str | None = None
    predecessor_signature: str | None = None
    successor_id: str | None = None


@dataclass(frozen=True, slots=True)
class Webhook:
    """Who is told of changes. ``secret`` keys the signature of each message."""

    webhook_id: str
    payload_url: str
    content_type: str
    secret: str
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message to one webhook. ``body`` is a CloudEvent in JSON. ``attempts`` counts those that failed."""

    delivery_id: str
    webhook_id: str
    body: str
    created_at: datetime
    attempts: int = 0
    next_at: datetime | None = None
    dead: bool = False
    error: str | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the audit log: who did what to which object, when, and what the object became.

    ``subject`` (the individual that acted) may be taken out later: the hash holds ``commitment`` in its place.
    """

    position: int
    action: str
    schema: Schema
    object_id: str
    at: datetime
    client: str
    revision_id: str | None
    revision_hash: str | None
    commitment: str | None
    previous_hash: str
    hash: str
    subject: str | None = None
    salt: str | None = None


@dataclass(frozen=True, slots=True)
class AuditBatch:
    """Entries ``first`` to ``last``, vouched for by the block's key. ``jws`` is compact and holds the rest."""

    number: int
    first: int
    last: int
    head: str
    signed_at: datetime
    jws: str
