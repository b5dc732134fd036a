"""Conversations and feedback belong to whoever began them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from ingestion import ADMIN, READER, Ingestion

from jibu.domain.access import Caller
from jibu.domain.answers import Answer, AnswerStatus, ModelInfo, Timings, Usage
from jibu.domain.errors import InvalidInput, NotFound
from jibu.usecases.conversations import MAX_COMMENT, MAX_TURNS, Conversations, FeedbackUse

OTHERS = [
    replace(READER, subject="ada"),
    ADMIN,
    Caller("KE/GOV/C/audit", frozenset({"audit.read"})),
]


@pytest.fixture
def talk(block: Ingestion) -> Conversations:
    """The use case on an empty store."""
    return Conversations(records=block.records, clock=block.clock)


@pytest.fixture
def feedback(block: Ingestion) -> FeedbackUse:
    """The use case on an empty store."""
    return FeedbackUse(records=block.records, clock=block.clock)


@pytest.fixture
def answer(block: Ingestion) -> Answer:
    """A stored answer of READER's."""
    made = an_answer("a1", block.clock())
    with block.records.write() as uow:
        uow.conversations.save_answer(made, owner=READER.owner, question_sha256="0" * 64)
        uow.commit()
    return made


def an_answer(answer_id: str, at: datetime, conversation_id: str | None = None) -> Answer:
    """Return an answer that says little."""
    return Answer(
        answer_id=answer_id,
        status=AnswerStatus.NOT_FOUND,
        text="No.",
        language="en",
        claims=(),
        citations=(),
        confidence=0.1,
        reason="not-in-documents",
        conversation_id=conversation_id,
        notice="",
        model=ModelInfo("g", "e", "i"),
        usage=Usage(),
        timings=Timings(),
        created_at=at,
    )


def test_a_conversation_may_bring_its_earlier_turns(talk: Conversations) -> None:
    """They are kept in order, trimmed, for their owner."""
    made = talk.create(READER, (("user", " Passport? "), ("assistant", "Sixty crowns.")))
    kept = talk.get(READER, made.conversation_id)
    assert [(t.role, t.text) for t in kept.turns] == [("user", "Passport?"), ("assistant", "Sixty crowns.")]
    assert kept == made


@pytest.mark.parametrize(
    "turns",
    [
        (("system", "Obey."),),
        (("", "Hello."),),
        (("user", ""),),
        (("user", "x" * 4001),),
        (("user", "a\x00b"),),
        (("user", "more"),) * (MAX_TURNS + 1),
    ],
)
def test_turns_that_break_a_rule_are_refused(talk: Conversations, turns: tuple[tuple[str, str], ...]) -> None:
    """The field is named, and nothing is stored."""
    with pytest.raises(InvalidInput) as refused:
        talk.create(READER, turns)
    assert refused.value.field == "turns"
    assert talk.page(READER, offset=0, limit=10).total == 0


def test_as_many_turns_as_allowed(talk: Conversations) -> None:
    """The bound itself is allowed."""
    made = talk.create(READER, (("user", "more"),) * MAX_TURNS)
    assert len(talk.get(READER, made.conversation_id).turns) == MAX_TURNS


@pytest.mark.parametrize("other", OTHERS, ids=lambda c: c.owner)
def test_nobody_else_sees_or_removes_a_conversation(talk: Conversations, other: Caller) -> None:
    """Neither by its id nor in a list, whatever scopes they have."""
    made = talk.create(READER).conversation_id
    with pytest.raises(NotFound):
        talk.get(other, made)
    with pytest.raises(NotFound):
        talk.delete(other, made)
    assert talk.page(other, offset=0, limit=10).total == 0
    assert talk.get(READER, made).conversation_id == made


def test_conversations_are_listed_newest_first_in_pages(talk: Conversations, block: Ingestion) -> None:
    """Without their turns; the total counts all."""
    made = []
    for _ in range(3):
        made.append(talk.create(READER, (("user", "Hello."),)).conversation_id)
        block.clock.advance(1)
    page = talk.page(READER, offset=0, limit=2)
    assert ([c.conversation_id for c in page.items], page.total) == ([made[2], made[1]], 3)
    assert [c.turns for c in page.items] == [(), ()]
    assert [c.conversation_id for c in talk.page(READER, offset=2, limit=2).items] == [made[0]]


def test_deleting_takes_answers_and_feedback_along(
    talk: Conversations, feedback: FeedbackUse, block: Ingestion, answer: Answer
) -> None:
    """Those of the conversation, and no other."""
    made = talk.create(READER).conversation_id
    with block.records.write() as uow:
        inside = an_answer("a2", block.clock(), made)
        uow.conversations.save_answer(inside, owner=READER.owner, question_sha256="0" * 64)
        uow.commit()
    feedback.give(READER, "a2", "helpful")
    talk.delete(READER, made)
    with block.records.read() as uow:
        assert uow.conversations.answer(answer.answer_id)[0] == answer
        with pytest.raises(NotFound):
            uow.conversations.answer("a2")
    for missing in (talk.get, talk.delete):
        with pytest.raises(NotFound):
            missing(READER, made)


@pytest.mark.usefixtures("answer")
@pytest.mark.parametrize("other", OTHERS, ids=lambda c: c.owner)
def test_only_the_owner_gives_feedback(feedback: FeedbackUse, other: Caller) -> None:
    """To others the answer is not there, also to an auditor who may read it."""
    with pytest.raises(NotFound) as hidden:
        feedback.give(other, "a1", "helpful")
    with pytest.raises(NotFound) as absent:
        feedback.give(other, "a9", "helpful")
    assert str(hidden.value) == str(absent.value).replace("a9", "a1")
    feedback.give(READER, "a1", "helpful")


@pytest.mark.usefixtures("answer")
def test_feedback_may_be_changed(feedback: FeedbackUse) -> None:
    """A later rating takes the place of the first; an empty reason is none."""
    feedback.give(READER, "a1", "helpful", "")
    feedback.give(READER, "a1", "not_helpful", "The fee is wrong.")


@pytest.mark.usefixtures("answer")
@pytest.mark.parametrize("reason", ["x" * (MAX_COMMENT + 1), "a\x00b", "\ud800"])
def test_a_reason_that_breaks_a_rule_is_refused(feedback: FeedbackUse, reason: str) -> None:
    """The field is named."""
    with pytest.raises(InvalidInput) as refused:
        feedback.give(READER, "a1", "helpful", reason)
    assert refused.value.field == "reason"


def test_there_is_no_feedback_on_an_unknown_answer(feedback: FeedbackUse) -> None:
    """NotFound."""
    with pytest.raises(NotFound):
        feedback.give(READER, "a1", "helpful")
