"""Erase from the records first, so that no reader sees it, then from the index; look again; sign what was found."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from uuid import uuid4

from jibu.domain.documents import Document
from jibu.domain.errors import NotFound, TemporaryError
from jibu.domain.events import Job
from jibu.domain.receipts import (
    ANSWERS,
    INDEX,
    PLACES,
    RECORDS,
    STORAGE,
    TYPE,
    ErasureReceipt,
    disguised,
    statement,
)
from jibu.ports import Clock, Records, Removable, Signer, UnitOfWork
from jibu.usecases.telling import tell, tell_document
from jibu.usecases.work import COMPACT, ERASE, SWEEP, SWEEP_DELAY_S, Handler, Keep

Counts = tuple[tuple[str, int], ...]
There = tuple[str, int]
"""A document's id and newest version."""
Also = Callable[[UnitOfWork], Counts]
"""Removes what else is held of an individual, in the same transaction; returns how many rows of what."""


class Erasing:
    """Removes documents and individuals; what it cannot do at once (another process writes the index) jobs complete."""

    def __init__(
        self, *, records: Records, index: Removable, signer: Signer, clock: Clock, patience_s: float = 5.0
    ) -> None:
        self._records = records
        self._index = index
        self._signer = signer
        self._clock = clock
        self._patience_s = patience_s

    @property
    def handlers(self) -> dict[str, Handler]:
        """What the relay calls for each kind of job."""
        return {ERASE: self.complete, COMPACT: self.compact}

    def document(self, client: str, document_id: str) -> ErasureReceipt:
        """Erase a document, and what answers and conversations keep of it.

        ``verified`` names the places that were looked at again and hold nothing. The files are written anew a
        minute later, by a job; so is the index where it could not be cleaned in time. Each signs the receipt again.
        Raises: NotFound; Unavailable (then nothing is erased).
        """
        with self._records.read() as uow:
            there = (_there(uow, document_id),)
        indexed = self._count(there)
        with self._records.write() as uow:
            document = uow.documents.get(document_id)
            removed = (*self._take_out(uow, document), (INDEX, indexed))
            receipt = ErasureReceipt(uuid4().hex, document_id, self._clock(), removed, (), client)
            self._issue(uow, receipt, document.version)
            tell_document(uow, "erased", document, receipt.erased_at, receiptId=receipt.receipt_id)
            uow.commit()
        return self._clean(there, receipt)

    def individual(self, client: str, individual_id: str, *, also: Also = lambda _uow: ()) -> ErasureReceipt:
        """Erase all that is held of an individual: documents, answers, conversations; and ``also``, all or nothing.

        It is no error where nothing was held: the receipt says so. Raises: Unavailable; what ``also`` raises.
        """
        receipt_id = uuid4().hex
        with self._records.write() as uow:
            found = [
                uow.documents.get(document_id) for document_id in uow.documents.of_individual(individual_id)
            ]
            there = tuple((document.document_id, document.version) for document in found)
            indexed = self._count(there)
            counts = [self._take_out(uow, document) for document in found]
            counts.append(uow.conversations.forget_individual(individual_id))
            decisions = uow.decisions.forget(individual_id, f"erased:{receipt_id}")
            counts += [(("consent_decisions", decisions),), also(uow), ((INDEX, indexed),)]
            receipt = ErasureReceipt(
                receipt_id,
                None,
                self._clock(),
                _summed(counts),
                (),
                client,
                disguised(individual_id, secrets.token_hex(16)),
                tuple(document_id for document_id, _ in there),
            )
            # Looked at here already: a job that completes this erasure does not know whose it was.
            receipt = replace(receipt, verified=_ordered(_gone(uow, there, individual_id)))
            self._issue(uow, receipt, max((version for _, version in there), default=0))
            tell(uow, "jibu.individual.erased.v1", receipt_id, receipt.erased_at, documents=len(there))
            uow.commit()
        return self._clean(there, receipt, individual_id)

    def _take_out(self, uow: UnitOfWork, document: Document) -> Counts:
        """Remove a document's rows."""
        removed = uow.documents.erase(document.document_id)
        # A relay that was indexing it may add one more batch: sweep up behind it.
        uow.outbox.enqueue(
            SWEEP, document.document_id, document.version, at=self._clock(), delay_s=SWEEP_DELAY_S
        )
        return removed

    def _issue(self, uow: UnitOfWork, receipt: ErasureReceipt, version: int) -> None:
        """Keep the receipt, and the jobs that complete it whatever happens next."""
        self._keep_receipt(uow, receipt)
        key = receipt.document_id or receipt.receipt_id
        uow.outbox.enqueue(ERASE, key, version, at=receipt.erased_at)
        self._compact_later(uow)

    def _compact_later(self, uow: UnitOfWork) -> None:
        uow.outbox.enqueue(COMPACT, "storage", 0, at=self._clock(), delay_s=SWEEP_DELAY_S)

    def _keep_receipt(self, uow: UnitOfWork, receipt: ErasureReceipt) -> ErasureReceipt:
        signed = replace(receipt, signature=self._signer.sign(statement(receipt), TYPE))
        uow.receipts.add(signed)
        return signed

    def _clean(
        self, there: Sequence[There], receipt: ErasureReceipt, individual_id: str | None = None
    ) -> ErasureReceipt:
        """Remove them from the index here, or wait a little for the process that writes it; then look again."""
        try:
            for document_id, _ in there:
                self._index.delete_document(document_id)
        except TemporaryError:
            deadline = time.monotonic() + self._patience_s
            while time.monotonic() < deadline and self._count(there):
                time.sleep(0.05)
        return self._verify(there, receipt, individual_id)

    def _count(self, there: Sequence[There]) -> int:
        """Return how many passages the index holds of documents; 0 where it cannot tell."""
        try:
            return self._held(there)
        except TemporaryError:
            return 0

    def _held(self, there: Sequence[There]) -> int:
        versions = ((document_id, n) for document_id, last in there for n in range(1, last + 1))
        return sum(len(self._index.passage_ids(document_id, n)) for document_id, n in versions)

    def _verify(
        self, there: Sequence[There], receipt: ErasureReceipt, individual_id: str | None = None
    ) -> ErasureReceipt:
        """Look again in every place that can be looked at, and keep what was found in the receipt.

        The records of an individual can be looked at only by who still knows which one.
        """
        places = {place for place in receipt.verified if place != INDEX}
        if receipt.document_id is not None or individual_id is not None:
            with self._records.read() as uow:
                places = (places - {RECORDS, ANSWERS}) | _gone(uow, there, individual_id)
        try:
            if not self._held(there):
                places.add(INDEX)
        except TemporaryError:
            pass  # it stays out of the list; the job looks again
        with self._records.write() as uow:
            receipt = self._keep_receipt(uow, replace(receipt, verified=_ordered(places)))
            uow.commit()
        return receipt

    def complete(self, job: Job, keep: Keep) -> None:
        """Finish an erasure that broke off or could not write to the index. Raises: TemporaryError, LeaseLost."""
        with self._records.read() as uow:
            receipt = _receipt_of(uow, job.key)
        if not {RECORDS, ANSWERS, INDEX} <= set(receipt.verified):
            documents = receipt.documents if receipt.document_id is None else (receipt.document_id,)
            for document_id in documents:
                keep()
                self._index.delete_document(document_id)
            self._verify([(document_id, job.version) for document_id in documents], receipt)
        self._finish(job)

    def compact(self, job: Job, keep: Keep) -> None:
        """Take what erased documents left behind out of the files, and say so in their receipts.

        Raises: TemporaryError, LeaseLost.
        """
        began = self._clock()
        keep()
        self._index.compact()
        keep()
        self._records.compact()
        with self._records.write() as uow:
            waiting = uow.receipts.incomplete()
            for receipt in waiting:
                if receipt.erased_at <= began and INDEX in receipt.verified:
                    self._keep_receipt(uow, replace(receipt, verified=(*receipt.verified, STORAGE)))
            uow.outbox.finish(job)
            if any(receipt.erased_at > began or INDEX not in receipt.verified for receipt in waiting):
                self._compact_later(uow)
            uow.commit()

    def _finish(self, job: Job) -> None:
        with self._records.write() as uow:
            uow.outbox.finish(job)
            uow.commit()


