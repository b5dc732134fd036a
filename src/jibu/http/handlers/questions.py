"""Asking and searching."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from starlette.responses import Response

from jibu.domain.answers import Answer, Question
from jibu.domain.personal import PersonalContext
from jibu.http import views
from jibu.http.call import Call, Json, wants_stream
from jibu.http.gate import Gate
from jibu.http.languages import known_language, primary_language
from jibu.http.metrics import Metrics
from jibu.http.personal import UNCACHED, context_in_body, refuse_services, services_in_body
from jibu.http.services import Services
from jibu.http.sse import Event, EventStream, Run
from jibu.usecases.pieces import Sources
from jibu.usecases.search import SearchRequest

DEFAULT_CITATIONS = 5
DEFAULT_LIMIT = 10


class QuestionHandlers:
    """``POST /query`` and ``POST /search``."""

    def __init__(self, services: Services, gate: Gate, metrics: Metrics) -> None:
        self._services = services
        self._keepalive_s = services.settings.stream_keepalive_s
        self._gate = gate
        self._metrics = metrics

    async def ask(self, call: Call) -> Response:
        """Answer a question, whole or as a stream."""
        caller, question = call.caller, _question(call)
        contexts: list[PersonalContext] = [] if question.context is None else [question.context]
        run = Run(lambda: _noting(self._services.answering.stream(caller, question), contexts))
        still = None if question.context is None else lambda: self._look(contexts)
        if wants_stream(call.headers.get("accept", "")):
            return EventStream(
                run, gate=self._gate, keepalive_s=self._keepalive_s, done=self._metrics.answer, still=still
            )
        answer: Answer = await self._gate.run(run.last, on_timeout=run.stop)
        self._metrics.answer(answer)
        return Json(views.answer(answer), headers=None if question.context is None else UNCACHED)

    def _look(self, contexts: Sequence[PersonalContext]) -> None:
        """Raises: ConsentRequired or Unavailable unless consent holds under each context."""
        for context in tuple(contexts):
            self._services.consent_gate.still(context)

    async def search(self, call: Call) -> Response:
        """Find passages."""
        caller, request = call.caller, _search_request(call)
        found = await self._gate.run(lambda: self._services.search.search(caller, request))
        self._metrics.stage("embedding", found.embed_ms / 1000)
        self._metrics.stage("search", found.retrieval_ms / 1000)
        times = f"embedding;dur={found.embed_ms:.1f}, search;dur={found.retrieval_ms:.1f}"
        return Json(views.search_result(found), headers={"Server-Timing": times})


def _noting(events: Iterator[Event], contexts: list[PersonalContext]) -> Iterator[Event]:
    """Pass events on and note under which contexts they may be told."""
    try:
        for event in events:
            if isinstance(event, Sources) and event.contexts:
                contexts[:] = event.contexts
            yield event
    finally:
        close = getattr(events, "close", None)
        if close is not None:
            close()


def _question(call: Call) -> Question:
    body = call.body
    return Question(
        text=body["question"],
        collections=_collections(call),
        language=known_language(body.get("language")),
        conversation_id=body.get("conversationId"),
        max_citations=int(body.get("maxCitations", DEFAULT_CITATIONS)),
        context=context_in_body(call),
        services=services_in_body(call),
        asked=call.asked,
    )


def _search_request(call: Call) -> SearchRequest:
    body = call.body
    refuse_services(call)
    return SearchRequest(
        query=body["query"],
        collections=_collections(call),
        limit=int(body.get("limit", DEFAULT_LIMIT)),
        language=primary_language(body.get("language")),
        conversation_id=body.get("conversationId"),
        judge=False,
        context=context_in_body(call),
    )


def _collections(call: Call) -> tuple[str, ...] | None:
    named = call.body.get("collections")
    return None if named is None else tuple(named)
