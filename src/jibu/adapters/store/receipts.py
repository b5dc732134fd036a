"""Erasure receipts in SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from jibu.adapters.store import tables as t
from jibu.adapters.store.codec import dump, load, strings
from jibu.adapters.store.turns import KEY, take
from jibu.domain.errors import NotFound
from jibu.domain.receipts import ErasureReceipt

R = t.receipts.c


class SqlReceipts:
    """See ``jibu.ports.ReceiptRecords``."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def add(self, receipt: ErasureReceipt) -> None:
        """Keep or replace a receipt."""
        take(self._db, KEY, receipt.document_id or receipt.receipt_id)
        self._db.execute(delete(t.receipts).where(R.receipt_id == receipt.receipt_id))
        self._db.execute(
            insert(t.receipts).values(
                receipt_id=receipt.receipt_id,
                document_id=receipt.document_id,
                erased_at=receipt.erased_at,
                removed=dump(receipt.removed),
                verified=dump(receipt.verified),
                client=receipt.client,
                individual=receipt.individual,
                documents=dump(receipt.documents),
                signature=receipt.signature,
                complete=receipt.complete,
            )
        )

    def get(self, receipt_id: str) -> ErasureReceipt:
        """Return one. Raises: NotFound."""
        return self._one(R.receipt_id == receipt_id)

    def of_document(self, document_id: str) -> ErasureReceipt:
        """Return the receipt of an erased document. Raises: NotFound."""
        return self._one(R.document_id == document_id)

    def incomplete(self) -> list[ErasureReceipt]:
        """Return those with a place that was not looked at again, oldest first."""
        query = select(t.receipts).where(R.complete.is_(False)).order_by(R.erased_at, R.receipt_id)
        return [_receipt(row) for row in self._db.execute(query)]

    def _one(self, which: Any) -> ErasureReceipt:
        row = self._db.execute(select(t.receipts).where(which)).one_or_none()
        if row is None:
            raise NotFound("no such receipt")
        return _receipt(row)


def _receipt(row: Row[Any]) -> ErasureReceipt:
    return ErasureReceipt(
        receipt_id=row.receipt_id,
        document_id=row.document_id,
        erased_at=row.erased_at,
        removed=tuple((str(name), int(count)) for name, count in load(row.removed)),
        verified=strings(row.verified),
        client=row.client,
        individual=row.individual,
        documents=strings(row.documents),
        signature=row.signature,
    )
