"""Ask a question: find, decide whether the documents hold the answer, write it, check it, keep it."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Iterator
from collections.abc import Generator as Steps
from dataclasses import dataclass, replace
from typing import NoReturn

from jibu.domain.access import Caller
from jibu.domain.answers import (
    Answer,
    AnswerStatus,
    Citation,
    Draft,
    ModelInfo,
    Question,
    Timings,
    Turn,
)
from jibu.domain.citing import cite, snippet_span, verified
from jibu.domain.decision import Thresholds, decide
from jibu.domain.errors import InvalidInput, NotFound, Unavailable
from jibu.domain.passages import FoundPassage
from jibu.domain.personal import Permit, PersonalContext
from jibu.domain.questions import check_text
from jibu.domain.redaction import outline
from jibu.ports import Clock, GenerationRequest, Generator, Records, UnitOfWork
from jibu.usecases.consent_gate import CLOSED, Gate
from jibu.usecases.search import Search, SearchRequest, SearchResult

PASSAGES_READ = 12
HISTORY_TURNS = 6
RELATED_FROM = 0.2
"""Confidence from which the nearest passages are called documents about the subject."""
Phrases = Callable[[str, str], str]
"""Takes a message key and a language, returns the fixed phrase in the best language there is."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The passages that were found, told before the answer is written."""

    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the answer's text; an empty one says that the work goes on."""

    text: str


class Answering:
    """Answers questions from the documents that the caller may read."""

    def __init__(
        self,
        *,
        records: Records,
        search: Search,
        generator: Generator,
        phrases: Phrases,
        clock: Clock,
        embedder_name: str,
        index_kind: str,
        thresholds: Thresholds,
        consent: Gate = CLOSED,
    ) -> None:
        self._records = records
        self._consent = consent
        self._search = search
        self._generator = generator
        self._phrases = phrases
        self._clock = clock
        self._model = ModelInfo(generator.name, embedder_name, index_kind)
        self._thresholds = thresholds

    def answer(self, caller: Caller, question: Question) -> Answer:
        """Return the whole answer. Raises: as ``stream``."""
        *_, last = self.stream(caller, question)
        if not isinstance(last, Answer):  # pragma: no cover - stream always ends with the answer
            raise TypeError("the stream ended without an answer")
        return last

    def stream(self, caller: Caller, question: Question) -> Iterator[Sources | Token | Answer]:
        """Yield the sources, the text as it is written, and last the answer. Closing cancels the work.

        The answer alone counts: what a generator wrote without proof is not in it, though its tokens were sent.
        On behalf of an individual consent is looked at again before each piece and before the answer is kept.

        Raises: InvalidInput (question), NotFound (collection, conversation), ConsentRequired, Unavailable.
        """
        question = replace(question, text=check_text(question.text, "question"))
        if question.context is None:
            yield from self._stream(caller, question, None)
            return
        permit = self._consent.admit(caller, question.context, "query")
        pieces = self._stream(caller, question, permit)
        try:
            for piece in pieces:
                self._consent.still(question.context)
                yield piece
        finally:
            pieces.close()

    def _stream(
        self, caller: Caller, question: Question, permit: Permit | None
    ) -> Steps[Sources | Token | Answer, None, None]:
        started = time.perf_counter()
        text = question.text
        found = self._find(caller, question, permit)
        verdict = decide(found.confidence, self._thresholds)
        nearest = _nearest(found.passages, question.max_citations)
        yield Sources(nearest)
        generating = time.perf_counter()
        draft = Draft("", (), ())
        if verdict is not AnswerStatus.NOT_FOUND:
            written = yield from self._write(text, question, found)
            draft = verified(written, found.passages)
            whole = written.complete and len(draft.claims) == len(written.claims)
            if verdict is AnswerStatus.ANSWERED and not whole:
                verdict = AnswerStatus.PARTIAL
        timings = Timings(
            retrieval_ms=_ms(found.embed_ms + found.retrieval_ms),
            generation_ms=_ms(1000 * (time.perf_counter() - generating)),
        )
        answer = self._conclude(question, found, draft, verdict, nearest)
        if answer.status is AnswerStatus.NOT_FOUND:
            yield Token(answer.text)
        timings = replace(timings, total_ms=_ms(1000 * (time.perf_counter() - started)))
        answer = replace(answer, timings=timings)
        self._keep(caller, text, answer)
        yield answer

    def _find(self, caller: Caller, question: Question, permit: Permit | None) -> SearchResult:
        request = SearchRequest(
            query=question.text,
            collections=question.collections,
            limit=PASSAGES_READ,
            language=None,
            conversation_id=question.conversation_id,
            context=question.context,
        )
        return self._search.search(caller, request, permit=permit)

    def _write(self, text: str, question: Question, found: SearchResult) -> Steps[Token, None, Draft]:
        """Yield tokens; return the draft as it was written. Closing closes the generator."""
        request = GenerationRequest(
            question=text,
            language=question.language or found.language,
            passages=found.passages,
            question_vector=found.question_vector,
            terms=found.terms,
            max_citations=question.max_citations,
        )
        pieces = self._generator.generate(request)
        try:
            for piece in pieces:
                if isinstance(piece, Draft):
                    return piece
                yield Token(piece)
            return Draft("", (), ())
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()

    def _conclude(
        self,
        question: Question,
        found: SearchResult,
        draft: Draft,
        verdict: AnswerStatus,
        nearest: tuple[Citation, ...],
    ) -> Answer:
        asked_in = question.language or found.language
        answer = Answer(
            answer_id=secrets.token_hex(16),
            status=verdict,
            text=draft.text,
            language=_language_of(draft, asked_in),
            claims=draft.claims,
            citations=draft.citations,
            confidence=round(found.confidence, 4),
            reason=None,
            conversation_id=question.conversation_id,
            notice=self._phrases("notice.ai", asked_in),
            model=_model_of(draft, self._model),
            usage=draft.usage,
            timings=Timings(),
            created_at=self._clock(),
            personal=question.context,
        )
        if draft.claims:
            return answer
        related = bool(nearest) and found.confidence >= RELATED_FROM
        phrase = "answer.not_found.related" if related else "answer.not_found.nothing"
        return replace(
            answer,
            status=AnswerStatus.NOT_FOUND,
            text=self._phrases(phrase, asked_in),
            language=asked_in,
            citations=nearest,
            reason="not-in-documents" if related else "no-documents-match",
        )

    def _keep(self, caller: Caller, question: str, answer: Answer) -> None:
        """Store the answer for the auditor and add both turns to the conversation, in one transaction.

        Raises: ConsentRequired; Unavailable, also where a document that it cites was erased meanwhile.
        """
        digest = hashlib.sha256(question.encode()).hexdigest()
        with self._records.write() as uow:
            if answer.personal is not None:
                self._consent.holds(uow, answer.personal)
            try:
                uow.conversations.save_answer(answer, owner=caller.owner, question_sha256=digest)
            except NotFound as error:
                self._explain(uow, caller, answer, error)
            if answer.conversation_id is not None:
                asked = Turn("user", question, answer.created_at, None, answer.personal)
                told = Turn("assistant", answer.text, answer.created_at, answer.answer_id, answer.personal)
                uow.conversations.append(answer.conversation_id, (asked, told))
            uow.commit()

    @staticmethod
    def _explain(uow: UnitOfWork, caller: Caller, answer: Answer, error: NotFound) -> NoReturn:
        """Raise NotFound where the conversation is gone, Unavailable where a source is: asking again helps."""
        if answer.conversation_id is not None:
            uow.conversations.get(answer.conversation_id, caller.owner)
        raise Unavailable("a source was erased while the answer was written; ask again", 1.0) from error


