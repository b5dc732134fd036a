"""The records of consent: agreements, individuals, records and their signatures, revisions, webhooks, audit log.

In a transaction that writes, whatever is read by its id stays as it is until the transaction ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

from jibu.domain.consent.values import (
    Agreement,
    AuditBatch,
    AuditEntry,
    ConsentRecord,
    Delivery,
    Individual,
    Policy,
    Revision,
    Schema,
    Signature,
    Webhook,
)
from jibu.ports.documents import Page


class ConsentRecords(Protocol):
    """Individuals, what they agreed to, and their signatures."""

    def governs(self, individual_id: str, agreement_id: str, at: datetime) -> bool:
        """Tell whether this individual's consent under this agreement holds.

        The agreement is active and not terminated, and the individual's current record for it, given no later
        than ``at``, says yes, is signed where the agreement asks for that, and is for the agreement's present
        revision or one that the present revision accepts. Whatever is unknown is False.

        In a transaction that writes, the individual is not erased until it ends.
        """

    def individual(self, individual_id: str) -> Individual:
        """Raises: NotFound."""

    def put_individual(self, individual: Individual, *, at: datetime) -> None:
        """Create or replace."""

    def delete_individual(self, individual_id: str) -> None:
        """Remove one that has no records. Raises: NotFound."""

    def individuals(self, *, offset: int, limit: int) -> Page[Individual]:
        """List in order of their creation."""

    def record(self, record_id: str) -> ConsentRecord:
        """Raises: NotFound."""

    def put_record(self, record: ConsentRecord, *, at: datetime) -> None:
        """Create or replace. Raises: Conflict where this individual has another record for the same revision."""

    def delete_record(self, record_id: str) -> None:
        """Remove a record and its signatures. Raises: NotFound."""

    def records(
        self,
        *,
        offset: int,
        limit: int | None,
        individual_id: str | None = None,
        agreement_id: str | None = None,
        current: bool | None = None,
        governing: bool | None = None,
        newest_first: bool = False,
    ) -> Page[ConsentRecord]:
        """List in order of creation those that match everything that is given."""

    def signature(self, signature_id: str) -> Signature:
        """Raises: NotFound."""

    def put_signature(self, record_id: str, signature: Signature, *, at: datetime) -> None:
        """Create or replace a signature of a record."""

    def signatures(self, record_id: str) -> list[Signature]:
        """Return all signatures of a record, oldest first."""

    def use_signature(self, digest: str, *, at: datetime) -> bool:
        """Note that a signature was used; False when it had been before."""


class AgreementRecords(Protocol):
    """Policies and data agreements."""

    def policy(self, policy_id: str) -> Policy:
        """Raises: NotFound."""

    def put_policy(self, policy: Policy, *, at: datetime) -> None:
        """Create or replace."""

    def delete_policy(self, policy_id: str) -> None:
        """Raises: NotFound."""

    def policies(self, *, offset: int, limit: int) -> Page[Policy]:
        """List in order of creation."""

    def using(self, policy_id: str) -> list[str]:
        """Return the ids of agreements that are not terminated and refer to this policy."""

    def agreement(self, agreement_id: str) -> Agreement:
        """Raises: NotFound."""

    def put_agreement(self, agreement: Agreement, *, accepts: Sequence[str], at: datetime) -> None:
        """Create or replace. ``accepts``: ids of its revisions whose records hold under it."""

    def accepts(self, agreement_id: str) -> tuple[str, ...]:
        """Return the ids of the revisions whose records hold under it."""

    def delete_agreement(self, agreement_id: str) -> None:
        """Raises: NotFound; Conflict where there are records for it."""

    def has_records(self, agreement_id: str) -> bool:
        """Tell whether there is any record for it, whatever it says."""

    def agreements(
        self, *, offset: int, limit: int, active: bool | None = None, terminated: bool | None = None
    ) -> Page[Agreement]:
        """List in order of creation."""


class RevisionRecords(Protocol):
    """Revisions: chains that only grow."""

    def append(self, revision: Revision) -> None:
        """Add to its object's chain, and name it its predecessor's successor. Raises: Conflict (not next)."""

    def get(self, revision_id: str) -> Revision:
        """Raises: NotFound."""

    def latest(self, schema: Schema, object_id: str) -> Revision | None:
        """Return the newest revision of an object, None where it never had one."""

    def of(
        self, schema: Schema, object_id: str, *, offset: int = 0, limit: int | None = None
    ) -> Page[Revision]:
        """List an object's revisions, oldest first."""

    def forget(self, schema: Schema, object_id: str) -> int:
        """Remove an object's revisions; return how many."""

    def all(self) -> Iterator[Revision]:
        """Yield every revision, by schema, object and number."""


class AuditRecords(Protocol):
    """The audit log: entries in one chain, and the batches that the block has signed."""

    def head(self) -> tuple[int, str]:
        """Return position and hash of the newest entry as they were noted; (0, GENESIS) for an empty log.

        A transaction that writes keeps others from appending until it ends.
        """

    def append(self, entry: AuditEntry) -> None:
        """Add an entry behind the head and note the new head. Raises: Conflict when it does not follow the head."""

    def entries(self, *, after: int = 0, limit: int | None = None) -> list[AuditEntry]:
        """Return entries in order behind a position."""

    def of_objects(
        self, *, offset: int, limit: int, object_id: str | None = None, schemas: Sequence[Schema] = ()
    ) -> Page[AuditEntry]:
        """List entries, newest first, of one object or of all, of these kinds of objects or of all."""

    def hide_subject(self, subject: str) -> int:
        """Take an individual's name (and salt) out of all entries; return of how many."""

    def last_batch(self) -> AuditBatch | None:
        """Return the newest batch."""

    def add_batch(self, batch: AuditBatch) -> None:
        """Raises: Conflict when there is one of this number."""

    def batches(self) -> list[AuditBatch]:
        """Return all, oldest first."""


class WebhookRecords(Protocol):
    """Webhooks and what waits to be delivered to them."""

    def get(self, webhook_id: str) -> Webhook:
        """Raises: NotFound."""

    def put(self, webhook: Webhook, *, at: datetime) -> None:
        """Create or replace."""

    def delete(self, webhook_id: str) -> None:
        """Remove it and its deliveries. Raises: NotFound."""

    def page(self, *, offset: int, limit: int) -> Page[Webhook]:
        """List in order of creation."""

    def enabled(self) -> list[str]:
        """Return the ids of those that want to be told."""

    def leave(self, delivery: Delivery) -> None:
        """Leave a message."""

    def next(self, webhook_id: str) -> Delivery | None:
        """Return the oldest message that is neither delivered nor given up."""

    def done(self, delivery_id: str) -> None:
        """Forget a delivered message."""

    def failed(self, delivery: Delivery) -> None:
        """Keep what became of an attempt."""

    def dead(self, *, limit: int) -> list[Delivery]:
        """Return messages that were given up, newest first."""
