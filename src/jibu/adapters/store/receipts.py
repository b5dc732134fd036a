"""Erasure receipts in SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete, insert, select

from jibu.adapters.store import tables as t
from jibu.adapters.store.codec import dump, load, strings
from jibu.adapters.store.turns import KEY, take
from jibu.domain.documents import ErasureReceipt
from jibu.domain.errors import NotFound

R = t.receipts.c


class SqlReceipts:
    """See ``jibu.ports.ReceiptRecords``."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def add(self, receipt: ErasureReceipt) -> None:
        """Keep or replace a receipt."""
        take(self._db, KEY, receipt.document_id)
        self._db.execute(delete(t.receipts).where(R.receipt_id == receipt.receipt_id))
        self._db.execute(
            insert(t.receipts).values(
                receipt_id=receipt.receipt_id,
                document_id=receipt.document_id,
                erased_at=receipt.erased_at,
                removed=dump(receipt.removed),
                verified=dump(receipt.verified),
            )
        )

    def get(self, receipt_id: str) -> ErasureReceipt:
        """Return one. Raises: NotFound."""
        return self._one(R.receipt_id == receipt_id)

    def of_document(self, document_id: str) -> ErasureReceipt:
        """Return the receipt of an erased document. Raises: NotFound."""
        return self._one(R.document_id == document_id)

    def _one(self, which: Any) -> ErasureReceipt:
        row = self._db.execute(select(t.receipts).where(which)).one_or_none()
        if row is None:
            raise NotFound("no such receipt")
        removed = tuple((str(name), int(count)) for name, count in load(row.removed))
        return ErasureReceipt(row.receipt_id, row.document_id, row.erased_at, removed, strings(row.verified))
