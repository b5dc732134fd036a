"""Contract cases: personal data, what quotes them, and how they go."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from jibu.domain.answers import Conversation, Feedback, Turn
from jibu.domain.errors import NotFound
from jibu.domain.personal import ConsentDecision, PersonalContext
from jibu.ports import Records
from jibu.testing.records_samples import NOW, answer, conversation, receive, whole


class PersonalCases:
    """What answers keep of documents and individuals, and how it goes."""

    def test_an_answer_needs_the_documents_that_it_cites(self, records: Records) -> None:
        """One that was erased while the answer was written is NotFound, and nothing of the answer is kept."""
        with records.write() as uow:
            with pytest.raises(NotFound):
                uow.conversations.save_answer(answer(), owner="a|b", question_sha256="0" * 64)
            uow.commit()
        with records.read() as uow, pytest.raises(NotFound):
            uow.conversations.answer("a1")

    def test_erasing_a_document_takes_what_was_said_from_it(self, records: Records) -> None:
        """Text, claims, quotes, turns and comments go; that it was answered stays; other answers are untouched."""
        whole(records, "d1")
        whole(records, "d2")
        other = answer("a2")
        other = replace(other, citations=(replace(other.citations[0], document_id="d2"),))
        with records.write() as uow:
            c = uow.conversations
            c.create(conversation())
            c.save_answer(answer("a1", "c1"), owner="a|b", question_sha256="0" * 64)
            c.save_answer(other, owner="a|b", question_sha256="0" * 64)
            c.add_feedback(Feedback("a1", "helpful", "it says 1,000", NOW))
            uow.commit()
        with records.write() as uow:
            assert uow.conversations.count_quoting("d1") == 1
            removed = dict(uow.documents.erase("d1"))
            uow.commit()
        assert (removed["answers"], removed["conversation_turns"], removed["documents"]) == (1, 1, 1)
        with records.read() as uow:
            found, _ = uow.conversations.answer("a1")
            assert (found.text, found.claims, found.reason) == ("", (), "source-erased")
            assert [(c.document_id, c.quote, c.title) for c in found.citations] == [("d1", "", "")]
            assert [turn.text for turn in uow.conversations.get("c1", "a|b").turns] == ["Ni kiasi gani?", ""]
            assert uow.conversations.answer("a2")[0] == other
            assert uow.conversations.count_quoting("d1") == 0

    def test_a_personal_question_goes_with_its_document(self, records: Records) -> None:
        """What was asked of somebody's document may tell as much as the answer."""
        receive(records, "d1", individual_id="i", agreement_id="g")
        mine = PersonalContext("i", "g")
        told = replace(answer("a1", "c1"), personal=mine)
        turns = (Turn("user", "am I ill?", NOW, None, mine), Turn("assistant", "yes", NOW, "a1", mine))
        with records.write() as uow:
            uow.conversations.create(replace(conversation(), turns=(Turn("user", "hello", NOW), *turns)))
            uow.conversations.save_answer(told, owner="a|b", question_sha256="0" * 64)
            uow.commit()
        with records.read() as uow:
            assert uow.conversations.answer("a1") == (told, "a|b")
            assert uow.conversations.get("c1", "a|b").turns[1:] == turns
        with records.write() as uow:
            uow.documents.erase("d1")
            uow.commit()
        with records.read() as uow:
            assert [turn.text for turn in uow.conversations.get("c1", "a|b").turns] == ["hello", "", ""]

    def test_an_individual_is_forgotten(self, records: Records) -> None:
        """What was said on their behalf and by themselves; nobody else's, however alike the names."""
        whole(records, "d1")
        mine = PersonalContext("b", "g")
        with records.write() as uow:
            c = uow.conversations
            for owner in ("x|b", "x|a|b", "x|bb", "x|"):
                c.create(Conversation(owner, owner, NOW, (Turn("user", "hello", NOW),)))
                c.save_answer(
                    replace(answer(f"of {owner}"), citations=()), owner=owner, question_sha256="0" * 64
                )
            c.append("x|", (Turn("user", "for b", NOW, None, mine),))
            c.save_answer(replace(answer("a1"), personal=mine), owner="x|", question_sha256="0" * 64)
            c.add_feedback(Feedback("a1", "helpful", None, NOW))
            uow.commit()
        with records.write() as uow:
            c = uow.conversations
            assert c.count_of_individual("b") > 0
            removed = dict(c.forget_individual("b"))
            assert removed == {"feedback": 1, "answers": 2, "conversation_turns": 2, "conversations": 1}
            assert c.count_of_individual("b") == 0
            for ask in (lambda: c.get("x|b", "x|b"), lambda: c.answer("of x|b"), lambda: c.answer("a1")):
                with pytest.raises(NotFound):
                    ask()
            for owner in ("x|a|b", "x|bb", "x|"):
                assert [turn.text for turn in c.get(owner, owner).turns] == ["hello"]
                assert c.answer(f"of {owner}")[1] == owner

    def test_an_individuals_documents_are_listed(self, records: Records) -> None:
        """Under any agreement; nobody else's."""
        receive(records, "d2", individual_id="i", agreement_id="g")
        receive(records, "d1", individual_id="i", agreement_id="h")
        receive(records, "d3", individual_id="j", agreement_id="g")
        receive(records, "d4")
        with records.read() as uow:
            assert (uow.documents.of_individual("i"), uow.documents.of_individual("k")) == (["d1", "d2"], [])

    def test_decisions_are_kept_in_order_and_forget_names(self, records: Records) -> None:
        """Newest first, page by page; an erased individual's name gives way to another word."""
        made = [
            ConsentDecision(
                f"x{n}", NOW + timedelta(hours=n), n > 0, "consent", "ij"[n % 2], "g", "c", "i", "search"
            )
            for n in range(3)
        ]
        with records.write() as uow:
            for decision in made:
                uow.decisions.add(decision)
            uow.commit()
        with records.write() as uow:
            page = uow.decisions.page(offset=0, limit=2)
            assert (list(page.items), page.total) == ([made[2], made[1]], 3)
            assert uow.decisions.forget("i", "erased:r") == 3
            names = [(d.individual_id, d.subject) for d in uow.decisions.page(offset=0, limit=9).items]
            assert names == [("erased:r", None), ("j", None), ("erased:r", None)]
            assert uow.decisions.drop(before=made[1].decided_at) == 1
