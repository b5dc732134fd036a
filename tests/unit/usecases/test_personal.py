"""Documents of individuals: every way to read, and who asks and whether consent holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import pytest
from ingestion import OFFICER, Ingestion
from people import CLIENT, SERVICE, InProcess, People, person

from jibu.domain.access import Caller
from jibu.domain.answers import Answer, Question
from jibu.domain.errors import ConsentRequired, JibuError, NotFound, Unavailable
from jibu.domain.personal import PersonalContext
from jibu.ports import Embedder, Records, UnitOfWork
from jibu.usecases.consent_gate import Decisions
from jibu.usecases.pieces import Sources, Token
from jibu.usecases.search import SearchRequest

MARK = "zebrafish"
MINE = PersonalContext("amina", "benefits")
OTHER_AGREEMENT = PersonalContext("amina", "taxes")
LETTER = (
    f"# The {MARK} letter\n\nThe {MARK} allowance of Amina is 77 crowns a month. See [rules](rules.md).\n"
)
RULES = f"# Rules\n\nAmina keeps her {MARK} allowance for a year, say the rules.\n"
OPEN = "# Allowances\n\nAn allowance is paid at the end of each month. See [letter](letter.md).\n"
QUESTION = f"How much is the {MARK} allowance a month?"
AMINA, STRANGER = person("amina"), person("bob")
AUDITOR = Caller("KE/GOV/A/audit", frozenset({"audit.read"}))


@dataclass
class Scene:
    """A block in which something personal was loaded, asked, answered and said."""

    people: People
    document: str
    answer: str
    conversation: str


@pytest.fixture
def scene(block: Ingestion) -> Scene:
    """Amina consented once, asked, and got an answer."""
    block.parser = InProcess()
    people = People(block)
    for agreement in ("benefits", "taxes"):
        people.agreement(agreement)
    block.receive(OPEN, external_id="open.md")
    said = {"individual_id": "amina", "agreement_id": "benefits"}
    document = block.receive(LETTER, external_id="letter.md", **said)
    block.receive(RULES, external_id="rules.md", **said)
    block.relay().run_until_idle()
    people.consent("amina", "benefits")
    conversation = people.conversations.create(AMINA).conversation_id
    answer = people.ask(AMINA, QUESTION, MINE, conversation)
    return Scene(people, document.document_id, answer.answer_id, conversation)


Path = Callable[[Scene, Caller, "PersonalContext | None"], object]


def _stream(scene: Scene, caller: Caller, context: PersonalContext | None) -> object:
    question = Question("How much is the allowance a month?", context=context)
    return [str(piece) for piece in scene.people.answering.stream(caller, question)]


def _follow_up(scene: Scene, caller: Caller, context: PersonalContext | None) -> object:
    """Ask something that only the history could turn into the personal question; show what was embedded too."""
    heard: list[str] = []
    embedder: Any = scene.people.search._embedder  # noqa: SLF001
    scene.people.search._embedder = _Hearing(embedder, heard)  # type: ignore[assignment]  # noqa: SLF001
    try:
        answer = scene.people.ask(caller, "And a year?", context, scene.conversation)
    finally:
        scene.people.search._embedder = embedder  # noqa: SLF001
    return heard, str(answer)


class _Hearing:
    """An embedder that remembers what it was asked."""

    def __init__(self, inner: Embedder, heard: list[str]) -> None:
        self._inner = inner
        self._heard = heard

    def embed_query(self, text: str) -> object:
        """Remember and pass on."""
        self._heard.append(text)
        return self._inner.embed_query(text)


PATHS: dict[str, Path] = {
    "search": lambda s, c, x: s.people.found(c, "allowance", x),
    "search in a language": lambda s, c, x: str(
        s.people.search.search(c, SearchRequest("allowance", language="en", context=x))
    ),
    "query": lambda s, c, x: str(s.people.ask(c, "How much is the allowance a month?", x)),
    "stream": _stream,
    "follow-up": _follow_up,
    "conversation": lambda s, c, x: str(s.people.conversations.get(c, s.conversation, context=x)),
    "answer": lambda s, c, x: str(s.people.answers.get(c, s.answer, context=x)),
    "document": lambda s, c, x: str(s.people.documents.get(c, s.document, context=x)),
    "list": lambda s, c, x: str(
        s.people.documents.page(c, collection_id=None, status=None, offset=0, limit=9, context=x)
    ),
    "text": lambda s, c, x: s.people.documents.text(c, s.document, context=x),
    "passages": lambda s, c, x: str(s.people.documents.passages(c, s.document, offset=0, limit=9, context=x)),
}
OWN = {"follow-up", "conversation", "answer"}
"""What belongs to the caller who asked, whoever else may act for the individual."""


def shown(path: str, scene: Scene, caller: Caller, context: PersonalContext | None) -> bool:
    """Tell whether a way to read shows something personal; a refusal shows nothing."""
    try:
        return MARK in str(PATHS[path](scene, caller, context)).lower()
    except (NotFound, ConsentRequired):
        return False


def _withdraw(scene: Scene) -> None:
    scene.people.consent("amina", "benefits", opt_in=False)


def _end(scene: Scene) -> None:
    scene.people.agreement("benefits", terminated=True)


def _pause(scene: Scene) -> None:
    scene.people.agreement("benefits", active=False)


def _ask_for_signatures(scene: Scene) -> None:
    scene.people.agreement("benefits", signature_required=True)


def _forget_record(scene: Scene) -> None:
    with scene.people.block.records.write() as uow:
        uow.consent.delete_record("amina.benefits")
        uow.commit()


def _nothing(_scene: Scene) -> None:
    pass


DENIED: dict[str, tuple[Callable[[Scene], None], Caller, PersonalContext | None]] = {
    "no context": (_nothing, AMINA, None),
    "no consent": (_forget_record, AMINA, MINE),
    "withdrawn": (_withdraw, AMINA, MINE),
    "agreement ended": (_end, AMINA, MINE),
    "agreement not active": (_pause, AMINA, MINE),
    "not signed": (_ask_for_signatures, AMINA, MINE),
    "another caller": (_nothing, STRANGER, MINE),
    "no subject": (_nothing, Caller(CLIENT, frozenset({"rag.query"})), MINE),
    "another agreement": (_nothing, AMINA, OTHER_AGREEMENT),
    "a service, withdrawn": (_withdraw, SERVICE, MINE),
    "a loader": (_nothing, OFFICER, None),
    "an administrator": (_nothing, Caller("KE/GOV/A/admin", frozenset({"rag.admin"})), None),
    "an auditor": (_nothing, AUDITOR, None),
}


def all_shown(scene: Scene, caller: Caller, context: PersonalContext | None) -> set[str]:
    """Return the ways to read that show something personal."""
    return {path for path in PATHS if shown(path, scene, caller, context)}


@pytest.mark.parametrize("state", DENIED)
def test_without_consent_nothing_is_shown(scene: Scene, state: str) -> None:
    """Whoever asks, by whatever way."""
    prepare, caller, context = DENIED[state]
    prepare(scene)
    assert all_shown(scene, caller, context) == set()


def test_with_consent_all_is_shown(scene: Scene) -> None:
    """To the individual; to a service that may ask for any, all but what was told to another caller.

    What is hidden by a withdrawal is there again when consent is given again.
    """
    assert all_shown(scene, AMINA, MINE) == set(PATHS)
    assert all_shown(scene, SERVICE, MINE) == set(PATHS) - OWN
    _withdraw(scene)
    assert all_shown(scene, AMINA, MINE) == set()
    scene.people.consent("amina", "benefits")
    assert all_shown(scene, AMINA, MINE) == set(PATHS)


class _Away:
    """Records whose consent part does not answer."""

    def __init__(self, inner: Records) -> None:
        self._inner = inner

    def read(self) -> _AwayWork:
        """Open a transaction."""
        return _AwayWork(self._inner.read())

    def write(self) -> _AwayWork:
        """Open a transaction."""
        return _AwayWork(self._inner.write())


class _AwayWork:
    def __init__(self, inner: UnitOfWork) -> None:
        self._inner = inner

    def __enter__(self) -> Self:
        self._inner.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._inner.__exit__(kind, error, trace)

    def __getattr__(self, name: str) -> Any:
        if name == "consent":
            raise Unavailable("the consent records do not answer")
        return getattr(self._inner, name)


def test_where_nobody_can_tell_nothing_is_shown(scene: Scene) -> None:
    """It is Unavailable, never an open door; and open documents are still found without a context."""
    away = _Away(scene.people.block.records)
    people = People(scene.people.block, records=away)  # type: ignore[arg-type]
    blind = Scene(people, scene.document, scene.answer, scene.conversation)
    for path in PATHS.values():
        with pytest.raises(Unavailable):
            path(blind, AMINA, MINE)
    assert people.found(AMINA, "allowance paid")


def test_feedback_needs_the_context_of_its_answer(scene: Scene) -> None:
    """Whether there is such an answer is nobody else's business."""
    give = scene.people.feedback.give
    give(AMINA, scene.answer, "helpful", "thanks", context=MINE)
    with pytest.raises(NotFound):
        give(AMINA, scene.answer, "helpful")
    _withdraw(scene)
    with pytest.raises(ConsentRequired):
        give(AMINA, scene.answer, "helpful", context=MINE)


