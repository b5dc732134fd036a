"""What waits for an operator."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from jibu.domain.parked import Kind, Parked, Place
from jibu.ports.documents import Page


class ParkedRecords(Protocol):
    """Events, pushes, webhook messages and messages of others that were given up or put aside."""

    def page(
        self, kind: Kind, *, key: str | None = None, after: Place | None = None, offset: int, limit: int
    ) -> Page[Parked]:
        """List those of a kind, oldest first: all, or those of a key, or those behind a place."""

    def get(self, kind: Kind, item_id: str) -> Parked:
        """Raises: NotFound."""

    def retry(self, kind: Kind, item_id: str, *, at: datetime) -> None:
        """Make it due at once, as if for the first time.

        Raises: NotFound; Conflict where it cannot be (a message of others is not kept, a push was stopped).
        """

    def drop(self, kind: Kind, item_id: str) -> None:
        """Give it up for good. Raises: NotFound."""
