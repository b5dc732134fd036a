"""Contract cases: conversations, answers, feedback and receipts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jibu.domain.answers import Conversation, Feedback, LiveCitation, LiveConsulted, LiveOutcome, Turn
from jibu.domain.errors import NotFound
from jibu.domain.receipts import PLACES, ErasureReceipt
from jibu.ports import Records
from jibu.testing.records_samples import LATER, NOW, answer, conversation, whole


class AnswerCases:
    """What was asked and answered."""

    def test_a_conversation_comes_back_and_grows(self, records: Records) -> None:
        """Turns stay in order."""
        more = (Turn("user", "Na visa?", LATER), Turn("assistant", "Hakuna", LATER, "a2"))
        with records.write() as uow:
            uow.conversations.create(conversation())
            uow.conversations.append("c1", more)
            uow.conversations.append("c1", ())
            uow.commit()
        with records.read() as uow:
            found = uow.conversations.get("c1", "a|b")
        assert found == replace(conversation(), turns=conversation().turns + more)

    def test_what_was_asked_last_comes_first(self, records: Records) -> None:
        """The user's turns alone, no more than asked for, however long the conversation is."""
        turns = [Turn(role, f"{role} {n}", NOW) for n in range(12) for role in ("user", "assistant")]
        with records.write() as uow:
            uow.conversations.create(replace(conversation(), turns=tuple(turns)))
            uow.conversations.append("c1", (Turn("user", "Na visa?", LATER),))
            uow.commit()
        with records.read() as uow:
            asked = uow.conversations.asked
            assert asked("c1", "a|b", 3) == ("Na visa?", "user 11", "user 10")
            assert len(asked("c1", "a|b", 100)) == 13
            for other in (("c1", "a|other"), ("c2", "a|b")):
                with pytest.raises(NotFound):
                    asked(*other, 3)

    def test_an_answer_says_which_services_were_asked(self, records: Records) -> None:
        """What is told of them comes back as it was kept."""
        cited = LiveCitation(1, "a/b/c/d/e", "Registry", NOW, "", "", "m1", "0" * 64, 0.9, "sw")
        asked = (
            LiveConsulted("a/b/c/d/e", LiveOutcome.NOT_KEPT, None, LATER, "m1"),
            LiveConsulted("a/b/c/d/f", LiveOutcome.FAILED, "upstream-timeout"),
        )
        made = replace(
            answer(), citations=(), conversation_id=None, live_citations=(cited,), live_sources=asked
        )
        with records.write() as uow:
            uow.conversations.save_answer(made, owner="a|b", question_sha256="0" * 64)
            uow.commit()
        with records.read() as uow:
            assert uow.conversations.answer(made.answer_id) == (made, "a|b")

    def test_a_conversation_is_its_owners_alone(self, records: Records) -> None:
        """For anyone else it is not there."""
        with records.write() as uow:
            uow.conversations.create(conversation())
            for ask in (uow.conversations.get, uow.conversations.delete):
                with pytest.raises(NotFound):
                    ask("c1", "a|other")
            with pytest.raises(NotFound):
                uow.conversations.append("c2", conversation().turns)
            assert uow.conversations.page("a|other", offset=0, limit=9).total == 0

    def test_conversations_are_listed_newest_first_without_turns(self, records: Records) -> None:
        """One owner's, page by page."""
        with records.write() as uow:
            for number in range(3):
                uow.conversations.create(conversation(f"c{number}", hours=number))
            page = uow.conversations.page("a|b", offset=0, limit=2)
        assert ([c.conversation_id for c in page.items], page.total) == (["c2", "c1"], 3)
        assert {c.turns for c in page.items} == {()}

    def test_an_answer_comes_back_as_it_was_given(self, records: Records) -> None:
        """Whole, with its owner."""
        whole(records, "d1")
        with records.write() as uow:
            uow.conversations.create(conversation())
            uow.conversations.save_answer(answer(conversation_id="c1"), owner="a|b", question_sha256="0" * 64)
            uow.commit()
        with records.read() as uow:
            assert uow.conversations.answer("a1") == (answer(conversation_id="c1"), "a|b")
            with pytest.raises(NotFound):
                uow.conversations.answer("a2")

    def test_an_answer_needs_its_conversation(self, records: Records) -> None:
        """One that was deleted while the answer was written is NotFound; the transaction goes on."""
        whole(records, "d1")
        with records.write() as uow:
            with pytest.raises(NotFound):
                uow.conversations.save_answer(
                    answer(conversation_id="gone"), owner="a|b", question_sha256="0" * 64
                )
            uow.conversations.save_answer(answer(), owner="a|b", question_sha256="0" * 64)
            uow.commit()

    def test_deleting_a_conversation_takes_all_that_hangs_on_it(self, records: Records) -> None:
        """Turns, answers and feedback; not other answers."""
        whole(records, "d1")
        with records.write() as uow:
            c = uow.conversations
            c.create(conversation())
            c.save_answer(answer("a1", "c1"), owner="a|b", question_sha256="0" * 64)
            c.save_answer(answer("a2"), owner="a|b", question_sha256="0" * 64)
            c.add_feedback(Feedback("a1", "helpful", None, NOW))
            c.delete("c1", "a|b")
            for ask in (lambda: c.get("c1", "a|b"), lambda: c.answer("a1")):
                with pytest.raises(NotFound):
                    ask()
            assert c.answer("a2")[1] == "a|b"

    def test_feedback_is_kept_once_and_needs_its_answer(self, records: Records) -> None:
        """A second one replaces the first."""
        whole(records, "d1")
        with records.write() as uow:
            c = uow.conversations
            with pytest.raises(NotFound):
                c.add_feedback(Feedback("a1", "helpful", None, NOW))
            c.save_answer(answer(), owner="a|b", question_sha256="0" * 64)
            c.add_feedback(Feedback("a1", "helpful", None, NOW))
            c.add_feedback(Feedback("a1", "not_helpful", "zamani 😀", LATER))
            uow.commit()

    def test_old_answers_are_dropped(self, records: Records) -> None:
        """With their feedback; younger ones stay."""
        whole(records, "d1")
        with records.write() as uow:
            c = uow.conversations
            c.save_answer(answer("a1"), owner="a|b", question_sha256="0" * 64)
            c.save_answer(replace(answer("a2"), created_at=LATER), owner="a|b", question_sha256="0" * 64)
            c.add_feedback(Feedback("a1", "helpful", None, NOW))
            assert c.drop_answers(before=LATER) == 1
            with pytest.raises(NotFound):
                c.answer("a1")
            assert c.answer("a2")[0].created_at == LATER

    def test_old_turns_go_with_the_answers(self, records: Records) -> None:
        """What was said is kept no longer than what was answered; a conversation without turns goes too."""
        with records.write() as uow:
            c = uow.conversations
            c.create(Conversation("old", "a|b", NOW, (Turn("user", "habari", NOW),)))
            c.create(
                Conversation("both", "a|b", NOW, (Turn("user", "then", NOW), Turn("user", "now", LATER)))
            )
            c.drop_answers(before=LATER)
            with pytest.raises(NotFound):
                c.get("old", "a|b")
            assert [turn.text for turn in c.get("both", "a|b").turns] == ["now"]

    def test_a_receipt_is_kept_and_may_be_completed(self, records: Records) -> None:
        """Found by its own id and by its document's."""
        receipt = ErasureReceipt("r1", "d1", NOW, (("documents", 1), ("passages", 7)), ("records",))
        whole = replace(receipt, verified=("records", "index"))
        with records.write() as uow:
            uow.receipts.add(receipt)
            assert uow.receipts.get("r1") == receipt
            uow.receipts.add(whole)
            uow.commit()
        with records.read() as uow:
            assert uow.receipts.get("r1") == uow.receipts.of_document("d1") == whole
            for ask in (uow.receipts.get, uow.receipts.of_document):
                with pytest.raises(NotFound):
                    ask("r2")

    def test_receipts_that_are_not_complete_are_found(self, records: Records) -> None:
        """Until every place was looked at; of individuals too, and with their signature."""
        first = ErasureReceipt(
            "r1", None, NOW, (("answers", 2),), ("records",), "client", "salt:00", ("d1", "d2")
        )
        with records.write() as uow:
            uow.receipts.add(first)
            uow.receipts.add(ErasureReceipt("r2", "d3", LATER, (), PLACES, signature="a.b.c"))
            uow.commit()
        with records.read() as uow:
            assert uow.receipts.incomplete() == [first]
            assert (uow.receipts.get("r1"), uow.receipts.get("r2").signature) == (first, "a.b.c")