def test_a_refusal_says_where_consent_can_be_given_and_not_why(scene: Scene) -> None:
    """A stranger learns nothing from it."""
    told = []
    for caller, context in ((STRANGER, MINE), (STRANGER, PersonalContext("carol", "benefits"))):
        with pytest.raises(ConsentRequired) as caught:
            scene.people.found(caller, "allowance", context)
        told.append((str(caught.value), caught.value.link))
    assert told[0] == told[1]
    assert str(told[0][1]).endswith("/draft/?dataAgreementId=benefits")
    assert "amina" not in str(told)


def test_the_decision_is_kept_before_anything_is_embedded(scene: Scene) -> None:
    """Granted or not: who asked, on whose behalf, under what, for what, when."""

    class Never:
        def embed_query(self, text: str) -> object:
            raise AssertionError(text)

    people = scene.people
    people.search._embedder = Never()  # type: ignore[assignment]  # noqa: SLF001
    before = len(people.decisions())
    with pytest.raises(ConsentRequired):
        people.ask(STRANGER, QUESTION, MINE)
    with pytest.raises(AssertionError):
        people.ask(AMINA, QUESTION, MINE)
    granted, denied = people.decisions()[: len(people.decisions()) - before]
    assert (granted.granted, granted.reason, granted.purpose) == (True, "consent", "query")
    assert (denied.granted, denied.reason, denied.subject) == (False, "not-this-individual", "bob")
    assert (granted.individual_id, granted.agreement_id, granted.client) == ("amina", "benefits", CLIENT)
    page = Decisions(records=people.block.records).page(offset=0, limit=1)
    assert (page.items, page.total) == ((granted,), before + 2)


