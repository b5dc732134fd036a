"""Conversations and feedback: what a caller said before, and what they thought of an answer."""

from __future__ import annotations

import secrets
from typing import Literal

from jibu.domain.access import Caller
from jibu.domain.answers import Conversation, Feedback, Turn
from jibu.domain.errors import InvalidInput, NotFound
from jibu.domain.questions import MAX_QUESTION, check_text
from jibu.ports import Clock, Page, Records

MAX_TURNS = 50
MAX_COMMENT = 1000


class Conversations:
    """A caller's own conversations; nobody else's are ever shown."""

    def __init__(self, *, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    def create(self, caller: Caller, turns: tuple[tuple[str, str], ...] = ()) -> Conversation:
        """Start a conversation, with earlier (role, text) turns where a chat client hands them over.

        Raises: InvalidInput for too many turns, a role that is not user or assistant, or bad text.
        """
        if len(turns) > MAX_TURNS:
            raise InvalidInput(f"at most {MAX_TURNS} turns", "turns")
        now = self._clock()
        kept = tuple(Turn(_role(role), check_text(text, "turns", MAX_QUESTION), now) for role, text in turns)
        conversation = Conversation(secrets.token_hex(16), caller.owner, now, kept)
        with self._records.write() as uow:
            uow.conversations.create(conversation)
            uow.commit()
        return conversation

    def get(self, caller: Caller, conversation_id: str) -> Conversation:
        """Return a conversation with its turns. Raises: NotFound."""
        with self._records.read() as uow:
            return uow.conversations.get(conversation_id, caller.owner)

    def page(self, caller: Caller, *, offset: int, limit: int) -> Page[Conversation]:
        """List the caller's conversations, newest first, without turns."""
        with self._records.read() as uow:
            return uow.conversations.page(caller.owner, offset=offset, limit=limit)

    def delete(self, caller: Caller, conversation_id: str) -> None:
        """Remove a conversation with its answers and their feedback. Raises: NotFound."""
        with self._records.write() as uow:
            uow.conversations.delete(conversation_id, caller.owner)
            uow.commit()


class FeedbackUse:
    """Feedback on one's own answers."""

    def __init__(self, *, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    def give(
        self,
        caller: Caller,
        answer_id: str,
        rating: Literal["helpful", "not_helpful"],
        reason: str | None = None,
    ) -> None:
        """Keep the rating (a later one replaces it). Raises: NotFound, InvalidInput."""
        comment = check_text(reason, "reason", MAX_COMMENT) if reason else None
        with self._records.write() as uow:
            _, owner = uow.conversations.answer(answer_id)
            if owner != caller.owner:
                raise NotFound(f"no answer {answer_id!r}")
            uow.conversations.add_feedback(Feedback(answer_id, rating, comment, self._clock()))
            uow.commit()


def _role(role: str) -> str:
    if role not in {"user", "assistant"}:
        raise InvalidInput("role is user or assistant", "turns")
    return role
