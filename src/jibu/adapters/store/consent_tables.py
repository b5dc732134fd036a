"""The tables of consent and of the audit log."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from jibu.adapters.store.columns import Id, Serial, UtcDateTime, metadata

YesNo = Boolean(create_constraint=False)

policies = Table(
    "consent_policies",
    metadata,
    Column("policy_id", Id, primary_key=True),
    Column("body", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

agreements = Table(
    "consent_agreements",
    metadata,
    Column("agreement_id", Id, primary_key=True),
    Column("body", Text, nullable=False),
    Column("policy_id", Id),
    Column("active", YesNo, nullable=False),
    Column("terminated", YesNo, nullable=False),
    Column("forgettable", YesNo, nullable=False),
    Column("signature_required", YesNo, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index("consent_agreements_policy", "policy_id"),
)

accepts = Table(
    "consent_agreement_accepts",
    metadata,
    Column("agreement_id", Id, ForeignKey("consent_agreements.agreement_id"), primary_key=True),
    Column("revision_id", Id, primary_key=True),
)

individuals = Table(
    "consent_individuals",
    metadata,
    Column("individual_id", Id, primary_key=True),
    Column("external_id", Text),
    Column("external_id_type", Text),
    Column("identity_provider_id", Text),
    Column("keys", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

records = Table(
    "consent_records",
    metadata,
    Column("record_id", Id, primary_key=True),
    Column("individual_id", Id, ForeignKey("consent_individuals.individual_id"), nullable=False),
    Column("agreement_id", Id, ForeignKey("consent_agreements.agreement_id"), nullable=False),
    Column("agreement_revision_id", Id, nullable=False),
    Column("agreement_revision_hash", String(64), nullable=False),
    Column("opt_in", YesNo, nullable=False),
    Column("state", String(30), nullable=False),
    Column("signature_id", Id),
    Column("current", YesNo, nullable=False),
    Column("took_effect", YesNo, nullable=False),
    Column("given_at", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("individual_id", "agreement_revision_id", name="consent_records_once"),
    Index("consent_records_agreement", "agreement_id"),
    Index("consent_records_individual", "individual_id", "agreement_id"),
)

signatures = Table(
    "consent_signatures",
    metadata,
    Column("signature_id", Id, primary_key=True),
    Column("record_id", Id, ForeignKey("consent_records.record_id"), nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index("consent_signatures_record", "record_id"),
)

used_signatures = Table(
    "consent_used_signatures",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("used_at", UtcDateTime, nullable=False),
)

revisions = Table(
    "consent_revisions",
    metadata,
    Column("revision_id", Id, primary_key=True),
    Column("schema_name", String(30), nullable=False),
    Column("object_id", Id, nullable=False),
    Column("number", Integer, nullable=False),
    Column("snapshot", Text, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("by_individual", Text),
    Column("by_other", Text),
    Column("without_object_id", YesNo, nullable=False),
    Column("predecessor_hash", String(64)),
    Column("predecessor_signature", Text),
    Column("successor_id", Id),
    UniqueConstraint("schema_name", "object_id", "number", name="consent_revisions_chain"),
)

webhooks = Table(
    "consent_webhooks",
    metadata,
    Column("webhook_id", Id, primary_key=True),
    Column("payload_url", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("disabled", YesNo, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

deliveries = Table(
    "consent_deliveries",
    metadata,
    Column("position", Serial, primary_key=True, autoincrement=True),
    Column("delivery_id", Id, nullable=False, unique=True),
    Column("webhook_id", Id, ForeignKey("consent_webhooks.webhook_id"), nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", UtcDateTime),
    Column("dead", YesNo, nullable=False),
    Column("error", String(200)),
    Index("consent_deliveries_webhook", "webhook_id", "position"),
    sqlite_autoincrement=True,
)

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("action", String(50), nullable=False),
    Column("schema_name", String(30), nullable=False),
    Column("object_id", Id, nullable=False),
    Column("revision_id", Id),
    Column("revision_hash", String(64)),
    Column("client", Text, nullable=False),
    Column("subject", Text),
    Column("salt", String(64)),
    Column("commitment", String(64)),
    Column("at", UtcDateTime, nullable=False),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("audit_entries_object", "object_id"),
)

audit_batches = Table(
    "audit_batches",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("head", String(64), nullable=False),
    Column("signed_at", UtcDateTime, nullable=False),
    Column("jws", Text, nullable=False),
)

audit_heads = Table(
    "audit_heads",
    metadata,
    Column("name", Id, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
)
