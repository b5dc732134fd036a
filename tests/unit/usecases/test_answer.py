"""Answers: their status, what they may say, how they are streamed, kept and read again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ingestion import ADMIN, READER, Ingestion

from jibu.adapters.model.extractive import ExtractiveGenerator
from jibu.cli.demo import PASTED
from jibu.domain.access import Caller
from jibu.domain.answers import Answer, AnswerStatus, Citation, Claim, Draft, Question
from jibu.domain.citing import cite, lay_out, sentence_span
from jibu.domain.decision import Thresholds
from jibu.domain.documents import Collection
from jibu.domain.errors import InvalidInput, NotFound, Unavailable
from jibu.domain.passages import FoundPassage, TextSpan
from jibu.domain.personal import Permit
from jibu.locales import Catalogue
from jibu.ports import GenerationRequest, Generator
from jibu.sample import EvaluationQuestion, evaluation_questions, library
from jibu.usecases.answer import Answering, Answers
from jibu.usecases.conversations import Conversations
from jibu.usecases.pieces import Sources, Token
from jibu.usecases.search import Search, SearchRequest, SearchResult
from jibu.wiring.services import Services

AUDITOR = Caller("KE/GOV/C/audit", frozenset({"audit.read"}))
NEIGHBOUR = replace(READER, subject="someone-else")
ALWAYS, PARTLY, NEVER = Thresholds(0.0, 0.0), Thresholds(1.1, 0.0), Thresholds(1.1, 1.1)
GUIDE = """# Passports

## Fee

The fee for a passport is 60 crowns. It is paid at the counter.

## Validity

A passport is valid for ten years. A child's passport is valid for five years.
"""
ASKED = Question("What is the fee for a passport?")
PHRASES = Catalogue().message
Pieces = Iterator[str | Draft]


@pytest.fixture
def stocked(block: Ingestion) -> Ingestion:
    """A public collection with a guide."""
    block.receive(GUIDE, url="https://travel.example/guide")
    block.relay().run_until_idle()
    return block


class SureSearch(Search):
    """Searches, and is as sure of what it found as a test wants."""

    confidence: float | None = None

    def search(self, caller: Caller, request: SearchRequest, *, permit: Permit | None = None) -> SearchResult:
        """Return what was found."""
        found = super().search(caller, request, permit=permit)
        return found if self.confidence is None else replace(found, confidence=self.confidence)


def answering(
    block: Ingestion,
    generator: Generator | None = None,
    thresholds: Thresholds = ALWAYS,
    confidence: float | None = None,
) -> Answering:
    """Return the use case over a block's parts."""
    search = SureSearch(
        records=block.records,
        index=block.index,
        embedder=block.embedder,
        segmenter=block.segmenter,
        detector=block.detector,
    )
    search.confidence = confidence
    return Answering(
        records=block.records,
        search=search,
        generator=generator or ExtractiveGenerator(segmenter=block.segmenter),
        phrases=PHRASES,
        clock=block.clock,
        embedder_name=block.embedder.name,
        index_kind="embedded",
        thresholds=thresholds,
    )


def assert_exact(answer: Answer, text_of: Callable[[str, int], str]) -> None:
    """Check every citation and claim against the stored texts."""
    for citation in answer.citations:
        text = text_of(citation.document_id, citation.version)
        assert citation.quote
        assert text[citation.start : citation.end] == citation.quote
    numbers = {citation.number for citation in answer.citations}
    assert len(numbers) == len(answer.citations)
    for claim in answer.claims:
        assert answer.text[claim.start : claim.end] == claim.text
        assert claim.citations
        assert numbers >= set(claim.citations)


def stored_text(block: Ingestion) -> Callable[[str, int], str]:
    """Return what reads a document's text as an administrator."""
    return lambda document_id, version: block.documents.text(ADMIN, document_id, version)


# --- status ---


