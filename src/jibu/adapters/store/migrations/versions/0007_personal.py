"""Answers know their sources and their consent; receipts are signed. Quotes of erased documents go."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ID = sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)
ANSWERS = sa.table("answers", sa.column("answer_id"), sa.column("body"), sa.column("individual_id"))
FEEDBACK = sa.table("feedback", sa.column("answer_id"))
TURNS = sa.table("conversation_turns", sa.column("answer_id"), sa.column("text"), sa.column("individual_id"))
DOCUMENTS = sa.table("documents", sa.column("document_id"))
SOURCES = sa.table("answer_documents", sa.column("answer_id"), sa.column("document_id"))
RECEIPTS = sa.table("erasure_receipts", sa.column("document_id"))


def upgrade() -> None:
    op.create_table(
        "answer_documents",
        sa.Column("answer_id", ID, nullable=False),
        sa.Column("document_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["answer_id"], ["answers.answer_id"]),
        sa.ForeignKeyConstraint(["document_id"], ["documents.document_id"]),
        sa.PrimaryKeyConstraint("answer_id", "document_id"),
    )
    op.create_index("answer_documents_document", "answer_documents", ["document_id"], unique=False)
    op.create_table(
        "consent_decisions",
        sa.Column("decision_id", sa.String(64), nullable=False),
        sa.Column("decided_at", TIME, nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(50), nullable=False),
        sa.Column("individual_id", sa.Text(), nullable=False),
        sa.Column("agreement_id", sa.Text(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text()),
        sa.Column("purpose", sa.String(50), nullable=False),
        sa.PrimaryKeyConstraint("decision_id"),
    )
    op.create_index("consent_decisions_decided", "consent_decisions", ["decided_at"], unique=False)
    op.create_index("consent_decisions_individual", "consent_decisions", ["individual_id"], unique=False)
    for table in ("answers", "conversation_turns"):
        for column in ("individual_id", "agreement_id"):
            op.add_column(table, sa.Column(column, sa.Text()))
        op.create_index(f"{table}_individual", table, ["individual_id"], unique=False)
    with op.batch_alter_table("erasure_receipts") as batch:
        batch.alter_column("document_id", existing_type=ID, nullable=True)
        batch.add_column(sa.Column("client", sa.Text()))
        batch.add_column(sa.Column("individual", sa.Text()))
        batch.add_column(sa.Column("documents", sa.Text(), nullable=False, server_default="[]"))
        batch.add_column(sa.Column("signature", sa.Text()))
        batch.add_column(sa.Column("complete", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("erasure_receipts_complete", "erasure_receipts", ["complete"], unique=False)
    _look_at_answers(op.get_bind())


def _look_at_answers(db: sa.Connection) -> None:
    """Note what every stored answer was made from; take out what it quotes of documents that are gone."""
    present = set(db.execute(sa.select(DOCUMENTS.c.document_id)).scalars())
    ids = db.execute(sa.select(ANSWERS.c.answer_id)).scalars().all()
    for answer_id in ids:
        mine = ANSWERS.c.answer_id == answer_id
        body = json.loads(db.execute(sa.select(ANSWERS.c.body).where(mine)).scalar_one())
        cited = {citation["document_id"] for citation in body["citations"]}
        kept = [{"answer_id": answer_id, "document_id": name} for name in sorted(cited & present)]
        if kept:
            db.execute(sa.insert(SOURCES), kept)
        if cited - present:
            text = json.dumps(_without(body, present), ensure_ascii=False, separators=(",", ":"))
            db.execute(sa.update(ANSWERS).where(mine).values(body=text))
            db.execute(sa.update(TURNS).where(TURNS.c.answer_id == answer_id).values(text=""))


def _without(body: dict[str, Any], present: set[str]) -> dict[str, Any]:
    empty: dict[str, Any] = {"title": "", "quote": "", "section_path": [], "url": None, "start": 0, "end": 0}
    citations = [
        citation if citation["document_id"] in present else citation | empty for citation in body["citations"]
    ]
    return body | {"text": "", "claims": [], "citations": citations, "reason": "source-erased"}


def downgrade() -> None:
    op.execute(sa.delete(RECEIPTS).where(RECEIPTS.c.document_id.is_(None)))
    op.drop_index("erasure_receipts_complete", "erasure_receipts")
    with op.batch_alter_table("erasure_receipts") as batch:
        for column in ("complete", "signature", "documents", "individual", "client"):
            batch.drop_column(column)
        batch.alter_column("document_id", existing_type=ID, nullable=False)
    op.drop_table("consent_decisions")
    op.drop_table("answer_documents")
    # What was said under a consent goes: the version before would show it without asking.
    personal = sa.select(ANSWERS.c.answer_id).where(ANSWERS.c.individual_id.is_not(None))
    op.execute(sa.delete(FEEDBACK).where(FEEDBACK.c.answer_id.in_(personal)))
    for values in (TURNS, ANSWERS):
        table = values.name
        op.execute(sa.delete(values).where(values.c.individual_id.is_not(None)))
        op.drop_index(f"{table}_individual", table)
        for column in ("agreement_id", "individual_id"):
            op.drop_column(table, column)
