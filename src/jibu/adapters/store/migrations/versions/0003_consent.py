"""Consent: policies, agreements, individuals, records, revisions, webhooks; and the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
YES_NO = sa.Boolean(create_constraint=False)


def upgrade() -> None:
    _agreements()
    _records()
    _revisions()
    _webhooks()
    _audit()


def _agreements() -> None:
    op.create_table(
        "consent_policies",
        sa.Column("policy_id", ID, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("policy_id"),
    )
    op.create_table(
        "consent_agreements",
        sa.Column("agreement_id", ID, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("policy_id", ID, nullable=True),
        sa.Column("active", YES_NO, nullable=False),
        sa.Column("terminated", YES_NO, nullable=False),
        sa.Column("forgettable", YES_NO, nullable=False),
        sa.Column("signature_required", YES_NO, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("agreement_id"),
    )
    op.create_index("consent_agreements_policy", "consent_agreements", ["policy_id"], unique=False)
    op.create_table(
        "consent_agreement_accepts",
        sa.Column("agreement_id", ID, nullable=False),
        sa.Column("revision_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["agreement_id"], ["consent_agreements.agreement_id"]),
        sa.PrimaryKeyConstraint("agreement_id", "revision_id"),
    )


def _records() -> None:
    op.create_table(
        "consent_individuals",
        sa.Column("individual_id", ID, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("external_id_type", sa.Text(), nullable=True),
        sa.Column("identity_provider_id", sa.Text(), nullable=True),
        sa.Column("keys", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("individual_id"),
    )
    op.create_table(
        "consent_records",
        sa.Column("record_id", ID, nullable=False),
        sa.Column("individual_id", ID, nullable=False),
        sa.Column("agreement_id", ID, nullable=False),
        sa.Column("agreement_revision_id", ID, nullable=False),
        sa.Column("agreement_revision_hash", sa.String(length=64), nullable=False),
        sa.Column("opt_in", YES_NO, nullable=False),
        sa.Column("state", sa.String(length=30), nullable=False),
        sa.Column("signature_id", ID, nullable=True),
        sa.Column("current", YES_NO, nullable=False),
        sa.Column("took_effect", YES_NO, nullable=False),
        sa.Column("given_at", TIME, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["agreement_id"], ["consent_agreements.agreement_id"]),
        sa.ForeignKeyConstraint(["individual_id"], ["consent_individuals.individual_id"]),
        sa.PrimaryKeyConstraint("record_id"),
        sa.UniqueConstraint("individual_id", "agreement_revision_id", name="consent_records_once"),
    )
    op.create_index("consent_records_agreement", "consent_records", ["agreement_id"], unique=False)
    op.create_index(
        "consent_records_individual", "consent_records", ["individual_id", "agreement_id"], unique=False
    )
    op.create_table(
        "consent_signatures",
        sa.Column("signature_id", ID, nullable=False),
        sa.Column("record_id", ID, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["record_id"], ["consent_records.record_id"]),
        sa.PrimaryKeyConstraint("signature_id"),
    )
    op.create_index("consent_signatures_record", "consent_signatures", ["record_id"], unique=False)
    op.create_table(
        "consent_used_signatures",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("used_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )


def _revisions() -> None:
    op.create_table(
        "consent_revisions",
        sa.Column("revision_id", ID, nullable=False),
        sa.Column("schema_name", sa.String(length=30), nullable=False),
        sa.Column("object_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("snapshot", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("by_individual", sa.Text(), nullable=True),
        sa.Column("by_other", sa.Text(), nullable=True),
        sa.Column("without_object_id", YES_NO, nullable=False),
        sa.Column("predecessor_hash", sa.String(length=64), nullable=True),
        sa.Column("predecessor_signature", sa.Text(), nullable=True),
        sa.Column("successor_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("revision_id"),
        sa.UniqueConstraint("schema_name", "object_id", "number", name="consent_revisions_chain"),
    )


def _webhooks() -> None:
    op.create_table(
        "consent_webhooks",
        sa.Column("webhook_id", ID, nullable=False),
        sa.Column("payload_url", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("disabled", YES_NO, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("webhook_id"),
    )
    op.create_table(
        "consent_deliveries",
        sa.Column("position", SERIAL, autoincrement=True, nullable=False),
        sa.Column("delivery_id", ID, nullable=False),
        sa.Column("webhook_id", ID, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", TIME, nullable=True),
        sa.Column("dead", YES_NO, nullable=False),
        sa.Column("error", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["webhook_id"], ["consent_webhooks.webhook_id"]),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("delivery_id"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "consent_deliveries_webhook", "consent_deliveries", ["webhook_id", "position"], unique=False
    )


def _audit() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("action", sa.String(length=50), nullable=False),
        sa.Column("schema_name", sa.String(length=30), nullable=False),
        sa.Column("object_id", ID, nullable=False),
        sa.Column("revision_id", ID, nullable=True),
        sa.Column("revision_hash", sa.String(length=64), nullable=True),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("salt", sa.String(length=64), nullable=True),
        sa.Column("commitment", sa.String(length=64), nullable=True),
        sa.Column("at", TIME, nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("position"),
    )
    op.create_index("audit_entries_object", "audit_entries", ["object_id"], unique=False)
    op.create_table(
        "audit_batches",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.String(length=64), nullable=False),
        sa.Column("signed_at", TIME, nullable=False),
        sa.Column("jws", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "audit_heads",
        sa.Column("name", ID, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def downgrade() -> None:
    for table in (
        "audit_heads",
        "audit_batches",
        "audit_entries",
        "consent_deliveries",
        "consent_webhooks",
        "consent_revisions",
        "consent_used_signatures",
        "consent_signatures",
        "consent_records",
        "consent_individuals",
        "consent_agreement_accepts",
        "consent_agreements",
        "consent_policies",
    ):
        op.drop_table(table)
