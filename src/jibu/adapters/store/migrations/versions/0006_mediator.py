"""The mediator: members, applications, services, rights, registrations, the message log and its batches."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID = sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")
CODE = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
APPLICATION = ["mediator_applications.application_id"]


def upgrade() -> None:
    _directory()
    _registrations()
    _messages()


def _directory() -> None:
    op.create_table(
        "mediator_members",
        sa.Column("member_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("member_id"),
    )
    op.create_table(
        "mediator_applications",
        sa.Column("application_id", ID, nullable=False),
        sa.Column("member_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["mediator_members.member_id"]),
        sa.PrimaryKeyConstraint("application_id"),
    )
    op.create_index("mediator_applications_member", "mediator_applications", ["member_id"], unique=False)
    op.create_table(
        "mediator_services",
        sa.Column("application_id", ID, nullable=False),
        sa.Column("code", CODE, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=True),
        sa.Column("base_url", sa.Text(), nullable=False),
        sa.Column("endpoints", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("timeout_s", sa.Float(), nullable=False),
        sa.Column("agreement_id", sa.Text(), nullable=True),
        sa.Column("private_host", sa.Boolean(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["application_id"], APPLICATION),
        sa.PrimaryKeyConstraint("application_id", "code"),
    )
    op.create_table(
        "mediator_rights",
        sa.Column("provider_id", ID, nullable=False),
        sa.Column("service", CODE, nullable=False),
        sa.Column("consumer_id", ID, nullable=False),
        sa.Column("endpoints", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["provider_id", "service"], ["mediator_services.application_id", "mediator_services.code"]
        ),
        sa.ForeignKeyConstraint(["consumer_id"], APPLICATION),
        sa.PrimaryKeyConstraint("provider_id", "service", "consumer_id"),
    )
    op.create_index("mediator_rights_consumer", "mediator_rights", ["consumer_id"], unique=False)


def _registrations() -> None:
    op.create_table(
        "mediator_registrations",
        sa.Column("registration_id", ID, nullable=False),
        sa.Column("application_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("decided_at", TIME, nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("registration_id"),
    )
    for name, column in (("application", "application_id"), ("created", "created_at")):
        op.create_index(f"mediator_registrations_{name}", "mediator_registrations", [column], unique=False)


def _messages() -> None:
    op.create_table(
        "mediator_messages",
        sa.Column("position", SERIAL, autoincrement=True, nullable=False),
        sa.Column("message_id", sa.String(length=64), nullable=False),
        sa.Column("request_id", sa.String(length=128), nullable=False),
        sa.Column("trace_id", sa.String(length=32), nullable=False),
        sa.Column("consumer", ID, nullable=False),
        sa.Column("provider", ID, nullable=False),
        sa.Column("service", CODE, nullable=False),
        sa.Column("method", sa.String(length=20), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.Column("request_bytes", sa.BigInteger(), nullable=False),
        sa.Column("response_bytes", sa.BigInteger(), nullable=False),
        sa.Column("request_sha256", sa.String(length=64), nullable=False),
        sa.Column("response_sha256", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=50), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("chain_sha256", sa.String(length=64), nullable=True),
        sa.Column("batch", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("message_id"),
        sa.UniqueConstraint("sequence"),
        sqlite_autoincrement=True,
    )
    for name, columns in (
        ("started", ["started_at"]),
        ("consumer", ["consumer", "started_at"]),
        ("provider", ["provider", "service", "started_at"]),
        ("request", ["request_id"]),
        ("batch", ["batch"]),
    ):
        op.create_index(f"mediator_messages_{name}", "mediator_messages", columns, unique=False)
    op.create_table(
        "mediator_batches",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("previous_sha256", sa.String(length=64), nullable=False),
        sa.Column("head_sha256", sa.String(length=64), nullable=False),
        sa.Column("signed_at", TIME, nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("dropped_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("number"),
    )


def downgrade() -> None:
    for table in ("batches", "messages", "registrations", "rights", "services", "applications", "members"):
        op.drop_table(f"mediator_{table}")
