"""The ports: what the use cases need from the outside, as protocols with few methods.

Every docstring says what a method raises. Adapters inherit nothing from here; each port's contract
suite in ``jibu.testing`` is what an adapter has to pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, Self, TypeVar

from jibu.domain.access import AccessFilter, Caller
from jibu.domain.answers import Answer, Conversation, Draft, Feedback, Turn
from jibu.domain.documents import Collection, Document, ErasureReceipt, Failure, NewDocument, ParsedDocument
from jibu.domain.events import Event, Job
from jibu.domain.linking import LinkedDocument
from jibu.domain.passages import FoundPassage, Hit, IndexedPassage, Passage, Vector

T = TypeVar("T")

Clock = Callable[[], datetime]
"""Returns the present time, UTC and aware."""


# --- text and files ---


class Segmenter(Protocol):
    """Sentences and search terms in any language, by Unicode rules."""

    def sentences(self, text: str, language: str) -> list[tuple[int, int]]:
        """Return sentence spans (code points, blank space trimmed), in order, never empty ones."""

    def terms(self, text: str, language: str) -> list[str]:
        """Return normalised search terms, repeated as they occur. No term holds blank space."""


class LanguageDetector(Protocol):
    """Tells the language of a text."""

    def detect(self, text: str, *, default: str = "und") -> str:
        """Return a BCP 47 primary language subtag, or ``default`` where the text says too little."""


class Parser(Protocol):
    """Reads files into canonical text, in a place where a hostile file can do no harm."""

    def parse(self, content: bytes, *, filename: str | None, media_type: str | None) -> ParsedDocument:
        """Parse one file.

        Raises: ParseFailed with a stable reason (encrypted, too-large, too-slow, too-many-pages, empty,
        truncated, type-mismatch, unsupported-type, bomb, unreadable, out-of-memory).
        """


# --- models ---


class Embedder(Protocol):
    """Turns text into vectors of L2 norm 1. Safe to call from several threads."""

    @property
    def name(self) -> str:
        """Model name; an index remembers it."""

    @property
    def dimension(self) -> int:
        """Number of components."""

    @property
    def max_tokens(self) -> int:
        """Longest input, in the model's own tokens, that is embedded whole."""

    def count_tokens(self, text: str) -> int:
        """Return how many tokens the text takes as a passage."""

    def embed_passages(self, texts: Sequence[str]) -> list[Vector]:
        """Return one vector per text, in order. A bad text never sinks its batch. Raises: Unavailable."""

    def embed_query(self, text: str) -> Vector:
        """Return the vector of a question. Raises: Unavailable."""


@dataclass(frozen=True, slots=True)
class WeightedTerm:
    """A search term of a question and how much its BM25 counts."""

    term: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """What a generator works from. ``passages`` are in rank order and already allowed to this caller.

    ``terms`` are the question's search terms, each once, weighted by how rare it is.
    """

    question: str
    language: str
    passages: tuple[FoundPassage, ...]
    question_vector: Vector
    terms: tuple[WeightedTerm, ...] = ()
    max_citations: int = 5


class Generator(Protocol):
    """Writes a cited answer from passages and nothing else."""

    @property
    def name(self) -> str:
        """What ``model.generator`` in an answer says."""

    def generate(self, request: GenerationRequest) -> Iterator[str | Draft]:
        """Yield pieces of the answer's text as they come and then one ``Draft``, always last.

        The pieces joined equal the draft's text. Closing the iterator cancels the work.
        An empty draft (no claims) means that the passages do not hold the answer. Raises: Unavailable.
        """


# --- index ---


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """What an index is: its ``kind`` (embedded, weaviate), the embedder it was built by, its size."""

    kind: str
    embedder: str
    dimension: int
    passages: int


