"""Ask a question: find, decide whether the documents hold the answer, write it, check it, keep it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from collections.abc import Generator as Steps
from dataclasses import dataclass, replace

from jibu.domain.access import Caller
from jibu.domain.answers import Answer, AnswerStatus, Citation, Draft, ModelInfo, Question, Timings
from jibu.domain.bearing import THRESHOLDS as LIVE_THRESHOLDS
from jibu.domain.citing import cite, snippet_span, verified
from jibu.domain.decision import Thresholds, better, decide
from jibu.domain.errors import InvalidInput, NotFound
from jibu.domain.live import LiveData
from jibu.domain.live_citing import divided, without_live
from jibu.domain.passages import FoundPassage
from jibu.domain.personal import Permit, PersonalContext
from jibu.domain.questions import check_text
from jibu.domain.redaction import outline
from jibu.ports import Clock, GenerationRequest, Generator, Records
from jibu.usecases.consent_gate import CLOSED, Gate
from jibu.usecases.keeping import keep
from jibu.usecases.live_reading import CLOSED_READING, UNAVAILABLE, Consent, LiveReading, raise_failure
from jibu.usecases.pieces import Seen, Sources, Token
from jibu.usecases.search import Search, SearchRequest, SearchResult

PASSAGES_READ = 12
RELATED_FROM = 0.2
"""Confidence from which the nearest passages are called documents about the subject."""
Phrases = Callable[[str, str], str]
"""Takes a message key and a language, returns the fixed phrase in the best language there is."""


@dataclass(frozen=True, slots=True)
class _Work:
    """One question under way, admitted, with what services said to it. ``started`` is on the performance counter."""

    caller: Caller
    question: Question
    permit: Permit | None
    consent: Consent
    data: LiveData
    started: float


class Answering:
    """Answers questions from the documents that the caller may read, and from what services say of an individual."""

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
        live: LiveReading = CLOSED_READING,
    ) -> None:
        self._records = records
        self._consent = consent
        self._live = live
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
        On behalf of an individual consent is decided and services are asked before anything is searched; consent is
        looked at again before each piece and before the answer is kept.

        Raises: InvalidInput (question, services), NotFound (collection, conversation), Forbidden, ConsentRequired,
        Unavailable; UpstreamError where nothing was found and a service could not be asked.
        """
        question = replace(question, text=check_text(question.text, "question"))
        permit = None
        if question.context is not None:
            permit = self._consent.admit(caller, question.context, "query")
        consent, data = self._live.fetch(caller, question, self._consent)
        pieces = self._stream(_Work(caller, question, permit, consent, data, time.perf_counter()))
        try:
            for piece in pieces:
                consent.still()
                yield piece
        finally:
            pieces.close()

    def _stream(self, work: _Work) -> Steps[Sources | Token | Answer, None, None]:
        question = work.question
        found = self._find(work)
        seen = self._see(work, found)
        if seen.verdict is AnswerStatus.NOT_FOUND:
            raise_failure(work.data.failures)
        yield seen.sources(question.max_citations, work.consent.contexts)
        generating = time.perf_counter()
        draft, verdict = Draft("", (), ()), seen.verdict
        if verdict is not AnswerStatus.NOT_FOUND:
            written = yield from self._write(question, found, seen)
            draft = verified(written, (*seen.fields, *seen.passages))
            whole = written.complete and len(draft.claims) == len(written.claims)
            if verdict is AnswerStatus.ANSWERED and not (whole and not work.data.failures):
                verdict = AnswerStatus.PARTIAL
        timings = Timings(
            retrieval_ms=_ms(found.embed_ms + found.retrieval_ms),
            generation_ms=_ms(1000 * (time.perf_counter() - generating)),
        )
        answer = self._conclude(work, found, draft, verdict, seen)
        if answer.status is AnswerStatus.NOT_FOUND:
            yield Token(answer.text)
        timings = replace(timings, total_ms=_ms(1000 * (time.perf_counter() - work.started)))
        answer = replace(answer, timings=timings)
        self._keep(work, answer, spoken=bool(seen.fields))
        yield answer

    def _find(self, work: _Work) -> SearchResult:
        question = work.question
        request = SearchRequest(
            query=question.text,
            collections=question.collections,
            limit=PASSAGES_READ,
            language=None,
            conversation_id=question.conversation_id,
            context=question.context,
        )
        return self._search.search(work.caller, request, permit=work.permit)

    def _see(self, work: _Work, found: SearchResult) -> Seen:
        """Decide what of the documents and of the live data may be in the answer. Raises: Unavailable."""
        by_documents = decide(found.confidence, self._thresholds)
        held = by_documents is not AnswerStatus.NOT_FOUND
        most = work.question.max_citations
        told = self._live.read(
            work.question,
            work.data,
            language=found.language,
            vector=found.question_vector,
            most=max(1, most - 1) if held else most,
        )
        return Seen(
            nearest=_nearest(found.passages, most),
            passages=found.passages if held else (),
            told=told,
            verdict=better(by_documents, decide(told.confidence, LIVE_THRESHOLDS)),
            confidence=round(max(found.confidence, told.confidence), 4),
        )

    def _write(self, question: Question, found: SearchResult, seen: Seen) -> Steps[Token, None, Draft]:
        """Yield tokens; return the draft as it was written. Closing closes the generator."""
        request = GenerationRequest(
            question=question.text,
            language=question.language or found.language,
            passages=seen.passages,
            question_vector=found.question_vector,
            terms=found.terms,
            max_citations=question.max_citations,
            fields=seen.fields,
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
        self, work: _Work, found: SearchResult, draft: Draft, verdict: AnswerStatus, seen: Seen
    ) -> Answer:
        question = work.question
        asked_in = question.language or found.language
        claims, citations, live_citations = divided(draft, seen.told.fields)
        answer = Answer(
            answer_id=secrets.token_hex(16),
            status=verdict,
            text=draft.text,
            language=_language_of(draft, asked_in),
            claims=claims,
            citations=citations,
            confidence=seen.confidence,
            reason=UNAVAILABLE if work.data.failures else None,
            conversation_id=question.conversation_id,
            notice=self._phrases("notice.ai", asked_in),
            model=_model_of(draft, self._model),
            usage=draft.usage,
            timings=Timings(),
            created_at=self._clock(),
            personal=question.context,
            live_citations=live_citations,
            live_sources=seen.told.sources,
        )
        if draft.claims:
            return answer
        raise_failure(work.data.failures)
        related = bool(seen.nearest) and found.confidence >= RELATED_FROM
        phrase = "answer.not_found.related" if related else "answer.not_found.nothing"
        return replace(
            answer,
            status=AnswerStatus.NOT_FOUND,
            text=self._phrases(phrase, asked_in),
            language=asked_in,
            citations=seen.nearest,
            reason="not-in-documents" if related else "no-documents-match",
        )

    def _keep(self, work: _Work, answer: Answer, *, spoken: bool) -> None:
        """Store the answer and its turns; of live data nothing. Raises: ConsentRequired, Unavailable."""
        kept, said = without_live(answer, spoken=spoken), answer.text
        if spoken:
            said = self._phrases("answer.live.not_kept", work.question.language or answer.language)
        keep(self._records, work.consent, work.caller, work.question.text, kept, said=said)


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
