"""What an answer was made from, and the log of consent decisions."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, String, Table, Text

from jibu.adapters.store.columns import Id, UtcDateTime, metadata

answer_documents = Table(
    "answer_documents",
    metadata,
    Column("answer_id", Id, ForeignKey("answers.answer_id"), primary_key=True),
    Column("document_id", Id, ForeignKey("documents.document_id"), primary_key=True),
    Index("answer_documents_document", "document_id"),
)

decisions = Table(
    "consent_decisions",
    metadata,
    Column("decision_id", String(64), primary_key=True),
    Column("decided_at", UtcDateTime, nullable=False),
    Column("granted", Boolean(create_constraint=False), nullable=False),
    Column("reason", String(50), nullable=False),
    Column("individual_id", Text, nullable=False),
    Column("agreement_id", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("subject", Text),
    Column("purpose", String(50), nullable=False),
    Index("consent_decisions_decided", "decided_at"),
    Index("consent_decisions_individual", "individual_id"),
)