def test_an_answer_cites_exact_spans_and_says_how_it_was_made(stocked: Ingestion) -> None:
    """Everything that the contract promises is there."""
    answer = answering(stocked).answer(READER, ASKED)
    assert (answer.status, answer.reason, answer.language) == (AnswerStatus.ANSWERED, None, "en")
    assert "60 crowns" in answer.text
    assert answer.claims
    assert_exact(answer, stored_text(stocked))
    assert (answer.model.generator, answer.model.embedder, answer.model.index) == (
        "extractive",
        "hash",
        "embedded",
    )
    assert answer.notice == PHRASES("notice.ai", "en")
    assert answer.timings.total_ms >= answer.timings.retrieval_ms > 0
    assert answer.citations[0].url == "https://travel.example/guide"
    assert answer.citations[0].section_path[0] == "Passports"


@pytest.mark.parametrize(
    ("thresholds", "status"),
    [(ALWAYS, AnswerStatus.ANSWERED), (PARTLY, AnswerStatus.PARTIAL), (NEVER, AnswerStatus.NOT_FOUND)],
)
def test_the_thresholds_decide_the_status(
    stocked: Ingestion, thresholds: Thresholds, status: AnswerStatus
) -> None:
    """The confidence stays what it is; only below the lower threshold nothing is claimed."""
    answer = answering(stocked, thresholds=thresholds).answer(READER, ASKED)
    assert answer.status is status
    assert bool(answer.claims) is (status is not AnswerStatus.NOT_FOUND)
    assert answer.confidence == answering(stocked).answer(READER, ASKED).confidence


@pytest.mark.parametrize(
    ("asked", "language", "phrases"),
    [
        ("What does a passport cost in crowns?", None, "en"),
        ("Pasipoti mpya inagharimu kiasi gani katika ofisi ya serikali?", None, "sw"),
        ("What does a passport cost in crowns?", "fr-CA", "fr"),
    ],
)
def test_not_found_names_the_nearest_in_the_askers_language(
    stocked: Ingestion, asked: str, language: str | None, phrases: str
) -> None:
    """A reason, a phrase, the AI notice, and exact citations of what came nearest, no more than asked for."""
    question = Question(asked, language=language, max_citations=1)
    answer = answering(stocked, thresholds=NEVER, confidence=0.2).answer(READER, question)
    assert (answer.status, answer.reason, answer.claims) == (AnswerStatus.NOT_FOUND, "not-in-documents", ())
    assert answer.text == PHRASES("answer.not_found.related", phrases)
    assert answer.notice == PHRASES("notice.ai", phrases)
    assert answer.language.split("-")[0] == phrases
    assert len(answer.citations) == 1
    assert_exact(answer, stored_text(stocked))


def test_what_came_nearest_may_be_about_something_else(stocked: Ingestion) -> None:
    """A search that is hardly sure of anything: nothing was found, though the nearest passages are cited."""
    answer = answering(stocked, thresholds=NEVER, confidence=0.19).answer(READER, ASKED)
    assert (answer.status, answer.reason) == (AnswerStatus.NOT_FOUND, "no-documents-match")
    assert answer.text == PHRASES("answer.not_found.nothing", "en")
    assert answer.citations


def test_nothing_at_all_was_found(block: Ingestion) -> None:
    """An empty store: another reason, no citations, however low the thresholds are."""
    answer = answering(block).answer(READER, ASKED)
    assert (answer.status, answer.reason) == (AnswerStatus.NOT_FOUND, "no-documents-match")
    assert (answer.text, answer.citations) == (PHRASES("answer.not_found.nothing", "en"), ())


def test_a_private_collection_takes_no_part_in_an_answer(stocked: Ingestion) -> None:
    """Neither as a source nor as the nearest."""
    stocked.collection("tax", read=("read:tax",))
    stocked.receive("# Secret\n\nThe fee for a passport is 900 crowns for some.\n", collection_id="tax")
    stocked.relay().run_until_idle()
    for thresholds in (ALWAYS, NEVER):
        answer = answering(stocked, thresholds=thresholds).answer(READER, ASKED)
        assert {citation.collection_id for citation in answer.citations} == {"travel"}
        assert "900" not in answer.text + "".join(citation.quote for citation in answer.citations)
    with pytest.raises(NotFound):
        answering(stocked).answer(READER, replace(ASKED, collections=("tax",)))


