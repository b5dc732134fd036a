"""The record store: conversations, receipts, and one transaction over all of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, Self

from jibu.domain.answers import Answer, Conversation, Feedback, Turn
from jibu.domain.personal import PersonalContext
from jibu.ports.consent import (
    AgreementRecords,
    AuditRecords,
    ConsentRecords,
    RevisionRecords,
    WebhookRecords,
)
from jibu.ports.documents import CollectionRecords, DocumentRecords, Page
from jibu.ports.generations import GenerationRecords
from jibu.ports.incoming import IncomingRecords
from jibu.ports.mediation import MediatorRecords
from jibu.ports.outbox import Outbox
from jibu.ports.parked import ParkedRecords
from jibu.ports.personal import DecisionRecords, ReceiptRecords
from jibu.ports.pubsub import PubSubRecords


class ConversationRecords(Protocol):
    """Conversations, answers and feedback."""

    def create(self, conversation: Conversation) -> None:
        """Store a new conversation with its turns."""

    def get(self, conversation_id: str, owner: str) -> Conversation:
        """Raises: NotFound, also for another owner's."""

    def asked(
        self, conversation_id: str, owner: str, limit: int, *, context: PersonalContext | None = None
    ) -> tuple[str, ...]:
        """Return what the user said in their last ``limit`` turns, latest first. Raises: NotFound, as ``get``.

        What was said on behalf of an individual counts only in that ``context``; emptied turns do not count.
        """

    def page(self, owner: str, *, offset: int, limit: int) -> Page[Conversation]:
        """List an owner's conversations without their turns, newest first."""

    def append(self, conversation_id: str, turns: Sequence[Turn]) -> None:
        """Add turns. Raises: NotFound."""

    def delete(self, conversation_id: str, owner: str) -> None:
        """Remove a conversation, its turns, its answers and their feedback. Raises: NotFound."""

    def save_answer(self, answer: Answer, *, owner: str, question_sha256: str) -> None:
        """Keep an answer for the auditor and for feedback, and what it was made from.

        Raises: NotFound when its conversation or a document that it cites is gone.
        """

    def answer(self, answer_id: str) -> tuple[Answer, str]:
        """Return an answer and its owner. Raises: NotFound."""

    def add_feedback(self, feedback: Feedback) -> None:
        """Keep or replace the feedback on an answer. Raises: NotFound."""

    def forget_individual(self, individual_id: str) -> tuple[tuple[str, int], ...]:
        """Remove what was said on behalf of an individual, and their own conversations and answers.

        Returns how many rows went from each table.
        """

    def count_quoting(self, document_id: str) -> int:
        """Count the answers that were made from a document and still say so."""

    def count_of_individual(self, individual_id: str) -> int:
        """Count what ``forget_individual`` would remove."""

    def drop_answers(self, *, before: datetime) -> int:
        """Remove answers and turns older than this, and conversations that are left empty; return how many answers."""


class UnitOfWork(Protocol):
    """One transaction: ``with open_uow() as uow: …; uow.commit()``. Leaving without commit rolls back.

    Opening and committing raise Unavailable when the database does not answer or stays locked.
    """

    @property
    def collections(self) -> CollectionRecords: ...
    @property
    def documents(self) -> DocumentRecords: ...
    @property
    def conversations(self) -> ConversationRecords: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def pubsub(self) -> PubSubRecords: ...
    @property
    def mediator(self) -> MediatorRecords: ...
    @property
    def incoming(self) -> IncomingRecords: ...
    @property
    def receipts(self) -> ReceiptRecords: ...
    @property
    def consent(self) -> ConsentRecords: ...
    @property
    def agreements(self) -> AgreementRecords: ...
    @property
    def revisions(self) -> RevisionRecords: ...
    @property
    def audit(self) -> AuditRecords: ...
    @property
    def webhooks(self) -> WebhookRecords: ...
    @property
    def generations(self) -> GenerationRecords: ...
    @property
    def decisions(self) -> DecisionRecords: ...
    @property
    def parked(self) -> ParkedRecords: ...

    def __enter__(self) -> Self: ...
    def __exit__(self, *exc: object) -> None: ...
    def commit(self) -> None: ...


class Records(Protocol):
    """The record store."""

    def read(self) -> UnitOfWork:
        """Open a transaction that only reads: one consistent snapshot."""

    def write(self) -> UnitOfWork:
        """Open a transaction that may write."""

    def compact(self) -> None:
        """Overwrite what removed rows left behind, in log files too.

        May take long, keep writers waiting and wait for readers. Raises: Unavailable.
        """

    def ping(self) -> None:
        """Raises: Unavailable."""

    def close(self) -> None:
        """Release connections; safe to call twice."""
