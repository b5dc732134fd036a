"""The way of a document, put together from any adapters, with a clock that tests move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from jibu.adapters.auth.block_key import BlockKey
from jibu.adapters.auth.keyfile import new_pem
from jibu.domain.access import AccessFilter, Caller
from jibu.domain.documents import Collection, Document, NewDocument
from jibu.domain.events import Event
from jibu.domain.passages import FoundPassage
from jibu.ports import (
    Backlog,
    Broker,
    Embedder,
    Index,
    LanguageDetector,
    Parser,
    Records,
    Segmenter,
)
from jibu.relay import Relay
from jibu.testing.memory import OneSpace
from jibu.usecases.collections import Collections
from jibu.usecases.documents import Documents
from jibu.usecases.erasing import Erasing
from jibu.usecases.indexing import Indexing

READER = Caller("KE/GOV/A/portal", frozenset({"rag.query"}))
OFFICER = Caller("KE/GOV/A/loader", frozenset({"rag.query", "rag.ingest"}))
ADMIN = Caller("KE/GOV/A/admin", frozenset({"rag.admin"}))


class MovingClock:
    """The real time, plus what a test adds."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        """Return the time."""
        return datetime.now(UTC) + self._ahead

    def advance(self, seconds: float) -> None:
        """Go forward."""
        self._ahead += timedelta(seconds=seconds)


class Ingestion:
    """Records, index, relay and the use cases around them. Parts may be exchanged before ``relay`` is called."""

    def __init__(
        self,
        *,
        records: Records,
        index: Index,
        embedder: Embedder,
        parser: Parser,
        segmenter: Segmenter,
        detector: LanguageDetector,
        broker: Broker,
        sweep_delay_s: float = 60.0,
    ) -> None:
        self.records = records
        self.index = index
        self.embedder = embedder
        self.parser = parser
        self.segmenter = segmenter
        self.detector = detector
        self.broker = broker
        self.clock = MovingClock()
        self.sweep_delay_s = sweep_delay_s
        self.collections = Collections(records=records, clock=self.clock)
        self.signer = BlockKey(new_pem(), "test")
        self.documents = Documents(
            records=records, erasing=self.erasing(), clock=self.clock, max_upload_bytes=100_000
        )

    def erasing(self) -> Erasing:
        """Return what erases, over the parts as they are now."""
        return Erasing(
            records=self.records, index=self.index, signer=self.signer, clock=self.clock, patience_s=0.2
        )

    def relay(self, *, max_attempts: int = 8, lease_s: float = 60.0) -> Relay:
        """Return a new relay over the parts as they are now; it tries again at once."""
        indexing = Indexing(
            records=self.records,
            spaces=OneSpace(self.index, self.embedder),
            parser=self.parser,
            segmenter=self.segmenter,
            detector=self.detector,
            clock=self.clock,
            sweep_delay_s=self.sweep_delay_s,
        )
        return Relay(
            records=self.records,
            broker=self.broker,
            indexing=indexing,
            erasing=self.erasing(),
            clock=self.clock,
            poll_s=0.02,
            lease_s=lease_s,
            max_attempts=max_attempts,
            first_delay_s=0.01,
            keep_answers=timedelta(days=30),
        )

    def collection(self, collection_id: str = "travel", read: tuple[str, ...] = ("public",)) -> None:
        """Create a collection."""
        self.collections.put(ADMIN, Collection(collection_id, collection_id.title(), read=read))

    def receive(self, text: str, *, collection_id: str = "travel", **said: str) -> Document:
        """Receive a Markdown document and return it."""
        new = NewDocument(collection_id, text.encode(), **({"filename": "a.md"} | said))
        return self.documents.receive(ADMIN, new)[0]

    def sweep(self) -> None:
        """Let the time pass until sweeps and compaction are due, and do them."""
        self.clock.advance(self.sweep_delay_s + 61)
        self.relay().run_until_idle()

    def found(self, question: str, collection_id: str = "travel") -> list[FoundPassage]:
        """Search as a reader would: epoch, index, hydrate."""
        access = AccessFilter(frozenset({collection_id}))
        with self.records.read() as uow:
            epoch = uow.documents.epoch()
        hits = self.index.dense(self.embedder.embed_query(question), access, 1000)
        with self.records.read() as uow:
            return uow.documents.hydrate([hit.passage_id for hit in hits], epoch=epoch)

    def backlog(self) -> Backlog:
        """Return what waits."""
        with self.records.read() as uow:
            return uow.outbox.backlog(at=self.clock())

    def events(self) -> list[Event]:
        """Return events that are not published yet."""
        with self.records.read() as uow:
            return uow.outbox.unpublished(limit=1000)