@pytest.mark.parametrize("text", ["", "  ", "?!", "x" * 4001, "a\x07b"])
def test_what_is_no_question_is_refused_before_anything_happens(stocked: Ingestion, text: str) -> None:
    """The field is named as in the request."""
    with pytest.raises(InvalidInput) as refused:
        next(answering(stocked).stream(READER, Question(text)))
    assert refused.value.field == "question"


# --- a generator that does not keep its promises ---

INVENTED = "A passport is free of charge for everyone."


class Scripted:
    """A generator that does what a test says, right or wrong; it notes whether it was closed."""

    name = "scripted"

    def __init__(self, script: Callable[[GenerationRequest], Pieces]) -> None:
        self._script = script
        self.ended = False

    def generate(self, request: GenerationRequest) -> Pieces:
        """Follow the script."""
        try:
            yield from self._script(request)
        finally:
            self.ended = True


def first(request: GenerationRequest, number: int = 1) -> Citation:
    """Return an exact citation of the best passage's first sentence."""
    found = request.passages[0]
    return cite(number, found, sentence_span(found, found.passage.sentences[0]))


def drafted(*parts: tuple[str, tuple[int, ...], float], citations: tuple[Citation, ...]) -> Pieces:
    """Yield a text in one piece and its draft."""
    text, claims = lay_out(parts)
    yield text
    yield Draft(text, claims, citations)


def beside_a_true_claim(change: Callable[[Citation], Citation]) -> Callable[[GenerationRequest], Pieces]:
    """Return a script: a true claim, and an invented one whose citation has been changed."""

    def script(request: GenerationRequest) -> Pieces:
        good = first(request)
        bad = change(replace(good, number=2))
        return drafted((INVENTED, (2,), 0.9), (good.quote, (1,), 0.9), citations=(good, bad))

    return script


def unknown_number(request: GenerationRequest) -> Pieces:
    """Cite what is not there."""
    good = first(request)
    return drafted((good.quote, (1,), 0.9), (INVENTED, (1, 7), 0.9), citations=(good,))


def no_citation(request: GenerationRequest) -> Pieces:
    """Claim without proof."""
    good = first(request)
    return drafted((INVENTED, (), 0.9), (good.quote, (1,), 0.9), citations=(good,))


def between_the_claims(request: GenerationRequest) -> Pieces:
    """Say more than is claimed."""
    good = first(request)
    text = f"{good.quote} {INVENTED}"
    yield text
    yield Draft(text, (Claim(good.quote, 0, len(good.quote), (1,), 0.9),), (good,))


def one_number_twice(request: GenerationRequest) -> Pieces:
    """Hide an invented quote behind the number of an exact one."""
    good = first(request)
    third = cite(
        3, request.passages[0], sentence_span(request.passages[0], request.passages[0].passage.sentences[0])
    )
    bad = replace(good, quote=INVENTED)
    return drafted((INVENTED, (1,), 0.9), (third.quote, (3,), 0.9), citations=(good, bad, third))


def wrong_claim_offsets(request: GenerationRequest) -> Pieces:
    """Let the claims point beside their words."""
    good = first(request)
    text, (one, two) = lay_out([(good.quote, (1,), 0.9), (INVENTED, (1,), 0.9)])
    yield text
    yield Draft(text, (one, replace(two, start=two.start - 1)), (good,))


def other_pieces(request: GenerationRequest) -> Pieces:
    """Stream one thing and draft another."""
    good = first(request)
    yield INVENTED
    text, claims = lay_out([(good.quote, (1,), 0.9)])
    yield Draft(text, claims, (good,))


def impossible_support(request: GenerationRequest) -> Pieces:
    """Be surer than sure, or not a number."""
    good = first(request)
    return drafted(
        (good.quote, (1,), 0.9), (INVENTED, (1,), 1.5), (INVENTED, (1,), float("nan")), citations=(good,)
    )