def test_one_question_is_one_decision(scene: Scene) -> None:
    """The search inside an answer does not ask the gate again."""
    before = len(scene.people.decisions())
    scene.people.ask(AMINA, QUESTION, MINE)
    assert len(scene.people.decisions()) == before + 1


def _pieces(scene: Scene) -> Iterator[Sources | Token | Answer]:
    return scene.people.answering.stream(AMINA, Question(QUESTION, context=MINE))


@pytest.mark.parametrize("after", [1, 2])
def test_a_withdrawal_ends_a_stream_at_its_next_piece(scene: Scene, after: int) -> None:
    """Nothing more is told, and no answer is kept."""
    pieces = _pieces(scene)
    for _ in range(after):
        assert not isinstance(next(pieces), Answer)
    _withdraw(scene)
    with pytest.raises(ConsentRequired):
        next(pieces)
    with scene.people.block.records.read() as uow:
        assert uow.conversations.count_of_individual("amina") > 0
    assert list(pieces) == []


def test_an_answer_is_not_kept_after_a_withdrawal(scene: Scene) -> None:
    """Consent is looked at in the transaction that keeps it."""
    people = scene.people
    people.gate.still = lambda _context: None  # type: ignore[method-assign]

    def count() -> int:
        with people.block.records.read() as uow:
            return uow.conversations.count_of_individual("amina")

    before = count()
    pieces = _pieces(scene)
    next(pieces)
    _withdraw(scene)
    with pytest.raises(ConsentRequired):
        list(pieces)
    assert count() == before


