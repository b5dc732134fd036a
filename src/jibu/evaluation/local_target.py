"""The use cases of this process, without HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache

from jibu.domain.access import Caller
from jibu.domain.answers import AnswerStatus, Citation, Question
from jibu.domain.documents import Collection, Document, DocumentStatus, NewDocument
from jibu.evaluation.datasets import Dataset, SourceDocument
from jibu.evaluation.targets import (
    Asked,
    Cited,
    Loading,
    Progress,
    Ranked,
    Turns,
    collection_id,
    usable,
)
from jibu.usecases.answer import Answering
from jibu.usecases.collections import Collections
from jibu.usecases.conversations import Conversations
from jibu.usecases.documents import Documents
from jibu.usecases.search import Search, SearchRequest

_PAGE = 200
CALLER = Caller("LOCAL/GOV/evaluation/evaluation", frozenset({"rag.query", "rag.ingest", "rag.admin"}))


class LocalTarget:
    """Evaluates use cases. ``index_pending`` does what waits for the relay and returns when nothing is left."""

    def __init__(
        self,
        *,
        collections: Collections,
        documents: Documents,
        search: Search,
        answering: Answering,
        conversations: Conversations,
        index_pending: Callable[[], None],
    ) -> None:
        self._collections = collections
        self._documents = documents
        self._search = search
        self._answering = answering
        self._conversations = conversations
        self._index_pending = index_pending
        self._ids: dict[str, dict[str, str]] = {}
        self._text = lru_cache(maxsize=256)(self._fetch_text)

    @property
    def name(self) -> str:
        """What the report says."""
        return "in process"

    def load(self, dataset: Dataset, progress: Progress) -> Loading:
        """Take in what is not there by its external id, and index it. Raises: as the use cases."""
        collection = collection_id(dataset)
        self._collections.put(CALLER, Collection(collection, f"Evaluation: {dataset.name}"))
        states = self._states(collection)
        sent = 0
        for document in dataset.documents:
            known = states.get(document.document_id)
            if known is None or known.status is DocumentStatus.FAILED:
                self._documents.receive(CALLER, _new(collection, document))
                sent += 1
            if sent % 20 == 19:
                self._index_pending()
            progress(1)
        self._index_pending()
        failed = tuple(
            (name, d.failure.reason) for name, d in self._states(collection).items() if d.failure is not None
        )
        return Loading(sent, len(dataset.documents) - sent, failed)

    def search(self, dataset: Dataset, question: str, history: Turns, limit: int) -> list[Ranked]:
        """Return passages of this corpus, best first."""
        with self._conversation(history) as conversation_id:
            request = SearchRequest(
                query=question,
                collections=(collection_id(dataset),),
                limit=limit,
                language=None,
                conversation_id=conversation_id,
            )
            found = self._search.search(CALLER, request).passages
        ids = self._known(dataset)
        return [Ranked(ids.get(f.passage.document_id, ""), f.passage.text) for f in found]

    def ask(self, dataset: Dataset, question: str, history: Turns) -> Asked:
        """Answer from this corpus; quotes are compared with the stored text."""
        with self._conversation(history) as conversation_id:
            asked = Question(
                question,
                collections=(collection_id(dataset),),
                conversation_id=conversation_id,
                max_citations=20,
            )
            answer = self._answering.answer(CALLER, asked)
        answered = answer.status in (AnswerStatus.ANSWERED, AnswerStatus.PARTIAL)
        cited = tuple(self._cited(c, self._known(dataset)) for c in answer.citations) if answered else ()
        return Asked(str(answer.status), answer.confidence, cited)

    @contextmanager
    def _conversation(self, history: Turns) -> Iterator[str | None]:
        """Give a conversation that holds the earlier turns while it is needed."""
        turns = usable(history)
        if not turns:
            yield None
            return
        conversation = self._conversations.create(CALLER, turns)
        try:
            yield conversation.conversation_id
        finally:
            self._conversations.delete(CALLER, conversation.conversation_id)

    def _cited(self, citation: Citation, ids: dict[str, str]) -> Cited:
        text = self._text(citation.document_id, citation.version)
        exact = citation.quote == text[citation.start : citation.end]
        return Cited(ids.get(citation.document_id, ""), citation.quote, exact)

    def _fetch_text(self, document_id: str, version: int) -> str:
        return self._documents.text(CALLER, document_id, version)

    def _known(self, dataset: Dataset) -> dict[str, str]:
        collection = collection_id(dataset)
        if collection not in self._ids:
            self._ids[collection] = {d.document_id: name for name, d in self._states(collection).items()}
        return self._ids[collection]

    def _states(self, collection: str) -> dict[str, Document]:
        found: dict[str, Document] = {}
        offset = 0
        while True:
            page = self._documents.page(
                CALLER, collection_id=collection, status=None, offset=offset, limit=_PAGE
            )
            found.update({d.external_id: d for d in page.items if d.external_id})
            offset += len(page.items)
            if not page.items or offset >= page.total:
                return found


def _new(collection: str, document: SourceDocument) -> NewDocument:
    return NewDocument(
        collection,
        document.content(),
        filename=document.filename,
        title=document.title,
        media_type=document.media_type,
        url=document.url,
        language=document.language,
        external_id=document.document_id,
    )