LIES = {
    "quote-invented": beside_a_true_claim(lambda c: replace(c, quote=INVENTED[: c.end - c.start])),
    "quote-empty": beside_a_true_claim(lambda c: replace(c, quote="", end=c.start)),
    "quote-shifted": beside_a_true_claim(lambda c: replace(c, start=c.start + 1, end=c.end + 1)),
    "end-too-far": beside_a_true_claim(lambda c: replace(c, end=c.end + 1)),
    "outside": beside_a_true_claim(lambda c: replace(c, start=-9, end=-1)),
    "other-document": beside_a_true_claim(lambda c: replace(c, document_id="another")),
    "other-version": beside_a_true_claim(lambda c: replace(c, version=c.version + 1)),
    "other-title": beside_a_true_claim(lambda c: replace(c, title="The constitution")),
    "other-address": beside_a_true_claim(lambda c: replace(c, url="https://evil.example/")),
    "other-section": beside_a_true_claim(lambda c: replace(c, section_path=("Free of charge",))),
    "unknown-number": unknown_number,
    "no-citation": no_citation,
    "between-the-claims": between_the_claims,
    "one-number-twice": one_number_twice,
    "wrong-claim-offsets": wrong_claim_offsets,
    "other-pieces": other_pieces,
    "impossible-support": impossible_support,
}


@pytest.mark.parametrize("lie", LIES)
def test_what_is_not_proved_is_not_in_the_answer(stocked: Ingestion, lie: str) -> None:
    """The true claim stays with its citation; the invented one is gone from text, claims and citations."""
    generator = Scripted(LIES[lie])
    answer = answering(stocked, generator).answer(READER, ASKED)
    [claim] = answer.claims
    [citation] = answer.citations
    assert answer.text == claim.text == citation.quote
    assert claim.citations == (citation.number,)
    assert "free" not in repr(answer)
    assert_exact(answer, stored_text(stocked))
    dropped_claim = lie not in {"between-the-claims", "other-pieces"}
    assert answer.status is (AnswerStatus.PARTIAL if dropped_claim else AnswerStatus.ANSWERED)
    assert generator.ended
    assert Answers(records=stocked.records).get(READER, answer.answer_id) == answer


def empty(_: GenerationRequest) -> Pieces:
    """Find nothing to say."""
    yield Draft("", (), ())


def silent(_: GenerationRequest) -> Pieces:
    """Break the promise of a draft."""
    yield from ()


def talk_only(_: GenerationRequest) -> Pieces:
    """Stream and end without a draft."""
    yield INVENTED


def unproved(_: GenerationRequest) -> Pieces:
    """Claim one thing without proof."""
    return drafted((INVENTED, (), 1.0), citations=())


def claims_of_nothing(request: GenerationRequest) -> Pieces:
    """Cite exactly, and claim blank space."""
    return drafted(("  ", (1,), 1.0), citations=(first(request),))


@pytest.mark.parametrize("script", [empty, silent, talk_only, unproved, claims_of_nothing])
def test_when_nothing_holds_nothing_was_found(
    stocked: Ingestion, script: Callable[[GenerationRequest], Pieces]
) -> None:
    """An honest "not found" with the nearest passages, however sure the search was."""
    answer = answering(stocked, Scripted(script), confidence=0.9).answer(READER, ASKED)
    assert (answer.status, answer.reason) == (AnswerStatus.NOT_FOUND, "not-in-documents")
    assert answer.text == PHRASES("answer.not_found.related", "en")
    assert answer.citations
    assert "free" not in repr(answer)
    assert_exact(answer, stored_text(stocked))


@pytest.mark.parametrize("error", [Unavailable("away"), ValueError("a bug")])
def test_a_generator_that_fails_midway_leaves_nothing(stocked: Ingestion, error: Exception) -> None:
    """The error reaches the caller after what was streamed; neither answer nor turns are kept."""

    def script(_: GenerationRequest) -> Pieces:
        yield "The fee "
        raise error

    talk = Conversations(records=stocked.records, clock=stocked.clock)
    conversation = talk.create(READER).conversation_id
    stream = answering(stocked, Scripted(script)).stream(READER, replace(ASKED, conversation_id=conversation))
    assert isinstance(next(stream), Sources)
    assert next(stream) == Token("The fee ")
    with pytest.raises(type(error)):
        next(stream)
    assert talk.get(READER, conversation).turns == ()
    assert kept_answers(stocked) == 0


