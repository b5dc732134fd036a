"""Put a document version's passages into the index, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from jibu.domain.access import owner_key
from jibu.domain.chunking import index_text
from jibu.domain.documents import Document
from jibu.domain.passages import IndexedPassage, Passage, Vector
from jibu.ports import Embedder, Index, Segmenter
from jibu.usecases.work import Keep

BATCH = 16


class Feeder:
    """Embeds passages and adds them to the index; what the index holds already is passed over."""

    def __init__(self, *, index: Index, embedder: Embedder, segmenter: Segmenter) -> None:
        self._index = index
        self._embedder = embedder
        self._segmenter = segmenter

    def feed(
        self,
        document: Document,
        version: int,
        passages: Sequence[Passage],
        keep: Keep,
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Add what is missing. ``progress`` gets the number of passages done since the last call.

        Raises: Unavailable, IndexBusy, and what ``keep`` raises before each lasting step.
        """
        held = self._index.passage_ids(document.document_id, version)
        missing = [passage for passage in passages if passage.passage_id not in held]
        progress(len(passages) - len(missing))
        for batch in _batches(missing):
            texts = [index_text(document.title, passage) for passage in batch]
            vectors = self._embedder.embed_passages(texts)
            keep()
            self._index.add([self._entry(document, *one) for one in zip(batch, texts, vectors, strict=True)])
            progress(len(batch))

    def _entry(self, document: Document, passage: Passage, text: str, vector: Vector) -> IndexedPassage:
        return IndexedPassage(
            passage_id=passage.passage_id,
            document_id=passage.document_id,
            version=passage.version,
            collection_id=document.collection_id,
            language=passage.language,
            terms=tuple(self._segmenter.terms(text, passage.language)),
            vector=vector,
            owner=owner_key(document.individual_id, document.agreement_id),
        )


def _batches(passages: Sequence[Passage]) -> Iterator[Sequence[Passage]]:
    for start in range(0, len(passages), BATCH):
        yield passages[start : start + BATCH]