def test_an_erasure_ends_an_answer_that_quotes_it(scene: Scene) -> None:
    """What would be kept would quote what is gone; asking again helps."""
    pieces = _pieces(scene)
    next(pieces)
    scene.people.documents.erase(OFFICER, scene.document)
    with pytest.raises(Unavailable, match="erased"):
        list(pieces)


def test_who_loads_sees_the_state_and_nothing_else(scene: Scene) -> None:
    """Not the name of the file, not the title, not the text."""
    seen = scene.people.documents.get(OFFICER, scene.document)
    assert (seen.status.value, seen.passages > 0, seen.title, seen.filename) == ("indexed", True, "", None)
    for read in (scene.people.documents.text, scene.people.documents.get):
        with pytest.raises(NotFound):
            read(AUDITOR, scene.document)


def test_an_auditor_sees_that_an_answer_was_given(scene: Scene) -> None:
    """When, how sure, and from which documents."""
    seen = scene.people.answers.get(AUDITOR, scene.answer)
    assert (seen.text, seen.claims, seen.reason) == ("", (), "consent-required")
    assert scene.document in {citation.document_id for citation in seen.citations}
    assert MARK not in str(seen).lower()


def test_two_people_under_one_agreement_see_their_own(scene: Scene) -> None:
    """The agreement alone opens nothing."""
    block, people = scene.people.block, scene.people
    block.receive(
        "# Bob\n\nThe allowance of Bob is 12 giraffes.\n", individual_id="bob", agreement_id="benefits"
    )
    block.relay().run_until_idle()
    people.consent("bob", "benefits")
    bob = str(people.found(STRANGER, "allowance", PersonalContext("bob", "benefits")))
    amina = str(people.found(AMINA, "allowance", MINE))
    assert ("giraffes" in bob, MARK in bob, "giraffes" in amina, MARK in amina) == (True, False, False, True)


def test_an_index_that_lies_shows_nothing(scene: Scene) -> None:
    """The records look at whose a passage is once more."""
    block = scene.people.block
    with block.records.read() as uow:
        epoch = uow.documents.epoch()
        ids = [p.passage_id for p in uow.documents.passages(scene.document, 1)]
        assert uow.documents.hydrate(ids, epoch=epoch) == []
        assert uow.documents.hydrate(ids, epoch=epoch, owners=frozenset({"bob\x1fbenefits"})) == []
        assert len(uow.documents.hydrate(ids, epoch=epoch, owners=frozenset({MINE.owner}))) == len(ids)


def test_a_service_without_consent_records_lets_nobody_in(scene: Scene) -> None:
    """The default of every use case."""
    from jibu.usecases.consent_gate import CLOSED  # noqa: PLC0415 - what is tested is the default

    with pytest.raises(JibuError):
        CLOSED.admit(AMINA, MINE, "query")
    with pytest.raises(Unavailable):
        CLOSED.still(MINE)