def kept_answers(block: Ingestion) -> int:
    """Count stored answers by dropping them."""
    block.clock.advance(10)
    with block.records.write() as uow:
        return uow.conversations.drop_answers(before=block.clock())


@st.composite
def lying_drafts(draw: st.DrawFn) -> Callable[[GenerationRequest], Pieces]:
    """Return scripts with any mixture of exact and wrong citations, claims and stray text."""
    numbers = st.integers(1, 4)
    wants = draw(
        st.lists(st.tuples(numbers, st.integers(-2, 2), st.integers(-2, 2), st.booleans()), max_size=4)
    )
    words = st.sampled_from(["It is so.", INVENTED, " ", "x"])
    parts = draw(
        st.lists(st.tuples(words, st.lists(numbers, max_size=3).map(tuple), st.floats(0, 1)), max_size=4)
    )
    shifts = draw(st.lists(st.integers(-1, 1), min_size=4, max_size=4))
    stray = draw(st.sampled_from(["", INVENTED, "\n"]))

    def script(request: GenerationRequest) -> Pieces:
        cited = []
        for number, start, end, true in wants:
            exact = first(request, number)
            span = TextSpan(exact.start + start, exact.end + end, exact.quote if true else INVENTED)
            cited.append(replace(exact, start=span.start, end=span.end, quote=span.text))
        text, claims = lay_out(parts)
        moved = tuple(replace(c, start=c.start + s) for c, s in zip(claims, shifts, strict=False))
        yield text
        yield Draft(text + stray, moved, tuple(cited))

    return script


def test_whatever_a_generator_drafts_the_answer_is_exact(stocked: Ingestion) -> None:
    """Any draft: quotes are slices, claims are slices, and nothing stands outside a claim."""
    texts = stored_text(stocked)

    @settings(deadline=None, max_examples=60)
    @given(lying_drafts())
    def check(script: Callable[[GenerationRequest], Pieces]) -> None:
        answer = answering(stocked, Scripted(script)).answer(READER, ASKED)
        assert_exact(answer, texts)
        if answer.status is not AnswerStatus.NOT_FOUND:
            assert "".join(answer.text.split()) == "".join("".join(c.text.split()) for c in answer.claims)

    check()


# --- the stream ---


@pytest.mark.parametrize("thresholds", [ALWAYS, NEVER])
def test_the_stream_tells_sources_then_text_then_the_answer(
    stocked: Ingestion, thresholds: Thresholds
) -> None:
    """In this order, once each but the tokens, which joined are the answer's text; the answer is kept by then."""
    sources, *tokens, answer = answering(stocked, thresholds=thresholds).stream(READER, ASKED)
    assert isinstance(sources, Sources)
    assert isinstance(answer, Answer)
    assert tokens
    assert "".join(token.text for token in tokens if isinstance(token, Token)) == answer.text
    assert [c.number for c in sources.citations] == list(range(1, len(sources.citations) + 1))
    assert Answers(records=stocked.records).get(READER, answer.answer_id) == answer


@pytest.mark.parametrize("taken", [1, 2])
def test_closing_the_stream_closes_the_generator_and_keeps_nothing(stocked: Ingestion, taken: int) -> None:
    """A client that leaves: no answer, no turns, and no model goes on working."""

    def script(_: GenerationRequest) -> Pieces:
        while True:
            yield "word "

    generator = Scripted(script)
    talk = Conversations(records=stocked.records, clock=stocked.clock)
    conversation = talk.create(READER).conversation_id
    asked = replace(ASKED, conversation_id=conversation)
    with closing(answering(stocked, generator).stream(READER, asked)) as stream:  # type: ignore[type-var]
        for _ in range(taken):
            next(stream)
    assert generator.ended is (taken > 1), "it had not begun before the sources were taken"
    assert talk.get(READER, conversation).turns == ()
    assert kept_answers(stocked) == 0


