"""The records of collections, documents and their passages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from jibu.domain.access import AccessFilter
from jibu.domain.documents import Collection, Document, Failure, NewDocument, ParsedDocument
from jibu.domain.linking import LinkedDocument
from jibu.domain.passages import FoundPassage, Passage

T = TypeVar("T")


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

    def mark_stale(self, document_id: str, *, at: datetime) -> bool:
        """Note that the document's source changed, until its next version; False when that was known, or it is gone."""

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

    def hydrate(
        self, passage_ids: Sequence[str], *, epoch: int, owners: frozenset[str] = frozenset()
    ) -> list[FoundPassage]:
        """Return passages (score 0, in the order asked) of versions that were live at ``epoch``.

        Of individuals' documents only those whose owner key is in ``owners``, whatever an index said.

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
        """Remove every row of a document, and what answers and conversations quote of it.

        Of such an answer stays that it was given; its text, claims and quotes go (``jibu.domain.redaction``), and
        so do the texts of its turns. Returns how many rows went from, or were emptied in, each table.
        Raises: NotFound.
        """

    def of_individual(self, individual_id: str) -> list[str]:
        """Return the ids of an individual's documents, in order.

        In a transaction that writes, nothing is kept under the individual's consent until it ends.
        """

    def live(self) -> Iterator[tuple[str, int]]:
        """Yield (document id, live version) of every document that has one, by id."""

    def live_passages(self) -> int:
        """Count the passages of all live versions."""
