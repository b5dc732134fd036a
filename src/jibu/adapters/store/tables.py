"""The tables, as the queries see them. Migrations create them; a test holds the two together.

Plain SQL types that every database has. Times are UTC. Opaque lists are compact JSON in text columns.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from jibu.adapters.store import columns
from jibu.adapters.store.columns import Id, Serial, UtcDateTime

metadata = columns.metadata

counters = Table(
    "counters",
    metadata,
    Column("name", Id, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

collections = Table(
    "collections",
    metadata,
    Column("collection_id", Id, primary_key=True),
    Column("title", Text, nullable=False),
    Column("languages", Text, nullable=False),
    Column("read_scopes", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

documents = Table(
    "documents",
    metadata,
    Column("document_id", Id, primary_key=True),
    Column("collection_id", Id, ForeignKey("collections.collection_id"), nullable=False),
    Column("external_id", Text),
    Column("owner", Text),
    Column("individual_id", Text),
    Column("agreement_id", Text),
    Column("version", Integer, nullable=False),
    Column("live_version", Integer),
    Column("received_at", UtcDateTime, nullable=False),
    Column("indexed_at", UtcDateTime),
    Column("stale_since", UtcDateTime),
    Index("documents_external", "collection_id", "external_id"),
    Index("documents_received", "received_at"),
)

versions = Table(
    "document_versions",
    metadata,
    Column("document_id", Id, ForeignKey("documents.document_id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("status", String(20), nullable=False),
    Column("failure_reason", String(100)),
    Column("failure_message", Text),
    Column("title", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("media_type", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("pages", Integer),
    Column("passages", Integer, nullable=False),
    Column("languages", Text, nullable=False),
    Column("language", String(50)),
    Column("url", Text),
    Column("licence", Text),
    Column("filename", Text),
    Column("live_from", BigInteger),
    Column("live_until", BigInteger),
    Index("document_versions_sha256", "sha256"),
)


def _of_version() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["document_id", "version"], ["document_versions.document_id", "document_versions.version"]
    )


contents = Table(
    "document_contents",
    metadata,
    Column("document_id", Id, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
    _of_version(),
)

texts = Table(
    "document_texts",
    metadata,
    Column("document_id", Id, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    _of_version(),
)

passages = Table(
    "passages",
    metadata,
    Column("passage_id", Id, primary_key=True),
    Column("document_id", Id, nullable=False),
    Column("version", Integer, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("start_offset", Integer, nullable=False),
    Column("end_offset", Integer, nullable=False),
    Column("page", Integer),
    Column("language", String(50), nullable=False),
    Column("structure", Text, nullable=False),
    # A copy of text[start:end]: slicing a long text for every hit costs far more than the space.
    Column("text", Text, nullable=False),
    _of_version(),
    UniqueConstraint("document_id", "version", "ordinal", name="passages_order"),
)

links = Table(
    "document_links",
    metadata,
    Column("document_id", Id, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("target", Text, nullable=False),
    _of_version(),
)

names = Table(
    "document_names",
    metadata,
    Column("document_id", Id, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("name", Id, primary_key=True),
    _of_version(),
    Index("document_names_name", "name"),
)

conversations = Table(
    "conversations",
    metadata,
    Column("conversation_id", Id, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index("conversations_owner", "owner", "created_at"),
)

turns = Table(
    "conversation_turns",
    metadata,
    Column("conversation_id", Id, ForeignKey("conversations.conversation_id"), primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("role", String(20), nullable=False),
    Column("text", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("answer_id", Id),
    Column("individual_id", Text),
    Column("agreement_id", Text),
    Index("conversation_turns_individual", "individual_id"),
)

answers = Table(
    "answers",
    metadata,
    Column("answer_id", Id, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("conversation_id", Id, ForeignKey("conversations.conversation_id")),
    Column("question_sha256", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("body", Text, nullable=False),
    Column("individual_id", Text),
    Column("agreement_id", Text),
    Index("answers_conversation", "conversation_id"),
    Index("answers_individual", "individual_id"),
    Index("answers_created", "created_at"),
)

feedback = Table(
    "feedback",
    metadata,
    Column("answer_id", Id, ForeignKey("answers.answer_id"), primary_key=True),
    Column("rating", String(20), nullable=False),
    Column("reason", Text),
    Column("created_at", UtcDateTime, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("job_id", Serial, primary_key=True, autoincrement=True),
    Column("kind", String(50), nullable=False),
    Column("key", Id, nullable=False),
    Column("version", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("lease_token", String(64)),
    Column("lease_until", UtcDateTime),
    Column("parked", Boolean(create_constraint=False), nullable=False, server_default=false()),
    Column("error", Text),
    UniqueConstraint("kind", "key", "version", name="jobs_once"),
    Index("jobs_due", "due_at"),
    Index("jobs_key", "key"),
    sqlite_autoincrement=True,
)

events = Table(
    "events",
    metadata,
    Column("position", Serial, primary_key=True, autoincrement=True),
    Column("event_id", String(64), nullable=False, unique=True),
    Column("type", String(100), nullable=False),
    Column("subject", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("time", UtcDateTime, nullable=False),
    Column("data", Text, nullable=False),
    sqlite_autoincrement=True,
)

event_holds = Table(
    "event_holds",
    metadata,
    Column("key", Text, primary_key=True),
    Column("event_id", String(64), nullable=False, unique=True),
    Column("attempts", Integer, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("parked", Boolean(create_constraint=False), nullable=False, server_default=false()),
    Column("reason", String(100), nullable=False),
)

seen_events = Table(
    "seen_events",
    metadata,
    Column("once", String(64), primary_key=True),
    Column("seen_at", UtcDateTime, nullable=False),
    Index("seen_events_seen", "seen_at"),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("place", Id, primary_key=True),
    Column("reason", String(100), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("buried_at", UtcDateTime, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Id, primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("until", UtcDateTime, nullable=False),
)

receipts = Table(
    "erasure_receipts",
    metadata,
    Column("receipt_id", String(64), primary_key=True),
    Column("document_id", Id, unique=True),
    Column("erased_at", UtcDateTime, nullable=False),
    Column("removed", Text, nullable=False),
    Column("verified", Text, nullable=False),
    Column("client", Text),
    Column("individual", Text),
    Column("documents", Text, nullable=False, server_default="[]"),
    Column("signature", Text),
    Column("complete", Boolean(create_constraint=False), nullable=False, server_default=false()),
    Index("erasure_receipts_complete", "complete"),
)

generations = Table(
    "index_generations",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("choice", Text, nullable=False),
    Column("embedder", Text, nullable=False),
    Column("dimension", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("live_at", UtcDateTime),
    Column("fed_until", UtcDateTime),
)
