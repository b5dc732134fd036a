"""The app in process, over small use cases that are exact in what HTTP needs: who, what, which error."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from starlette.types import ASGIApp

from jibu.adapters.auth.block_key import BlockKey
from jibu.adapters.auth.individuals import IndividualSignatures
from jibu.adapters.auth.jwt import JwtVerifier
from jibu.adapters.auth.keys import KeySet
from jibu.adapters.auth.local import ISSUER, LocalIssuer
from jibu.adapters.broker.local import LocalBroker
from jibu.adapters.outbound.addresses import check_address
from jibu.adapters.store.sql import SqlRecords, SqlUnitOfWork
from jibu.adapters.store.sqlite import open_sqlite
from jibu.domain.access import Caller
from jibu.domain.answers import (
    Answer,
    AnswerStatus,
    Citation,
    Claim,
    Conversation,
    ModelInfo,
    Question,
    Timings,
    Turn,
    Usage,
)
from jibu.domain.documents import Collection, Document, DocumentStatus, NewDocument
from jibu.domain.errors import Conflict, InvalidInput, NotFound, TooLarge
from jibu.domain.passages import FoundPassage, Passage, passage_id
from jibu.domain.personal import ConsentDecision, PersonalContext
from jibu.domain.questions import check_text
from jibu.domain.receipts import ErasureReceipt
from jibu.http.app import create_app
from jibu.ports import Backlog, LogSlice, Page
from jibu.settings import Settings
from jibu.usecases.consent.agreements import Agreements
from jibu.usecases.consent.auditing import Auditing
from jibu.usecases.consent.checking import Checking
from jibu.usecases.consent.consenting import Consenting
from jibu.usecases.consent.forgetting import Forgetting
from jibu.usecases.consent.individuals import Individuals
from jibu.usecases.consent.policies import Policies
from jibu.usecases.consent.services import ConsentServices
from jibu.usecases.consent.signing import Signing
from jibu.usecases.consent.webhooks import Webhooks
from jibu.usecases.consent_gate import CLOSED
from jibu.usecases.erasing import Erasing
from jibu.usecases.event_log import Events
from jibu.usecases.health import Health
from jibu.usecases.parking import Parking
from jibu.usecases.pieces import Sources, Token
from jibu.usecases.system_card import Component, SystemCard
from jibu.wiring.mediation import make_mediation
from jibu.wiring.pubsub import make_pubsub

CLIENT = "ZZ/GOV/portal-agency/portal"
OTHER = "ZZ/GOV/other-agency/portal"
ALL_SCOPES = (
    "consent.config",
    "consent.service",
    "consent.audit",
    "rag.query",
    "rag.ingest",
    "rag.admin",
    "mediator.client",
    "mediator.admin",
    "events.read",
    "audit.read",
    "metrics.read",
)
NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


@dataclass
class Store:
    """What the small use cases share."""

    collections: dict[str, Collection] = field(default_factory=dict)
    documents: dict[str, tuple[Document, str]] = field(default_factory=dict)
    conversations: dict[str, Conversation] = field(default_factory=dict)
    answers: dict[str, tuple[Answer, str]] = field(default_factory=dict)
    feedback: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    receipts: dict[str, ErasureReceipt] = field(default_factory=dict)

    def collection(self, caller: Caller, collection_id: str) -> Collection:
        """Return a readable collection."""
        found = self.collections.get(collection_id)
        if found is None or not caller.may_read(found.read):
            raise NotFound(f"no collection {collection_id!r}")
        return found

    def document(self, caller: Caller, document_id: str) -> tuple[Document, str]:
        """Return a readable document and its text."""
        if document_id not in self.documents:
            raise NotFound(f"no document {document_id!r}")
        found = self.documents[document_id]
        try:
            self.collection(caller, found[0].collection_id)
        except NotFound:
            raise NotFound(f"no document {document_id!r}") from None
        return found


@dataclass
class Collections:
    """Collections in memory."""

    store: Store

    def put(self, caller: Caller, collection: Collection) -> tuple[Collection, bool]:  # noqa: ARG002
        """Create or replace."""
        new = collection.collection_id not in self.store.collections
        kept = replace(collection, created_at=NOW, updated_at=NOW)
        self.store.collections[collection.collection_id] = kept
        return kept, new

    def get(self, caller: Caller, collection_id: str) -> Collection:
        """Return one."""
        return self.store.collection(caller, collection_id)

    def page(self, caller: Caller, *, offset: int, limit: int) -> Page[Collection]:
        """List readable ones."""
        found = tuple(c for _, c in sorted(self.store.collections.items()) if caller.may_read(c.read))
        return Page(found[offset : offset + limit], len(found))

    def delete(self, caller: Caller, collection_id: str) -> None:
        """Remove an empty one."""
        self.store.collection(caller, collection_id)
        if any(d.collection_id == collection_id for d, _ in self.store.documents.values()):
            raise Conflict("the collection still holds documents")
        del self.store.collections[collection_id]


@dataclass
class Documents:
    """Documents in memory, indexed at once."""

    store: Store
    max_bytes: int

    def receive(self, caller: Caller, new: NewDocument) -> tuple[Document, bool]:
        """Keep a document."""
        self.store.collection(caller, new.collection_id)
        if len(new.content) > self.max_bytes:
            raise TooLarge("a document may not be so large")
        if not new.content:
            raise InvalidInput("the document is empty", "file")
        if (new.individual_id is None) != (new.agreement_id is None):
            raise InvalidInput("individualId and dataAgreementId belong together", "/individualId")
        sha256 = hashlib.sha256(new.content).hexdigest()
        for old, _ in self.store.documents.values():
            if old.collection_id == new.collection_id and old.sha256 == sha256:
                return old, False
        document = Document(
            document_id=uuid4().hex,
            collection_id=new.collection_id,
            version=1,
            status=DocumentStatus.INDEXED,
            title=new.title or new.filename or "Untitled",
            sha256=sha256,
            media_type=new.media_type or "application/octet-stream",
            size=len(new.content),
            received_at=NOW,
            live_version=1,
            indexed_at=NOW,
            passages=1,
            languages=("en",),
            language=new.language,
            url=new.url,
            external_id=new.external_id,
            licence=new.licence,
            filename=new.filename,
        )
        self.store.documents[document.document_id] = (document, new.content.decode("utf-8", "replace"))
        return document, True

    def get(self, caller: Caller, document_id: str, *, context: Any = None) -> Document:  # noqa: ARG002
        """Return one."""
        return self.store.document(caller, document_id)[0]

    def page(
        self,
        caller: Caller,
        *,
        collection_id: str | None,
        status: str | None,
        offset: int,
        limit: int,
        context: Any = None,  # noqa: ARG002
    ) -> Page[Document]:
        """List readable ones."""
        if collection_id is not None:
            self.store.collection(caller, collection_id)
        found = tuple(
            d
            for d, _ in self.store.documents.values()
            if caller.may_read(self.store.collections[d.collection_id].read)
            and collection_id in {None, d.collection_id}
            and status in {None, d.status.value}
        )
        return Page(found[offset : offset + limit], len(found))

    def text(
        self,
        caller: Caller,
        document_id: str,
        version: int | None = None,
        *,
        context: Any = None,  # noqa: ARG002
    ) -> str:
        """Return the text."""
        document, text = self.store.document(caller, document_id)
        if version not in {None, document.version}:
            raise NotFound(f"no version {version}")
        return text

    def passages(
        self,
        caller: Caller,
        document_id: str,
        *,
        offset: int,
        limit: int,
        context: Any = None,  # noqa: ARG002
    ) -> Page[Passage]:
        """Return the one passage."""
        found = (whole(*self.store.document(caller, document_id)),)
        return Page(found[offset : offset + limit], 1)

    def erase(self, caller: Caller, document_id: str) -> ErasureReceipt:
        """Forget one."""
        self.store.document(caller, document_id)
        del self.store.documents[document_id]
        removed = (("documents", 1),)
        receipt = ErasureReceipt(uuid4().hex, document_id, NOW, removed, ("records", "index"), caller.client)
        self.store.receipts[receipt.receipt_id] = receipt
        return receipt


def whole(document: Document, text: str) -> Passage:
    """Return a passage that is the whole text."""
    name = passage_id(document.document_id, 1, 0)
    return Passage(name, document.document_id, 1, 0, 0, len(text), text, ("Heading",), None, "en")


@dataclass(frozen=True)
class Found:
    """What the small search returns; the fields that HTTP reads."""

    passages: tuple[FoundPassage, ...]
    language: str = "en"
    embed_ms: float = 1.0
    retrieval_ms: float = 2.0


@dataclass
class Search:
    """Finds passages that hold a word of the query."""

    store: Store

    def search(self, caller: Caller, request: Any) -> Found:
        """Return them."""
        text = check_text(request.query, "query")
        for name in request.collections or ():
            self.store.collection(caller, name)
        if request.conversation_id is not None:
            _owned(self.store, caller, request.conversation_id)
        words = set(text.lower().split())
        found = [
            FoundPassage(whole(d, t), d.title, d.collection_id, 0.5, 0.8, None, d.url)
            for d, t in self.store.documents.values()
            if caller.may_read(self.store.collections[d.collection_id].read)
            and (request.collections is None or d.collection_id in request.collections)
            and (request.language in {None, "en"})
            and words & set(t.lower().split())
        ]
        return Found(tuple(found[: request.limit]))


@dataclass(frozen=True)
class Wanted:
    """A search request with the fields that the small search reads."""

    query: str
    collections: tuple[str, ...] | None
    limit: int
    language: str | None
    conversation_id: str | None


@dataclass
class Answering:
    """Answers with the first passage found, word by word. ``before_token`` lets a test hold it up."""

    store: Store
    before_token: Callable[[int], None] = lambda _n: None
    closed: threading.Event = field(default_factory=threading.Event)
    produced: int = 0
    contexts: tuple[PersonalContext, ...] = ()

    def stream(self, caller: Caller, question: Question) -> Iterator[Sources | Token | Answer]:
        """Yield sources, tokens and the answer."""
        try:
            yield from self._stream(caller, question)
        finally:
            self.closed.set()

    def _stream(self, caller: Caller, question: Question) -> Iterator[Sources | Token | Answer]:
        text = check_text(question.text, "question")
        request = Wanted(text, question.collections, 5, None, question.conversation_id)
        found = Search(self.store).search(caller, request)
        citations = tuple(
            Citation(
                n,
                f.passage.document_id,
                1,
                f.title,
                f.collection_id,
                ("Heading",),
                f.passage.text,
                0,
                len(f.passage.text),
                None,
                f.url,
                f.score,
            )
            for n, f in enumerate(found.passages[: question.max_citations], 1)
        )
        yield Sources(citations, contexts=self.contexts)
        told = citations[0].quote if citations else "The documents do not answer this."
        for n, word in enumerate(told.split(" ")):
            self.before_token(n)
            self.produced += 1
            yield Token(word if n == 0 else " " + word)
        claims = (Claim(told, 0, len(told), (1,), 1.0),) if citations else ()
        answer = Answer(
            answer_id=uuid4().hex,
            status=AnswerStatus.ANSWERED if citations else AnswerStatus.NOT_FOUND,
            text=told,
            language=question.language or "en",
            claims=claims,
            citations=citations,
            confidence=0.9 if citations else 0.1,
            reason=None if citations else "not-in-documents",
            conversation_id=question.conversation_id,
            notice="An AI system wrote this.",
            model=ModelInfo("extractive", "multilingual-e5-small", "embedded"),
            usage=Usage(),
            timings=Timings(1.0, 2.0, 3.0),
            created_at=NOW,
        )
        self.store.answers[answer.answer_id] = (answer, caller.owner)
        yield answer


@dataclass
class Answers:
    """Answers in memory."""

    store: Store

    def get(self, caller: Caller, answer_id: str, *, context: Any = None) -> Answer:  # noqa: ARG002
        """Return one."""
        answer, owner = self.store.answers.get(answer_id, (None, None))
        if answer is None or (owner != caller.owner and "audit.read" not in caller.scopes):
            raise NotFound(f"no answer {answer_id}")
        return answer


@dataclass
class Conversations:
    """Conversations in memory."""

    store: Store

    def create(self, caller: Caller, turns: tuple[tuple[str, str], ...] = ()) -> Conversation:
        """Start one."""
        kept = tuple(Turn(role, check_text(text, "turns"), NOW) for role, text in turns)
        made = Conversation(uuid4().hex, caller.owner, NOW, kept)
        self.store.conversations[made.conversation_id] = made
        return made

    def get(self, caller: Caller, conversation_id: str, *, context: Any = None) -> Conversation:  # noqa: ARG002
        """Return one's own."""
        return _owned(self.store, caller, conversation_id)

    def page(self, caller: Caller, *, offset: int, limit: int) -> Page[Conversation]:
        """List one's own."""
        found = tuple(c for c in self.store.conversations.values() if c.owner == caller.owner)
        return Page(found[offset : offset + limit], len(found))

    def delete(self, caller: Caller, conversation_id: str) -> None:
        """Forget one."""
        _owned(self.store, caller, conversation_id)
        del self.store.conversations[conversation_id]