class HandMade:
    """A generator whose iterator is no Python generator: nothing closes it but the one who uses it."""

    name = "hand-made"

    def __init__(self) -> None:
        self.closed = 0

    def generate(self, _: GenerationRequest) -> Iterator[str | Draft]:
        """Return itself."""
        return self

    def __iter__(self) -> HandMade:
        """Return itself."""
        return self

    def __next__(self) -> str:
        """Go on for ever."""
        return "word "

    def close(self) -> None:
        """Stop."""
        self.closed += 1


def test_an_iterator_of_any_kind_is_closed(stocked: Ingestion) -> None:
    """As the port says: closing cancels the work."""
    generator = HandMade()
    with closing(answering(stocked, generator).stream(READER, ASKED)) as stream:  # type: ignore[type-var]
        next(stream)
        next(stream)
    assert generator.closed == 1


def test_no_transaction_is_open_while_the_answer_is_written(stocked: Ingestion) -> None:
    """A slow generator keeps nobody from writing."""

    def script(request: GenerationRequest) -> Pieces:
        stocked.collection("meanwhile")
        good = first(request)
        return drafted((good.quote, (1,), 0.5), citations=(good,))

    assert answering(stocked, Scripted(script)).answer(READER, ASKED).status is AnswerStatus.ANSWERED
    assert stocked.collections.get(READER, "meanwhile")


# --- what is kept ---


def test_an_answer_is_read_by_its_owner_and_the_auditor_only(stocked: Ingestion) -> None:
    """Not by the same client for another individual, nor by an administrator."""
    answer = answering(stocked).answer(READER, ASKED)
    answers = Answers(records=stocked.records)
    for caller in (READER, AUDITOR):
        assert answers.get(caller, answer.answer_id) == answer
    for caller in (NEIGHBOUR, ADMIN, Caller("KE/GOV/X/other", frozenset({"rag.query"}))):
        with pytest.raises(NotFound) as hidden:
            answers.get(caller, answer.answer_id)
        with pytest.raises(NotFound) as absent:
            answers.get(caller, "f" * 32)
        assert str(hidden.value) == str(absent.value).replace("f" * 32, answer.answer_id)
    with pytest.raises(NotFound):
        answers.get(AUDITOR, "f" * 32)


def test_an_answer_is_hidden_once_its_sources_are(stocked: Ingestion) -> None:
    """Who may no longer read a collection cannot read it in an old answer either; the auditor can."""
    answer = answering(stocked).answer(READER, ASKED)
    assert answer.citations
    answers = Answers(records=stocked.records)
    [collection_id] = {citation.collection_id for citation in answer.citations}
    stocked.collections.put(ADMIN, Collection(collection_id, "Closed", read=("read:few",)))
    with pytest.raises(NotFound):
        answers.get(READER, answer.answer_id)
    few = replace(READER, scopes=READER.scopes | {"read:few"})
    assert answers.get(few, answer.answer_id) == answers.get(AUDITOR, answer.answer_id) == answer


def test_a_conversation_gets_both_turns_with_the_answer(stocked: Ingestion) -> None:
    """Question and answer, in order, the answer named; the next question adds to them."""
    talk = Conversations(records=stocked.records, clock=stocked.clock)
    conversation = talk.create(READER).conversation_id
    asked = replace(ASKED, text=f"  {ASKED.text}\n", conversation_id=conversation)
    one = answering(stocked).answer(READER, asked)
    two = answering(stocked, thresholds=NEVER).answer(READER, replace(asked, text="And for a child?"))
    turns = talk.get(READER, conversation).turns
    assert [(t.role, t.text, t.answer_id) for t in turns] == [
        ("user", ASKED.text, None),
        ("assistant", one.text, one.answer_id),
        ("user", "And for a child?", None),
        ("assistant", two.text, two.answer_id),
    ]
    assert one.conversation_id == conversation


