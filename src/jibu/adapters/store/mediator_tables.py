"""The mediator's tables."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from jibu.adapters.store.columns import Id, Serial, UtcDateTime, metadata

ServiceCode = String(64).with_variant(String(64, collation="C"), "postgresql")

members = Table(
    "mediator_members",
    metadata,
    Column("member_id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

applications = Table(
    "mediator_applications",
    metadata,
    Column("application_id", Id, primary_key=True),
    Column("member_id", Id, ForeignKey("mediator_members.member_id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("connection", String(30), nullable=False, server_default="https"),
    Index("mediator_applications_member", "member_id"),
)

instances = Table(
    "mediator_instances",
    metadata,
    Column("instance", Id, primary_key=True),
    Column("domain", Text, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

services = Table(
    "mediator_services",
    metadata,
    Column("application_id", Id, ForeignKey("mediator_applications.application_id"), primary_key=True),
    Column("code", ServiceCode, primary_key=True),
    Column("title", Text, nullable=False),
    Column("version", Text),
    Column("base_url", Text, nullable=False),  # empty where there is none
    Column("endpoints", Text, nullable=False),
    Column("description", Text),
    Column("timeout_s", Float, nullable=False),
    Column("agreement_id", Text),
    Column("private_host", Boolean(create_constraint=False), nullable=False),
    Column("enabled", Boolean(create_constraint=False), nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("spec_url", Text),
)

rights = Table(
    "mediator_rights",
    metadata,
    Column("provider_id", Id, primary_key=True),
    Column("service", ServiceCode, primary_key=True),
    Column("consumer_id", Id, ForeignKey("mediator_applications.application_id"), primary_key=True),
    Column("endpoints", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(
        ["provider_id", "service"], ["mediator_services.application_id", "mediator_services.code"]
    ),
    Index("mediator_rights_consumer", "consumer_id"),
)

registrations = Table(
    "mediator_registrations",
    metadata,
    Column("registration_id", Id, primary_key=True),
    Column("application_id", Id, nullable=False),
    Column("name", Text, nullable=False),
    Column("service", Text),
    Column("status", String(20), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("decided_at", UtcDateTime),
    Column("decided_by", Text),
    Column("reason", Text),
    Index("mediator_registrations_application", "application_id"),
    Index("mediator_registrations_created", "created_at"),
)

messages = Table(
    "mediator_messages",
    metadata,
    Column("position", Serial, primary_key=True, autoincrement=True),
    Column("message_id", String(64), nullable=False, unique=True),
    Column("request_id", String(128), nullable=False),
    Column("trace_id", String(32), nullable=False),
    Column("consumer", Id, nullable=False),
    Column("provider", Id, nullable=False),
    Column("service", ServiceCode, nullable=False),
    Column("method", String(20), nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("duration_ms", BigInteger, nullable=False),
    Column("request_bytes", BigInteger, nullable=False),
    Column("response_bytes", BigInteger, nullable=False),
    Column("request_sha256", String(64), nullable=False),
    Column("response_sha256", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("outcome", String(50), nullable=False),
    Column("sequence", BigInteger, unique=True),
    Column("chain_sha256", String(64)),
    Column("batch", Integer),
    Index("mediator_messages_started", "started_at"),
    Index("mediator_messages_consumer", "consumer", "started_at"),
    Index("mediator_messages_provider", "provider", "service", "started_at"),
    Index("mediator_messages_request", "request_id"),
    Index("mediator_messages_batch", "batch"),
    sqlite_autoincrement=True,
)

batches = Table(
    "mediator_batches",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("previous_sha256", String(64), nullable=False),
    Column("head_sha256", String(64), nullable=False),
    Column("signed_at", UtcDateTime, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("signature", Text, nullable=False),
    Column("dropped_at", UtcDateTime),
    Column("drop_token", Text),
)
