"""Answers and what they cite."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from jibu.domain.live import Asked
from jibu.domain.personal import PersonalContext


class AnswerStatus(StrEnum):
    """What became of a question."""

    ANSWERED = "answered"
    PARTIAL = "partial"
    NOT_FOUND = "not_found"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Question:
    """A question, checked. ``collections`` is None for all that the caller may read.

    ``services`` are ids of services that are asked about the context's individual; ``asked``: the request's ids.
    """

    text: str
    collections: tuple[str, ...] | None = None
    language: str | None = None
    conversation_id: str | None = None
    max_citations: int = 5
    context: PersonalContext | None = None
    services: tuple[str, ...] = ()
    asked: Asked | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement: ``answer[start:end]``. ``citations`` are numbers, ``support`` is 0 to 1."""

    text: str
    start: int
    end: int
    citations: tuple[int, ...]
    support: float


@dataclass(frozen=True, slots=True)
class Citation:
    """An exact span of a source: ``quote == document_text[start:end]`` in version ``version``."""

    number: int
    document_id: str
    version: int
    title: str
    collection_id: str
    section_path: tuple[str, ...]
    quote: str
    start: int
    end: int
    page: int | None
    url: str | None
    score: float
    language: str = "und"


@dataclass(frozen=True, slots=True)
class LiveCitation:
    """Something that a service said about an individual. ``quote``: the value at ``field_path``, on one line.

    ``field_path`` is a JSON Pointer into the body whose hash is ``response_sha256``. Of a stored answer path and quote
    are empty. Numbers count on with those of ``Citation``.
    """

    number: int
    service_id: str
    title: str
    retrieved_at: datetime
    field_path: str
    quote: str
    message_id: str
    response_sha256: str
    score: float
    language: str = "und"


class LiveOutcome(StrEnum):
    """What became of asking a service. NOT_KEPT: it answered, and the stored answer does not say what."""

    OK = "ok"
    NO_DATA = "no-data"
    FAILED = "failed"
    NOT_KEPT = "not-kept"


@dataclass(frozen=True, slots=True)
class LiveConsulted:
    """A service that a question named. ``reason``: the code of what went wrong."""

    service_id: str
    outcome: LiveOutcome
    reason: str | None = None
    retrieved_at: datetime | None = None
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What produced the answer. ``fallback``: why another generator than the configured one wrote it."""

    generator: str
    embedder: str
    index: str
    fallback: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that a generating model used."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds."""

    retrieval_ms: float = 0.0
    generation_ms: float = 0.0
    total_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Draft:
    """What a generator makes of a question and its passages, before it is checked and stored.

    Claims and citations follow the rules of ``Answer``. ``text`` is the answer's text. ``complete``: nothing was left
    out because it could not be proved or came too late. ``language`` is what the claims are in, where they are not the
    sources' own words. ``generator`` and ``fallback`` are set where another generator than the one asked wrote it.
    """

    text: str
    claims: tuple[Claim, ...]
    citations: tuple[Citation, ...]
    usage: Usage = Usage()
    complete: bool = True
    language: str | None = None
    generator: str | None = None
    fallback: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, as the caller gets it and as it is stored for the auditor."""

    answer_id: str
    status: AnswerStatus
    text: str
    language: str
    claims: tuple[Claim, ...]
    citations: tuple[Citation, ...]
    confidence: float
    reason: str | None
    conversation_id: str | None
    notice: str
    model: ModelInfo
    usage: Usage
    timings: Timings
    created_at: datetime
    personal: PersonalContext | None = None
    """Under which consent it was given; None where no personal data were looked for."""
    live_citations: tuple[LiveCitation, ...] = ()
    live_sources: tuple[LiveConsulted, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation. ``role`` is "user" or "assistant"."""

    role: str
    text: str
    created_at: datetime
    answer_id: str | None = None
    personal: PersonalContext | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """A caller's conversation. ``owner`` is ``Caller.owner``."""

    conversation_id: str
    owner: str
    created_at: datetime
    turns: tuple[Turn, ...] = ()


@dataclass(frozen=True, slots=True)
class Feedback:
    """What an asker thought of an answer. ``rating``: "helpful" or "not_helpful"."""

    answer_id: str
    rating: str
    reason: str | None
    created_at: datetime