def test_answer_and_turns_are_kept_together_or_not_at_all(stocked: Ingestion) -> None:
    """The conversation is deleted while the answer is written: the caller learns it, and nothing is left."""
    talk = Conversations(records=stocked.records, clock=stocked.clock)
    conversation = talk.create(READER).conversation_id

    def script(request: GenerationRequest) -> Pieces:
        talk.delete(READER, conversation)
        good = first(request)
        return drafted((good.quote, (1,), 0.5), citations=(good,))

    with pytest.raises(NotFound):
        answering(stocked, Scripted(script)).answer(READER, replace(ASKED, conversation_id=conversation))
    assert kept_answers(stocked) == 0


def test_a_question_in_anothers_conversation_is_refused(stocked: Ingestion) -> None:
    """As if the conversation were not there; nothing is added to it."""
    talk = Conversations(records=stocked.records, clock=stocked.clock)
    conversation = talk.create(READER).conversation_id
    with pytest.raises(NotFound):
        answering(stocked).answer(NEIGHBOUR, replace(ASKED, conversation_id=conversation))
    assert talk.get(READER, conversation).turns == ()


# --- the sample library with the real model ---

CITIZEN = Caller("KE/GOV/A/portal", frozenset({"rag.query"}))


@pytest.mark.slow
@pytest.mark.parametrize("question", evaluation_questions(), ids=lambda q: q.question_id)
def test_every_citation_over_the_sample_library_is_exact(
    sample: Services, question: EvaluationQuestion
) -> None:
    """Every quote is the slice that it names, found or not, and every word of an answer stands in a quote."""
    answer = sample.answering.answer(CITIZEN, Question(question.text, max_citations=20))
    assert_exact(answer, lambda document_id, version: sample.documents.text(CITIZEN, document_id, version))
    quotes = {citation.number: citation.quote for citation in answer.citations}
    for claim in answer.claims:
        proof = " ".join(quotes[number] for number in claim.citations)
        assert set(claim.text.split()) <= set(proof.split())
    assert {citation.collection_id for citation in answer.citations} <= {library().collection_id}


@pytest.mark.slow
@pytest.mark.parametrize(
    "question", library().demo_questions, ids=lambda q: f"{q.language}-{q.expected_status}"
)
def test_the_demo_questions_get_what_they_should(sample: Services, question: Any) -> None:
    """The five questions that a new user sees first."""
    answer = sample.answering.answer(CITIZEN, Question(question.text))
    assert (answer.status.value, answer.notice) == (
        question.expected_status,
        PHRASES("notice.ai", question.language),
    )
    assert question.must_contain in answer.text


def test_found_passages_are_what_a_generator_gets(stocked: Ingestion) -> None:
    """In rank order, each with its sentences; the question's terms with their weights; the language of the answer."""
    seen: list[GenerationRequest] = []

    def script(request: GenerationRequest) -> Pieces:
        seen.append(request)
        yield Draft("", (), ())

    answering(stocked, Scripted(script)).answer(READER, replace(ASKED, language="sw", max_citations=2))
    [request] = seen
    ranks: list[FoundPassage] = list(request.passages)
    assert [p.score for p in ranks] == sorted((p.score for p in ranks), reverse=True)
    assert all(p.passage.sentences for p in ranks)
    assert (request.question, request.language, request.max_citations) == (ASKED.text, "sw", 2)
    assert {"passport", "fee"} <= {term.term for term in request.terms}


@pytest.mark.parametrize(
    "question", ["How much does a passport cost?", "Combien coûte le permis de conduire ?"]
)
def test_words_that_only_ask_are_not_missed(sample: Services, question: str) -> None:
    """In a small store "how much" may stand nowhere; that is no sign of a missing answer."""
    assert sample.answering.answer(CITIZEN, Question(question)).status is AnswerStatus.ANSWERED


def test_the_question_that_the_demo_prints_for_pasting_is_answered(sample: Services) -> None:
    """It is the first thing that a new user tries."""
    answer = sample.answering.answer(CITIZEN, Question(PASTED))
    assert answer.status is AnswerStatus.ANSWERED
    assert "10 years" in answer.text