def _owned(store: Store, caller: Caller, conversation_id: str) -> Conversation:
    found = store.conversations.get(conversation_id)
    if found is None or found.owner != caller.owner:
        raise NotFound(f"no conversation {conversation_id}")
    return found


@dataclass
class Feedback:
    """Feedback in memory."""

    store: Store

    def give(
        self,
        caller: Caller,
        answer_id: str,
        rating: str,
        reason: str | None = None,
        *,
        context: Any = None,  # noqa: ARG002
    ) -> None:
        """Keep it."""
        if reason is not None:
            check_text(reason, "reason", 1000)
        Answers(self.store).get(replace(caller, scopes=frozenset()), answer_id)
        self.store.feedback[answer_id] = (rating, reason)


@dataclass
class Receipts:
    """Receipts in memory."""

    store: Store

    def get(self, receipt_id: str) -> ErasureReceipt:
        """Return one."""
        if receipt_id not in self.store.receipts:
            raise NotFound("no such receipt")
        return self.store.receipts[receipt_id]


class NoDecisions:
    """A log of decisions in which nothing stands."""

    def page(self, *, offset: int, limit: int) -> Page[ConsentDecision]:  # noqa: ARG002
        """Return nothing."""
        return Page((), 0)


class Card:
    """A fixed system card."""

    def get(self) -> SystemCard:
        """Return it."""
        part = Component("extractive", "generator", "Apache-2.0", "open source")
        return SystemCard(
            "Jibu", "0", "answers", "limited", (part,), ("en", "sw"), 1, 1, ("none",), "measured"
        )


