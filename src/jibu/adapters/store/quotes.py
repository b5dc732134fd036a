"""What answers and conversations keep of documents and individuals, and how it is taken out of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete, exists, func, insert, or_, select, update

from jibu.adapters.store import answer_codec
from jibu.adapters.store import tables as t
from jibu.adapters.store.personal_tables import answer_documents
from jibu.domain.answers import Answer
from jibu.domain.redaction import without_documents

A = t.answers.c
T = t.turns.c
F = t.feedback.c
S = answer_documents.c
Counts = tuple[tuple[str, int], ...]


def note_sources(db: Connection, answer: Answer) -> None:
    """Remember what an answer was made from. Breaks a constraint where one of them is gone."""
    sources = sorted({citation.document_id for citation in answer.citations})
    if sources:
        rows = [{"answer_id": answer.answer_id, "document_id": name} for name in sources]
        db.execute(insert(answer_documents), rows)


def drop_sources(db: Connection, which: Any) -> None:
    """Forget what answers were made from."""
    db.execute(delete(answer_documents).where(S.answer_id.in_(select(A.answer_id).where(which))))


def forget_document(db: Connection, document_id: str) -> Counts:
    """Take what was said from a document out of answers and conversations; return how many of each.

    An answer that was being kept meanwhile is either seen here or refused: its row points at the document's.
    """
    document = select(t.documents.c.individual_id).where(t.documents.c.document_id == document_id)
    personal = db.execute(document.with_for_update()).scalar() is not None
    ids = list(db.execute(select(S.answer_id).where(S.document_id == document_id)).scalars())
    for answer_id in ids:
        body = db.execute(select(A.body).where(A.answer_id == answer_id).with_for_update()).scalar_one()
        found = without_documents(answer_codec.load_answer(body), {document_id})
        changed = update(t.answers).where(A.answer_id == answer_id)
        db.execute(changed.values(body=answer_codec.dump_answer(found)))
    turns = _empty_turns(db, ids, questions=personal)
    db.execute(update(t.feedback).where(F.answer_id.in_(ids)).values(reason=None))
    db.execute(delete(answer_documents).where(S.document_id == document_id))
    return (("answers", len(ids)), ("conversation_turns", turns))


def _empty_turns(db: Connection, answers: list[str], *, questions: bool) -> int:
    """Empty what was answered, and what was asked where that was personal too."""
    told = T.answer_id.in_(answers)
    emptied = 0
    if questions:
        later = t.turns.alias("later")
        answered = exists().where(
            later.c.conversation_id == T.conversation_id,
            later.c.ordinal == T.ordinal + 1,
            later.c.answer_id.in_(answers),
        )
        emptied = db.execute(update(t.turns).where(answered, T.role == "user").values(text="")).rowcount
    return emptied + db.execute(update(t.turns).where(told).values(text="")).rowcount


def forget_individual(db: Connection, individual_id: str) -> Counts:
    """Remove what was said on behalf of an individual, and their own conversations; return how many rows."""
    conversations, answers, turns = _of_individual(db, individual_id)
    ids = select(A.answer_id).where(answers)
    removed = []
    for table, which in (
        (t.feedback, F.answer_id.in_(ids)),
        (answer_documents, S.answer_id.in_(ids)),
        (t.answers, answers),
        (t.turns, turns),
        (t.conversations, conversations),
    ):
        count = db.execute(delete(table).where(which)).rowcount
        if table is not answer_documents:
            removed.append((table.name, count))
    return tuple(removed)


def count_of_individual(db: Connection, individual_id: str) -> int:
    """Count the rows that ``forget_individual`` would remove, feedback apart."""
    tables = zip((t.conversations, t.answers, t.turns), _of_individual(db, individual_id), strict=True)
    counts = (select(func.count()).select_from(table).where(which) for table, which in tables)
    return sum(int(db.execute(count).scalar_one()) for count in counts)


def _of_individual(db: Connection, individual_id: str) -> tuple[Any, Any, Any]:
    """Return which conversations, answers and turns are an individual's."""
    owners = [
        *_owners(db, t.conversations.c.owner, individual_id),
        *_owners(db, A.owner, individual_id),
    ]
    conversations = t.conversations.c.owner.in_(owners)
    own = select(t.conversations.c.conversation_id).where(conversations)
    answers = or_(A.individual_id == individual_id, A.owner.in_(owners), A.conversation_id.in_(own))
    return conversations, answers, or_(T.individual_id == individual_id, T.conversation_id.in_(own))


def _owners(db: Connection, owner: Any, individual_id: str) -> list[str]:
    """Return the owner keys of callers who are this individual (``client|subject``; no client has a bar)."""
    query = select(owner).distinct().where(owner.endswith(f"|{individual_id}", autoescape=True))
    return [found for found in db.execute(query).scalars() if found.partition("|")[2] == individual_id]


def count_of_document(db: Connection, document_id: str) -> int:
    """Count the answers that still keep something of a document."""
    return len(db.execute(select(S.answer_id).where(S.document_id == document_id)).all())