def _there(uow: UnitOfWork, document_id: str) -> There:
    return document_id, uow.documents.get(document_id).version


def _gone(uow: UnitOfWork, there: Sequence[There], individual_id: str | None) -> set[str]:
    """Return the places in the records that hold nothing any more."""
    places = {RECORDS, ANSWERS}
    for document_id, last in there:
        with suppress(NotFound):
            uow.documents.get(document_id)
            places.discard(RECORDS)
        if any(uow.documents.count_passages(document_id, n) for n in range(1, last + 1)):
            places.discard(RECORDS)
        if uow.conversations.count_quoting(document_id):
            places.discard(ANSWERS)
    if individual_id is not None:
        if uow.documents.of_individual(individual_id):
            places.discard(RECORDS)
        if uow.conversations.count_of_individual(individual_id):
            places.discard(ANSWERS)
    return places


def _ordered(places: set[str]) -> tuple[str, ...]:
    return tuple(place for place in PLACES if place in places)


def _receipt_of(uow: UnitOfWork, key: str) -> ErasureReceipt:
    try:
        return uow.receipts.of_document(key)
    except NotFound:
        return uow.receipts.get(key)


def _summed(counts: Sequence[Counts]) -> Counts:
    total: dict[str, int] = {}
    for name, count in (pair for pairs in counts for pair in pairs):
        total[name] = total.get(name, 0) + count
    return tuple(total.items())