class LateRecords:
    """SQLite, opened when it is first used: most tests never do."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._opened: SqlRecords | None = None

    @property
    def opened(self) -> SqlRecords:
        """Return the store."""
        with self._lock:
            if self._opened is None:
                self._opened = open_sqlite(self._path)
            return self._opened

    def read(self) -> SqlUnitOfWork:
        """Open a snapshot."""
        return self.opened.read()

    def write(self) -> SqlUnitOfWork:
        """Open a transaction that may write."""
        return self.opened.write()

    def close(self) -> None:
        """Release connections."""
        if self._opened is not None:
            self._opened.close()


@dataclass
class TestServices:
    """What ``create_app`` takes."""

    __test__ = False

    settings: Settings
    store: Store
    collections: Any
    documents: Any
    search: Any
    answering: Any
    answers: Any
    conversations: Any
    feedback: Any
    receipts: Any
    consent_gate: Any
    decisions: Any
    system_card: Any
    mediation: Any
    pubsub: Any
    parking: Parking
    events: Events
    mediation_records: LateRecords
    health: Health
    consent: ConsentServices
    verifier: Any
    signer: Any
    issuer: LocalIssuer
    backlog: Callable[[], Backlog] = field(default=lambda: Backlog(2, 1, 3, 4.5, None))

    def token(
        self, *scopes: str, client: str = CLIENT, subject: str | None = None, ttl_s: float = 600
    ) -> str:
        """Return a bearer token."""
        return self.issuer.issue(client, scopes or ALL_SCOPES, subject, ttl_s)


@dataclass(frozen=True)
class LateLog:
    """The local broker's log, open only while it is read."""

    path: Path

    def slice(self, *, after: int, limit: int, types: Sequence[str] = ()) -> LogSlice:
        """Read."""
        with closing(LocalBroker(self.path)) as log:
            return log.slice(after=after, limit=limit, types=types)


