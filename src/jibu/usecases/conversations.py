"""Conversations and feedback: what a caller said before, and what they thought of an answer."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Literal

from jibu.domain.access import Caller
from jibu.domain.answers import Conversation, Feedback, Turn
from jibu.domain.errors import InvalidInput, NotFound
from jibu.domain.personal import PersonalContext
from jibu.domain.questions import MAX_QUESTION, check_text
from jibu.ports import Clock, Page, Records
from jibu.usecases.consent_gate import CLOSED, Gate

MAX_TURNS = 50
MAX_COMMENT = 1000


class Conversations:
    """A caller's own conversations; nobody else's are ever shown."""

    def __init__(self, *, records: Records, clock: Clock, consent: Gate = CLOSED) -> None:
        self._records = records
        self._clock = clock
        self._consent = consent

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

    def get(
        self, caller: Caller, conversation_id: str, *, context: PersonalContext | None = None
    ) -> Conversation:
        """Return a conversation with its turns: those on behalf of an individual only while consent holds.

        Raises: NotFound; ConsentRequired; Unavailable.
        """
        if context is not None:
            self._consent.admit(caller, context, "read conversation")
        with self._records.read() as uow:
            found = uow.conversations.get(conversation_id, caller.owner)
        turns = tuple(turn for turn in found.turns if turn.personal in {None, context})
        return replace(found, turns=turns)

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

    def __init__(self, *, records: Records, clock: Clock, consent: Gate = CLOSED) -> None:
        self._records = records
        self._clock = clock
        self._consent = consent

    def give(
        self,
        caller: Caller,
        answer_id: str,
        rating: Literal["helpful", "not_helpful"],
        reason: str | None = None,
        *,
        context: PersonalContext | None = None,
    ) -> None:
        """Keep the rating (a later one replaces it). Raises: NotFound, InvalidInput, ConsentRequired, Unavailable."""
        comment = check_text(reason, "reason", MAX_COMMENT) if reason else None
        if context is not None:
            self._consent.admit(caller, context, "rate answer")
        with self._records.write() as uow:
            answer, owner = uow.conversations.answer(answer_id)
            if owner != caller.owner or answer.personal not in {None, context}:
                raise NotFound(f"no answer {answer_id!r}")
            uow.conversations.add_feedback(Feedback(answer_id, rating, comment, self._clock()))
            uow.commit()


def _role(role: str) -> str:
    if role not in {"user", "assistant"}:
        raise InvalidInput("role is user or assistant", "turns")
    return role
