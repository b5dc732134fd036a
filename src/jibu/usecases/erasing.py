"""Erase a document: from the records first, so that no reader sees it, then from the index; then look again."""

from __future__ import annotations

import time
from dataclasses import replace
from uuid import uuid4

from jibu.domain.documents import Document, ErasureReceipt
from jibu.domain.errors import NotFound, TemporaryError
from jibu.domain.events import Job
from jibu.ports import Clock, Records, Removable
from jibu.usecases.telling import tell_document
from jibu.usecases.work import COMPACT, ERASE, SWEEP, SWEEP_DELAY_S, Handler, Keep

INDEX_PLACE = "index"
RECORDS_PLACE = "records"


class Erasing:
    """Removes documents; what it cannot do at once (another process writes the index) a job completes."""

    def __init__(self, *, records: Records, index: Removable, clock: Clock, patience_s: float = 5.0) -> None:
        self._records = records
        self._index = index
        self._clock = clock
        self._patience_s = patience_s

    @property
    def handlers(self) -> dict[str, Handler]:
        """What the relay calls for each kind of job."""
        return {ERASE: self.complete, COMPACT: self.compact}

    def erase(self, document_id: str) -> ErasureReceipt:
        """Erase a document. ``verified`` names the places that were looked at again and hold nothing.

        Where the index could not be cleaned in time it is missing there; a job goes on and adds it to the
        stored receipt. Raises: NotFound; Unavailable (then nothing is erased).
        """
        with self._records.read() as uow:
            document = uow.documents.get(document_id)
        indexed = self._count(document)
        receipt = self._remove_records(document, indexed)
        self._remove_from_index(document)
        return self._verify(receipt, document.version)

    def _count(self, document: Document) -> int:
        try:
            return sum(len(ids) for ids in self._ids(document.document_id, document.version))
        except TemporaryError:
            return 0

    def _ids(self, document_id: str, version: int) -> list[set[str]]:
        return [self._index.passage_ids(document_id, number) for number in range(1, version + 1)]

    def _remove_records(self, document: Document, indexed: int) -> ErasureReceipt:
        at, key, version = self._clock(), document.document_id, document.version
        with self._records.write() as uow:
            removed = (*uow.documents.erase(key), (INDEX_PLACE, indexed))
            receipt = ErasureReceipt(uuid4().hex, key, at, removed, ())
            uow.receipts.add(receipt)
            tell_document(uow, "erased", document, at, receiptId=receipt.receipt_id)
            uow.outbox.enqueue(ERASE, key, version, at=at)
            # A relay that was indexing it may add one more batch: sweep up behind it.
            uow.outbox.enqueue(SWEEP, key, version, at=at, delay_s=SWEEP_DELAY_S)
            uow.outbox.enqueue(COMPACT, "storage", 0, at=at, delay_s=SWEEP_DELAY_S)
            uow.commit()
        return receipt

    def _remove_from_index(self, document: Document) -> None:
        """Remove it here, or wait a little for the process that writes the index."""
        try:
            self._index.delete_document(document.document_id)
        except TemporaryError:
            deadline = time.monotonic() + self._patience_s
            while time.monotonic() < deadline and self._count(document):
                time.sleep(0.05)

    def _verify(self, receipt: ErasureReceipt, version: int) -> ErasureReceipt:
        """Look again in every place and keep what was found in the receipt."""
        places = []
        if self._gone_from_records(receipt.document_id, version):
            places.append(RECORDS_PLACE)
        try:
            if not any(self._ids(receipt.document_id, version)):
                places.append(INDEX_PLACE)
        except TemporaryError:
            pass  # it stays out of the list; the job looks again
        receipt = replace(receipt, verified=tuple(places))
        with self._records.write() as uow:
            uow.receipts.add(receipt)
            uow.commit()
        return receipt

    def _gone_from_records(self, document_id: str, version: int) -> bool:
        with self._records.read() as uow:
            try:
                uow.documents.get(document_id)
            except NotFound:
                return not any(
                    uow.documents.count_passages(document_id, number) for number in range(1, version + 1)
                )
        return False

    def complete(self, job: Job, keep: Keep) -> None:
        """Finish an erasure that broke off or could not write to the index. Raises: TemporaryError, LeaseLost."""
        with self._records.read() as uow:
            receipt = uow.receipts.of_document(job.key)
        if INDEX_PLACE not in receipt.verified:
            keep()
            self._index.delete_document(job.key)
            self._verify(receipt, job.version)
        self._finish(job)

    def compact(self, job: Job, keep: Keep) -> None:
        """Take what erased documents left behind out of the files. Raises: TemporaryError, LeaseLost."""
        keep()
        self._index.compact()
        self._records.compact()
        self._finish(job)

    def _finish(self, job: Job) -> None:
        with self._records.write() as uow:
            uow.outbox.finish(job)
            uow.commit()