class NoIndex:
    """Stands for an index with nothing in it."""

    def passage_ids(self, document_id: str, version: int) -> set[str]:  # noqa: ARG002
        """Find nothing."""
        return set()

    def delete_document(self, document_id: str, *, keep_version: int | None = None) -> int:  # noqa: ARG002
        """Remove nothing."""
        return 0

    def compact(self) -> None:
        """Do nothing."""


def consent_services(records: Any, folder: Path, *, allow_private: bool = False) -> ConsentServices:
    """Return the consent use cases over a store, with a key in the folder."""
    signatures, signer = IndividualSignatures(), BlockKey.in_folder(folder)

    def clock() -> datetime:
        return datetime.now(UTC)

    return ConsentServices(
        policies=Policies(records=records, clock=clock),
        agreements=Agreements(records=records, clock=clock),
        individuals=Individuals(records=records, clock=clock, signatures=signatures),
        webhooks=Webhooks(
            records=records,
            clock=clock,
            check_address=lambda url: check_address(url, allow_private=allow_private),
        ),
        consenting=Consenting(records=records, clock=clock),
        signing=Signing(records=records, clock=clock, signatures=signatures),
        forgetting=Forgetting(
            clock=clock, erasing=Erasing(records=records, index=NoIndex(), signer=signer, clock=clock)
        ),
        checking=Checking(records=records),
        auditing=Auditing(records=records, clock=clock, signer=signer, signatures=signatures),
    )