class Index(Protocol):
    """Dense and lexical search over passages. Filters apply inside the query, never after it.

    A projection of the text store: it may be dropped and rebuilt. Safe to read from several threads.
    """

    def add(self, passages: Sequence[IndexedPassage]) -> None:
        """Add or replace by passage id; durable on return. Raises: Unavailable, IndexBusy, InvalidInput."""

    def dense(self, vector: Vector, access: AccessFilter, limit: int) -> list[Hit]:
        """Return up to ``limit`` hits by cosine, best first. Raises: Unavailable, InvalidInput (dimension)."""

    def lexical(self, terms: Sequence[WeightedTerm], access: AccessFilter, limit: int) -> list[Hit]:
        """Return up to ``limit`` hits by weighted BM25 (k1 1.2, b 0.75), best first; any term may match.

        A passage's score is the sum over the distinct query terms of weight x BM25. Raises: Unavailable.
        """

    def frequencies(self, terms: Sequence[str]) -> list[int]:
        """Return in how many passages each term occurs (may be approximate). Raises: Unavailable."""

    def vectors(self, passage_ids: Sequence[str], access: AccessFilter) -> list[Vector | None]:
        """Return stored vectors (possibly rounded), None where the passage is absent or hidden. Raises: Unavailable."""

    def passage_ids(self, document_id: str, version: int) -> set[str]:
        """Return the ids held for one document version, so that a broken-off run resumes. Raises: Unavailable."""

    def delete_document(self, document_id: str, *, keep_version: int | None = None) -> int:
        """Remove a document's passages (all versions but ``keep_version``); return how many. Raises: Unavailable."""

    def compact(self) -> None:
        """Rewrite storage so that no byte of removed passages stays. May take long. Raises: Unavailable."""

    def info(self) -> IndexInfo:
        """Describe the index. Raises: Unavailable."""

    def close(self) -> None:
        """Release files and connections; safe to call twice."""


