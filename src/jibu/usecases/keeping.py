"""Keeping an answer for the auditor and for the conversation, without what a service said."""

from __future__ import annotations

import hashlib
from typing import NoReturn

from jibu.domain.access import Caller
from jibu.domain.answers import Answer, Turn
from jibu.domain.errors import NotFound, Unavailable
from jibu.ports import Records, UnitOfWork
from jibu.usecases.live_reading import Consent


def keep(
    records: Records, consent: Consent, caller: Caller, question: str, answer: Answer, *, said: str
) -> None:
    """Store the answer and add both turns to the conversation, in one transaction. ``said`` is the second one.

    Raises: ConsentRequired; Unavailable, also where a document that it cites was erased meanwhile.
    """
    digest = hashlib.sha256(question.encode()).hexdigest()
    with records.write() as uow:
        consent.holds(uow)
        try:
            uow.conversations.save_answer(answer, owner=caller.owner, question_sha256=digest)
        except NotFound as error:
            _explain(uow, caller, answer, error)
        if answer.conversation_id is not None:
            asked = Turn("user", question, answer.created_at, None, answer.personal)
            told = Turn("assistant", said, answer.created_at, answer.answer_id, answer.personal)
            uow.conversations.append(answer.conversation_id, (asked, told))
        uow.commit()


def _explain(uow: UnitOfWork, caller: Caller, answer: Answer, error: NotFound) -> NoReturn:
    """Raise NotFound where the conversation is gone, Unavailable where a source is: asking again helps."""
    if answer.conversation_id is not None:
        uow.conversations.get(answer.conversation_id, caller.owner)
    raise Unavailable("a source was erased while the answer was written; ask again", 1.0) from error