class Answers:
    """Stored answers, for the auditor and for whoever asked."""

    def __init__(self, *, records: Records, consent: Gate = CLOSED) -> None:
        self._records = records
        self._consent = consent

    def get(self, caller: Caller, answer_id: str, *, context: PersonalContext | None = None) -> Answer:
        """Return an answer. Auditors see all; others their own, while they may read all that it cites.

        One that was given on behalf of an individual is shown to who asks on their behalf while consent holds;
        auditors see that it was given, and from which documents. Raises: NotFound; ConsentRequired; Unavailable.
        """
        if context is not None:
            self._consent.admit(caller, context, "read answer")
        with self._records.read() as uow:
            answer, owner = uow.conversations.answer(answer_id)
            readable = {c.collection_id for c in uow.collections.all() if caller.may_read(c.read)}
        own = owner == caller.owner and readable.issuperset(c.collection_id for c in answer.citations)
        audits = "audit.read" in caller.scopes
        if (own or audits) and answer.personal in {None, context}:
            return answer
        if audits:
            return outline(answer)
        raise NotFound(f"no answer {answer_id!r}")


def check_question(question: Question) -> Question:
    """Return the question with clean text. Raises: InvalidInput."""
    if not 1 <= question.max_citations <= 20:
        raise InvalidInput("maxCitations is 1 to 20", "maxCitations")
    return replace(question, text=check_text(question.text, "question"))


def _nearest(passages: tuple[FoundPassage, ...], limit: int) -> tuple[Citation, ...]:
    return tuple(cite(n, found, snippet_span(found)) for n, found in enumerate(passages[:limit], start=1))


def _language_of(draft: Draft, default: str) -> str:
    """Return the claims' language where the generator tells it, else the one that most of the cited text is in."""
    if draft.language is not None:
        return draft.language
    lengths: dict[str, int] = {}
    for citation in draft.citations:
        lengths[citation.language] = lengths.get(citation.language, 0) + len(citation.quote)
    best = max(lengths, key=lambda language: lengths[language], default=default)
    return default if best == "und" else best


def _model_of(draft: Draft, model: ModelInfo) -> ModelInfo:
    if draft.generator is None:
        return model
    return replace(model, generator=draft.generator, fallback=draft.fallback)


def _ms(value: float) -> float:
    return round(value, 1)