# --- records ---


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a listing. ``total`` counts all that match."""

    items: tuple[T, ...]
    total: int


class CollectionRecords(Protocol):
    """Collections."""

    def put(self, collection: Collection) -> bool:
        """Create or replace; return True when it is new."""

    def get(self, collection_id: str) -> Collection:
        """Raises: NotFound."""

    def all(self) -> list[Collection]:
        """Return every collection, by id."""

    def delete(self, collection_id: str) -> None:
        """Raises: NotFound; Conflict while it holds documents."""


class DocumentRecords(Protocol):
    """Documents, their versions, texts and passages."""

    def receive(
        self,
        document_id: str,
        new: NewDocument,
        *,
        title: str,
        media_type: str,
        fingerprint: str,
        at: datetime,
    ) -> Document:
        """Store a new version (the first one, or the next of an existing document) with its bytes, status received.

        ``fingerprint`` stands for the content and all that was said about it. Raises: NotFound (collection).
        """

    def get(self, document_id: str, version: int | None = None) -> Document:
        """Return a document as its newest version, or this one, describes it. Raises: NotFound."""

    def find(
        self, collection_id: str, *, owner: str | None, external_id: str | None, sha256: str
    ) -> Document | None:
        """Return a collection's document with this owner key and external id.

        Where ``external_id`` is None: the one without external id whose newest version has this content.
        """

    def fingerprint(self, document_id: str) -> str:
        """Return the fingerprint of the newest version. Raises: NotFound."""

    def requeue(self, document_id: str, version: int) -> None:
        """Set a failed version back to received, so that it can be tried again. Raises: NotFound."""

    def page(
        self,
        collections: frozenset[str],
        owners: frozenset[str],
        *,
        offset: int,
        limit: int,
        status: str | None = None,
    ) -> Page[Document]:
        """List documents in these collections that are open or owned by one of ``owners``; newest first."""

    def content(self, document_id: str, version: int) -> bytes:
        """Return the bytes as received. Raises: NotFound."""

    def save_parsed(
        self,
        document_id: str,
        version: int,
        parsed: ParsedDocument,
        passages: Sequence[Passage],
        *,
        title: str,
    ) -> None:
        """Store a version's canonical text, passages and link targets. Raises: NotFound.

        Replaces what a broken-off run left. See ``jibu.domain.linking`` for the targets that are kept.
        """

    def text(self, document_id: str, version: int | None = None) -> str:
        """Return the canonical text of a version (default: the live one). Raises: NotFound."""

    def passages(
        self, document_id: str, version: int, *, offset: int = 0, limit: int | None = None
    ) -> list[Passage]:
        """Return a version's passages in order (empty before it is parsed)."""

    def count_passages(self, document_id: str, version: int) -> int:
        """Count a version's passages (0 where there is no such version)."""

    def epoch(self) -> int:
        """Return the counter that each activation raises. Read it before a search, then hydrate with it."""

    def hydrate(self, passage_ids: Sequence[str], *, epoch: int) -> list[FoundPassage]:
        """Return passages (score 0, in the order asked) of versions that were live at ``epoch``.

        Passages of other versions, erased or unknown ones are left out. So a search that overlaps a
        replacement sees the old version or the new one, never both or neither.
        """

    def linked(self, document_id: str, access: AccessFilter, limit: int) -> list[LinkedDocument]:
        """Return live documents that the live version of this one links to, in the order of its links.

        Both the document and those it links to must be in ``access`` (collections and owners; languages do not
        count here): a link never tells of a document that may not be read. Targets are resolved now, so it does
        not matter which document came first.
        """

    def activate(
        self, document_id: str, version: int, *, at: datetime, languages: tuple[str, ...]
    ) -> int | None:
        """Make a version the live one, at once for every reader; return the version it replaces.

        Raises: NotFound; Conflict when a newer version is live already.
        """

    def fail(self, document_id: str, version: int, failure: Failure) -> None:
        """Record why a version failed. The live version stays as it is. Raises: NotFound."""

    def drop_versions(self, document_id: str, *, before: int) -> int:
        """Remove versions older than ``before`` with their texts, bytes and passages; return how many.

        The live version stays, however old.
        """

    def erase(self, document_id: str) -> tuple[tuple[str, int], ...]:
        """Remove every row and byte of a document; return how many rows went from each table. Raises: NotFound."""

    def live(self) -> Iterator[tuple[str, int]]:
        """Yield (document id, live version) of every document that has one, by id."""

    def live_passages(self) -> int:
        """Count the passages of all live versions."""


class ConversationRecords(Protocol):
    """Conversations, answers and feedback."""

    def create(self, conversation: Conversation) -> None:
        """Store a new conversation with its turns."""

    def get(self, conversation_id: str, owner: str) -> Conversation:
        """Raises: NotFound, also for another owner's."""

    def page(self, owner: str, *, offset: int, limit: int) -> Page[Conversation]:
        """List an owner's conversations without their turns, newest first."""

    def append(self, conversation_id: str, turns: Sequence[Turn]) -> None:
        """Add turns. Raises: NotFound."""

    def delete(self, conversation_id: str, owner: str) -> None:
        """Remove a conversation, its turns, its answers and their feedback. Raises: NotFound."""

    def save_answer(self, answer: Answer, *, owner: str, question_sha256: str) -> None:
        """Keep an answer for the auditor and for feedback."""

    def answer(self, answer_id: str) -> tuple[Answer, str]:
        """Return an answer and its owner. Raises: NotFound."""

    def add_feedback(self, feedback: Feedback) -> None:
        """Keep or replace the feedback on an answer. Raises: NotFound."""

    def drop_answers(self, *, before: datetime) -> int:
        """Remove answers older than this, with their feedback; return how many."""


