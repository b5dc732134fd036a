"""Conversations, answers and feedback in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from jibu.adapters.store import answer_codec, quotes
from jibu.adapters.store import tables as t
from jibu.adapters.store.turns import ANSWER, CONVERSATION, take
from jibu.domain.answers import Answer, Conversation, Feedback, Turn
from jibu.domain.errors import NotFound
from jibu.domain.personal import PersonalContext
from jibu.ports import Page

C = t.conversations.c
A = t.answers.c


class SqlConversations:
    """See ``jibu.ports.ConversationRecords``."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def create(self, conversation: Conversation) -> None:
        """Store a new conversation with its turns."""
        self._db.execute(
            insert(t.conversations).values(
                conversation_id=conversation.conversation_id,
                owner=conversation.owner,
                created_at=conversation.created_at,
            )
        )
        self.append(conversation.conversation_id, conversation.turns)

    def get(self, conversation_id: str, owner: str) -> Conversation:
        """Return one with its turns. Raises: NotFound."""
        row = self._own(conversation_id, owner)
        turns = select(t.turns).where(t.turns.c.conversation_id == conversation_id)
        rows = self._db.execute(turns.order_by(t.turns.c.ordinal))
        return _conversation(row, tuple(_turn(turn) for turn in rows))

    def asked(
        self, conversation_id: str, owner: str, limit: int, *, context: PersonalContext | None = None
    ) -> tuple[str, ...]:
        """Return the user's last turns, latest first. Raises: NotFound."""
        self._own(conversation_id, owner)
        c = t.turns.c
        shown: ColumnElement[bool] = c.individual_id.is_(None)
        if context is not None:
            mine = and_(c.individual_id == context.individual_id, c.agreement_id == context.agreement_id)
            shown = or_(shown, mine)
        said = select(c.text).where(
            c.conversation_id == conversation_id, c.role == "user", c.text != "", shown
        )
        return tuple(self._db.execute(said.order_by(t.turns.c.ordinal.desc()).limit(limit)).scalars())

    def _own(self, conversation_id: str, owner: str) -> Row[Any]:
        query = select(t.conversations).where(C.conversation_id == conversation_id, C.owner == owner)
        row = self._db.execute(query).one_or_none()
        if row is None:
            raise _missing(conversation_id)
        return row

    def page(self, owner: str, *, offset: int, limit: int) -> Page[Conversation]:
        """List without turns, newest first."""
        mine = C.owner == owner
        total = self._db.execute(select(func.count()).select_from(t.conversations).where(mine)).scalar_one()
        query = select(t.conversations).where(mine).order_by(C.created_at.desc(), C.conversation_id)
        rows = self._db.execute(query.offset(offset).limit(limit))
        return Page(tuple(_conversation(row, ()) for row in rows), int(total))

    def append(self, conversation_id: str, turns: Sequence[Turn]) -> None:
        """Add turns. Raises: NotFound."""
        take(self._db, CONVERSATION, conversation_id)  # two appends never take the same number
        known = select(C.conversation_id).where(C.conversation_id == conversation_id)
        if self._db.execute(known).scalar() is None:
            raise _missing(conversation_id)
        last = select(func.max(t.turns.c.ordinal)).where(t.turns.c.conversation_id == conversation_id)
        first = int(self._db.execute(last).scalar() or 0) + 1
        values = [
            {
                "conversation_id": conversation_id,
                "ordinal": ordinal,
                "role": turn.role,
                "text": turn.text,
                "created_at": turn.created_at,
                "answer_id": turn.answer_id,
                **_personal(turn.personal),
            }
            for ordinal, turn in enumerate(turns, first)
        ]
        if values:
            self._db.execute(insert(t.turns), values)

    def delete(self, conversation_id: str, owner: str) -> None:
        """Remove a conversation with all that hangs on it. Raises: NotFound."""
        take(self._db, CONVERSATION, conversation_id)
        self.get(conversation_id, owner)
        of_it = A.conversation_id == conversation_id
        self._drop_answers(of_it)
        self._db.execute(delete(t.turns).where(t.turns.c.conversation_id == conversation_id))
        self._db.execute(delete(t.conversations).where(C.conversation_id == conversation_id))

    def _drop_answers(self, which: Any) -> int:
        ids = select(A.answer_id).where(which)
        self._db.execute(delete(t.feedback).where(t.feedback.c.answer_id.in_(ids)))
        quotes.drop_sources(self._db, which)
        return self._db.execute(delete(t.answers).where(which)).rowcount

    def save_answer(self, answer: Answer, *, owner: str, question_sha256: str) -> None:
        """Keep an answer. Raises: NotFound when its conversation or a source is gone meanwhile."""
        if answer.conversation_id is not None:
            take(self._db, CONVERSATION, answer.conversation_id)
        values = {
            "answer_id": answer.answer_id,
            "owner": owner,
            "conversation_id": answer.conversation_id,
            "question_sha256": question_sha256,
            "created_at": answer.created_at,
            "body": answer_codec.dump_answer(answer),
            **_personal(answer.personal),
        }
        with self._db.begin_nested():
            try:
                self._db.execute(insert(t.answers).values(**values))
            except IntegrityError as error:
                raise _missing(answer.conversation_id or "") from error
            try:
                quotes.note_sources(self._db, answer)
            except IntegrityError as error:
                raise NotFound("a document that the answer cites was erased meanwhile") from error

    def answer(self, answer_id: str) -> tuple[Answer, str]:
        """Return an answer and its owner. Raises: NotFound."""
        row = self._db.execute(select(t.answers).where(A.answer_id == answer_id)).one_or_none()
        if row is None:
            raise NotFound(f"no answer {answer_id!r}")
        return answer_codec.load_answer(row.body), row.owner

    def add_feedback(self, feedback: Feedback) -> None:
        """Keep or replace the feedback on an answer. Raises: NotFound."""
        take(self._db, ANSWER, feedback.answer_id)
        self.answer(feedback.answer_id)
        values = {"rating": feedback.rating, "reason": feedback.reason, "created_at": feedback.created_at}
        old = update(t.feedback).where(t.feedback.c.answer_id == feedback.answer_id)
        if not self._db.execute(old.values(**values)).rowcount:
            self._db.execute(insert(t.feedback).values(answer_id=feedback.answer_id, **values))

    def forget_individual(self, individual_id: str) -> tuple[tuple[str, int], ...]:
        """Remove what was said on behalf of an individual."""
        return quotes.forget_individual(self._db, individual_id)

    def count_quoting(self, document_id: str) -> int:
        """Count the answers that were made from a document."""
        return quotes.count_of_document(self._db, document_id)

    def count_of_individual(self, individual_id: str) -> int:
        """Count what was said on behalf of an individual."""
        return quotes.count_of_individual(self._db, individual_id)

    def drop_answers(self, *, before: datetime) -> int:
        """Remove answers older than this, their feedback, and what was said before then; return how many answers."""
        dropped = self._drop_answers(A.created_at < before)
        self._db.execute(delete(t.turns).where(t.turns.c.created_at < before))
        used = select(t.turns.c.conversation_id).union(
            select(A.conversation_id).where(A.conversation_id.is_not(None))
        )
        self._db.execute(delete(t.conversations).where(C.created_at < before, C.conversation_id.not_in(used)))
        return dropped


def _missing(conversation_id: str) -> NotFound:
    return NotFound(f"no conversation {conversation_id!r}")


def _conversation(row: Row[Any], turns: tuple[Turn, ...]) -> Conversation:
    return Conversation(row.conversation_id, row.owner, row.created_at, turns)


def _turn(row: Row[Any]) -> Turn:
    personal = None
    if row.individual_id is not None:
        personal = PersonalContext(row.individual_id, row.agreement_id)
    return Turn(row.role, row.text, row.created_at, row.answer_id, personal)


def _personal(context: PersonalContext | None) -> dict[str, str | None]:
    return {
        "individual_id": None if context is None else context.individual_id,
        "agreement_id": None if context is None else context.agreement_id,
    }