def make_services(folder: Path, **settings: Any) -> TestServices:
    """Return services over an empty store with one public and one closed collection."""
    issuer = LocalIssuer(folder, profile="dev", audience="jibu")
    store = Store()
    mediated = LateRecords(folder / "mediator.db")
    chosen = Settings(data_dir=folder, **settings)
    for name, read in (("travel", ("public",)), ("secret", ("read:secret",))):
        store.collections[name] = Collection(name, name.title(), ("en",), read, NOW, NOW)
    return TestServices(
        settings=chosen,
        store=store,
        collections=Collections(store),
        documents=Documents(store, chosen.max_upload_bytes),
        search=Search(store),
        answering=Answering(store),
        answers=Answers(store),
        conversations=Conversations(store),
        feedback=Feedback(store),
        receipts=Receipts(store),
        consent_gate=CLOSED,
        decisions=NoDecisions(),
        system_card=Card(),
        mediation=make_mediation(chosen, mediated, lambda: datetime.now(UTC)),
        pubsub=make_pubsub(mediated, lambda: datetime.now(UTC)),  # type: ignore[arg-type]
        events=Events(log=LateLog(folder / "events.db"), source="urn:jibu"),
        parking=Parking(records=mediated, clock=lambda: datetime.now(UTC)),  # type: ignore[arg-type]
        mediation_records=mediated,
        health=Health((("records", lambda: None),), embedded=("index",)),
        consent=consent_services(mediated, folder),
        verifier=JwtVerifier(KeySet(issuer.jwks), issuer=ISSUER, audience="jibu"),
        signer=BlockKey.in_folder(folder),
        issuer=issuer,
    )


def client_of(app: ASGIApp, token: str | None = None) -> httpx.AsyncClient:
    """Return a client of the app in process."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://jibu.test", headers=headers)


def app_of(services: TestServices, **options: Any) -> ASGIApp:
    """Return the app with responses checked against the contract."""
    return create_app(services, validate_responses=True, **options)


def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return condition()
