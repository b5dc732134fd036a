"""The records of what was decided about personal data, and of what was erased."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from jibu.domain.personal import ConsentDecision
from jibu.domain.receipts import ErasureReceipt
from jibu.ports.documents import Page


class DecisionRecords(Protocol):
    """The log of consent decisions."""

    def add(self, decision: ConsentDecision) -> None:
        """Keep a decision."""

    def page(self, *, offset: int, limit: int) -> Page[ConsentDecision]:
        """List decisions, newest first."""

    def forget(self, individual_id: str, name: str) -> int:
        """Put ``name`` in place of an individual; return in how many decisions."""

    def drop(self, *, before: datetime) -> int:
        """Remove decisions older than this; return how many."""


class ReceiptRecords(Protocol):
    """Erasure receipts."""

    def add(self, receipt: ErasureReceipt) -> None:
        """Keep or replace a receipt."""

    def get(self, receipt_id: str) -> ErasureReceipt:
        """Raises: NotFound."""

    def of_document(self, document_id: str) -> ErasureReceipt:
        """Return the receipt of an erased document. Raises: NotFound."""

    def incomplete(self) -> list[ErasureReceipt]:
        """Return receipts with a place that was not looked at again, oldest first."""