class Outbox(Protocol):
    """Events and jobs, written in the transaction of the change that causes them."""

    def emit(self, event: Event) -> None:
        """Leave an event for the broker."""

    def enqueue(self, kind: str, key: str, version: int, *, at: datetime, delay_s: float = 0.0) -> None:
        """Leave a job for the relay, not before ``delay_s`` seconds. The same (kind, key, version) waits once.

        A parked one is made due again with its attempts forgotten.
        """

    def due(self, *, at: datetime) -> bool:
        """Tell whether there is a job to claim, without writing."""

    def claim_jobs(self, *, at: datetime, lease_s: float, limit: int, kinds: Sequence[str] = ()) -> list[Job]:
        """Lease due jobs (of these kinds, or of any) to this relay, oldest first, and count the attempt.

        A lease that runs out makes the job due again. While one job of a key is leased no other job of
        the same key is given out, so that work on one aggregate never runs twice at a time.
        """

    def extend(self, job: Job, *, at: datetime, lease_s: float) -> bool:
        """Prolong the lease; False when it was lost or the job was withdrawn: stop working on it."""

    def finish(self, job: Job) -> bool:
        """Remove a job that is done; False, and nothing done, when the lease was lost."""

    def retry(
        self, job: Job, *, at: datetime, delay_s: float, error: str, park: bool, counted: bool = True
    ) -> None:
        """Give a job back for later, or park it for an operator to see. A lost lease makes this a no-op.

        ``counted=False`` takes back the attempt: the job itself was not at fault.
        """

    def unpublished(self, *, limit: int) -> list[Event]:
        """Return the oldest unpublished events, in order."""

    def mark_published(self, event_ids: Sequence[str]) -> None:
        """Record that the broker has these events."""

    def lead(self, name: str, holder: str, *, at: datetime, lease_s: float) -> bool:
        """Take or prolong a named lease; False while another holder has it."""

    def beat(self, relay_id: str, *, at: datetime) -> None:
        """Record that a relay is alive."""

    def backlog(self, *, at: datetime) -> Backlog:
        """Count what waits."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in the outbox: jobs that are due or running, parked jobs, events; and when a relay last lived."""

    jobs: int
    parked: int
    events: int
    oldest_job_age_s: float
    relay_seen_at: datetime | None


class ReceiptRecords(Protocol):
    """Erasure receipts."""

    def add(self, receipt: ErasureReceipt) -> None:
        """Keep or replace a receipt."""

    def get(self, receipt_id: str) -> ErasureReceipt:
        """Raises: NotFound."""

    def of_document(self, document_id: str) -> ErasureReceipt:
        """Return the receipt of an erased document. Raises: NotFound."""


class UnitOfWork(Protocol):
    """One transaction: ``with open_uow() as uow: …; uow.commit()``. Leaving without commit rolls back.

    Opening and committing raise Unavailable when the database does not answer or stays locked.
    """

    @property
    def collections(self) -> CollectionRecords: ...
    @property
    def documents(self) -> DocumentRecords: ...
    @property
    def conversations(self) -> ConversationRecords: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def receipts(self) -> ReceiptRecords: ...

    def __enter__(self) -> Self: ...
    def __exit__(self, *exc: object) -> None: ...
    def commit(self) -> None: ...


class Records(Protocol):
    """The record store."""

    def read(self) -> UnitOfWork:
        """Open a transaction that only reads: one consistent snapshot."""

    def write(self) -> UnitOfWork:
        """Open a transaction that may write."""

    def compact(self) -> None:
        """Overwrite what removed rows left behind, in log files too. May wait for readers. Raises: Unavailable."""

    def ping(self) -> None:
        """Raises: Unavailable."""

    def close(self) -> None:
        """Release connections; safe to call twice."""


# --- outside world ---


class Broker(Protocol):
    """Takes events to other blocks, at least once, in order per key."""

    def publish(self, events: Sequence[Event]) -> None:
        """Return when all are stored. Raises: Unavailable."""

    def ping(self) -> None:
        """Raises: Unavailable."""


class TokenVerifier(Protocol):
    """Checks bearer tokens."""

    def verify(self, token: str) -> Caller:
        """Raises: Unauthenticated; Unavailable when the keys cannot be had."""
