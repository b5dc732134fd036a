"""Random lives of individuals, agreements and documents against a small model.

Nothing without consent is ever returned, everything with consent is. ``--hypothesis-profile nightly`` runs more steps.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from ingestion import OFFICER, Ingestion
from people import SERVICE, InProcess, People, person

from jibu.adapters.broker.local import LocalBroker
from jibu.adapters.index.embedded import EmbeddedIndex
from jibu.adapters.store.sqlite import open_sqlite
from jibu.adapters.text.icu import IcuSegmenter
from jibu.adapters.text.language import LangidDetector
from jibu.domain.access import Caller
from jibu.domain.consent.values import RecordState
from jibu.domain.errors import ConsentRequired, NotFound
from jibu.domain.personal import PersonalContext
from jibu.testing.memory import HashEmbedder
from jibu.usecases.feeding import Feeder

NAMES, AGREEMENTS = ("amina", "bob", "carol"), ("benefits", "taxes")
CALLERS = (*map(person, NAMES), SERVICE, person("nobody"))
DETECTOR, SEGMENTER, EMBEDDER = LangidDetector(), IcuSegmenter(), HashEmbedder()
NIGHTLY = settings.get_current_profile_name() == "nightly"
RUNS = settings(
    max_examples=250 if NIGHTLY else 8,
    stateful_step_count=50 if NIGHTLY else 40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
names, agreements, callers = st.sampled_from(NAMES), st.sampled_from(AGREEMENTS), st.sampled_from(CALLERS)
contexts = st.builds(PersonalContext, names, agreements)


@dataclass
class Said:
    """What an individual last said under an agreement."""

    opt_in: bool
    signed: bool = False


@dataclass
class Model:
    """What should be so."""

    documents: dict[str, tuple[str, PersonalContext | None]] = field(default_factory=dict)
    said: dict[PersonalContext, Said] = field(default_factory=dict)
    ended: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(AGREEMENTS, False))
    sign: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(AGREEMENTS, False))
    answers: dict[str, tuple[Caller, PersonalContext | None, frozenset[str]]] = field(default_factory=dict)

    def governs(self, context: PersonalContext) -> bool:
        """Tell whether consent holds."""
        said, agreement = self.said.get(context), context.agreement_id
        if said is None or not said.opt_in or self.ended[agreement]:
            return False
        return said.signed or not self.sign[agreement]

    def admits(self, caller: Caller, context: PersonalContext) -> bool:
        """Tell whether the gate opens."""
        acts = caller.subject == context.individual_id or "consent.service" in caller.scopes
        return acts and self.governs(context)

    def words(self, context: PersonalContext | None) -> set[str]:
        """Return the words of the documents that are open or of this context."""
        return {word for word, owner in self.documents.values() if owner in {None, context}}


def text_of(word: str) -> str:
    """Return a document that is like no other but for one word."""
    others = " ".join(f"{word}{letter}" for letter in "abcdefghijklmnop")
    return f"# {word}\n\nThe allowance of {word} says {others}.\n"


class Lives(RuleBasedStateMachine):
    """Steps of the real block beside steps of the model."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="jibu-lives-"))
        self.model = Model()
        self.count = 0
        self.open()
        self.block.collection()
        for agreement in AGREEMENTS:
            self.people.agreement(agreement)
        self.conversations = {
            caller: self.people.conversations.create(caller).conversation_id for caller in CALLERS
        }

    def open(self) -> None:
        """Open everything, as a start does."""
        self.records = open_sqlite(self.folder / "jibu.db")
        self.index = EmbeddedIndex(
            self.folder / "index", embedder=EMBEDDER.name, dimension=EMBEDDER.dimension
        )
        self.broker = LocalBroker(self.folder / "events.db")
        self.block = Ingestion(
            records=self.records,
            index=self.index,
            embedder=EMBEDDER,
            parser=InProcess(),
            segmenter=SEGMENTER,
            detector=DETECTOR,
            broker=self.broker,
        )
        self.people = People(self.block)

    def close(self) -> None:
        """Close everything."""
        self.people.search._beside.shutdown()  # noqa: SLF001
        self.index.close()
        self.broker.close()
        self.records.close()

    def teardown(self) -> None:
        """Leave nothing behind."""
        self.close()
        shutil.rmtree(self.folder)

    # --- what happens ---

    @rule(owner=st.none() | contexts)
    def load(self, owner: PersonalContext | None) -> None:
        """A document comes."""
        self.count += 1
        word = f"zq{self.count}x"
        said = (
            {}
            if owner is None
            else {"individual_id": owner.individual_id, "agreement_id": owner.agreement_id}
        )
        document = self.block.receive(text_of(word), **said)
        self.block.relay().run_until_idle()
        self.model.documents[document.document_id] = (word, owner)

    @rule(context=contexts, signed=st.booleans())
    def agree(self, context: PersonalContext, *, signed: bool) -> None:
        """An individual says yes."""
        state = RecordState.SIGNED if signed else RecordState.UNSIGNED
        self.people.consent(context.individual_id, context.agreement_id, state=state)
        self.model.said[context] = Said(opt_in=True, signed=signed)

    @rule(context=contexts)
    def withdraw(self, context: PersonalContext) -> None:
        """An individual says no."""
        self.people.consent(context.individual_id, context.agreement_id, opt_in=False)
        self.model.said[context] = Said(opt_in=False)

    @rule(agreement=agreements, ended=st.booleans(), sign=st.booleans())
    def change(self, agreement: str, *, ended: bool, sign: bool) -> None:
        """An agreement ends, is renewed, asks for signatures or no longer does."""
        self.people.agreement(agreement, terminated=ended, signature_required=sign)
        self.model.ended[agreement], self.model.sign[agreement] = ended, sign

    @precondition(lambda self: self.model.documents)
    @rule(data=st.data())
    def erase(self, data: st.DataObject) -> None:
        """A document goes."""
        document_id = data.draw(
            st.sampled_from(list(self.model.documents))
        )  # ids are random, their order is not
        receipt = self.people.documents.erase(OFFICER, document_id)
        assert receipt.verified == ("records", "answers", "index")
        self._gone(document_id)

    @rule(name=names)
    def forget(self, name: str) -> None:
        """An individual goes, and what was said on their behalf; what they agreed to is another's to erase."""
        self.block.erasing().individual("portal", name)
        for document_id, (_, owner) in list(self.model.documents.items()):
            if owner is not None and owner.individual_id == name:
                self._gone(document_id)
        for answer_id, (caller, context, _) in list(self.model.answers.items()):
            if caller.subject == name or (context is not None and context.individual_id == name):
                del self.model.answers[answer_id]
        for caller in CALLERS:
            if caller.subject == name:
                self.conversations[caller] = self.people.conversations.create(caller).conversation_id

    def _gone(self, document_id: str) -> None:
        """Take a document out of the model; answers that cite it say nothing any more."""
        del self.model.documents[document_id]
        for answer_id, (caller, context, cited) in list(self.model.answers.items()):
            if document_id in cited:
                self.model.answers[answer_id] = (caller, context, frozenset())

    @rule()
    def restart(self) -> None:
        """The service stops and starts."""
        self.close()
        self.open()

    @rule()
    def reindex(self) -> None:
        """The index is built anew from the records."""
        feeder = Feeder(index=self.index, embedder=EMBEDDER, segmenter=SEGMENTER)
        with self.records.read() as uow:
            live = [
                (uow.documents.get(name), uow.documents.passages(name, v)) for name, v in uow.documents.live()
            ]
        for document, passages in live:
            self.index.delete_document(document.document_id)
            feeder.feed(document, document.version, passages, lambda: None)
        self.index.compact()

    # --- what is looked at ---

    @rule(caller=callers, context=st.none() | contexts)
    def search(self, caller: Caller, context: PersonalContext | None) -> None:
        """A search finds exactly what it may."""
        if context is not None and not self.model.admits(caller, context):
            with pytest.raises(ConsentRequired):
                self.people.found(caller, "allowance", context)
            return
        texts = "\n".join(self.people.found(caller, "allowance", context))
        assert set(re.findall(r"of (zq\d+x) says", texts)) == self.model.words(context)

    @rule(caller=callers, context=st.none() | contexts)
    def ask(self, caller: Caller, context: PersonalContext | None) -> None:
        """An answer tells of nothing else, and is kept."""
        conversation = self.conversations[caller]
        if context is not None and not self.model.admits(caller, context):
            with pytest.raises(ConsentRequired):
                self.people.ask(caller, "What does the allowance say?", context, conversation)
            return
        answer = self.people.ask(caller, "What does the allowance say?", context, conversation)
        self._only(str(answer), context)
        cited = frozenset(citation.document_id for citation in answer.citations)
        self.model.answers[answer.answer_id] = (caller, context, cited)

    @rule(caller=callers, context=st.none() | contexts)
    def read(self, caller: Caller, context: PersonalContext | None) -> None:
        """Listings, texts, conversations and answers show what they may."""
        people, conversation = self.people, self.conversations[caller]
        if context is not None and not self.model.admits(caller, context):
            with pytest.raises(ConsentRequired):
                people.conversations.get(caller, conversation, context=context)
            return
        page = people.documents.page(
            caller, collection_id=None, status=None, offset=0, limit=100, context=context
        )
        assert {document.title for document in page.items} == self.model.words(context)
        self._only(str(people.conversations.get(caller, conversation, context=context)), context)
        for document_id, (word, owner) in self.model.documents.items():
            if owner in {None, context}:
                assert word in people.documents.text(caller, document_id, context=context)
            else:
                with pytest.raises(NotFound):
                    people.documents.text(caller, document_id, context=context)
        for answer_id, (asker, given, cited) in self.model.answers.items():
            if asker == caller and given in {None, context}:
                told = people.answers.get(caller, answer_id, context=context)
                assert not cited or told.citations
                self._only(str(told), context)
            else:
                with pytest.raises(NotFound):
                    people.answers.get(caller, answer_id, context=context)

    def _only(self, text: str, context: PersonalContext | None) -> None:
        """Check that no word of a hidden or erased document stands in a text."""
        allowed = self.model.words(context)
        every = {f"zq{n}x" for n in range(1, self.count + 1)}
        assert {word for word in every - allowed if word in text} == set()

    @invariant()
    def the_index_holds_what_lives(self) -> None:
        """No passage of an erased document stays, none of a living one is lost."""
        assert self.index.info().passages == len(self.model.documents)


TestLives = Lives.TestCase
TestLives.settings = RUNS
