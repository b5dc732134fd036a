"""Rebuild the index from the stored texts."""

from __future__ import annotations

from collections.abc import Callable

from jibu.domain.errors import NotFound, Unavailable
from jibu.ports import Embedder, Index, Records, Segmenter
from jibu.usecases.feeding import Feeder

Progress = Callable[[int, int], None]
"""Gets (passages done, passages in all)."""


class Reindex:
    """Brings an index, empty or half built, to what the records hold: all live versions and nothing else of them."""

    def __init__(self, *, records: Records, index: Index, embedder: Embedder, segmenter: Segmenter) -> None:
        self._records = records
        self._index = index
        self._feeder = Feeder(index=index, embedder=embedder, segmenter=segmenter)

    def run(self, progress: Progress = lambda _done, _total: None) -> int:
        """Add what is missing, remove replaced versions, check the counts; return how many passages are live.

        A run that breaks off is simply run again. Documents that change meanwhile are the relay's to finish.
        Raises: Unavailable (also when the index holds other numbers than the records), IndexBusy.
        """
        with self._records.read() as uow:
            live = list(uow.documents.live())
            total = uow.documents.live_passages()
        done = 0

        def count(more: int) -> None:
            nonlocal done
            done += more
            progress(done, max(total, done))

        progress(0, total)
        for document_id, version in live:
            self._one(document_id, version, count)
        self._check()
        return done

    def _one(self, document_id: str, version: int, count: Callable[[int], None]) -> None:
        with self._records.read() as uow:
            try:
                document = uow.documents.get(document_id, version)
            except NotFound:
                return
            passages = uow.documents.passages(document_id, version)
        self._index.delete_document(document_id, keep_version=version)
        self._feeder.feed(document, version, passages, lambda: None, count)

    def _check(self) -> None:
        """Raise Unavailable when a live version, also one that became so meanwhile, is not whole in the index."""
        wrong = 0
        with self._records.read() as uow:
            for document_id, version in list(uow.documents.live()):
                held = self._index.passage_ids(document_id, version)
                wrong += len(held) != uow.documents.count_passages(document_id, version)
        if wrong:
            raise Unavailable(f"{wrong} documents are not whole in the index; run reindex again")
