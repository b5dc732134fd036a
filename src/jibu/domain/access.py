"""Who asks, and what they may see."""

from __future__ import annotations

from dataclasses import dataclass

PUBLIC = "public"

SCOPES = (
    "rag.query",
    "rag.ingest",
    "rag.admin",
    "consent.config",
    "consent.service",
    "consent.audit",
    "mediator.client",
    "mediator.admin",
    "events.read",
    "audit.read",
    "metrics.read",
)


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller. ``client`` is INSTANCE/CLASS/MEMBER/APPLICATION; ``subject`` an individual."""

    client: str
    scopes: frozenset[str]
    subject: str | None = None

    @property
    def owner(self) -> str:
        """The key under which this caller's conversations and answers are kept."""
        return f"{self.client}|{self.subject or ''}"

    def may_read(self, read: tuple[str, ...]) -> bool:
        """Tell whether a collection with these ``read`` scopes is visible. Administrators see all."""
        return PUBLIC in read or "rag.admin" in self.scopes or not self.scopes.isdisjoint(read)


@dataclass(frozen=True, slots=True)
class AccessFilter:
    """What one query may find; every index applies it inside the query, dense and lexical alike.

    ``collections`` holds the ids the caller may read (empty: nothing). Passages with an owner key
    (documents of an individual under an agreement) match only when the key is in ``owners``.
    ``languages`` narrows to passages in these languages when it is not empty.
    """

    collections: frozenset[str]
    owners: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()


def owner_key(individual_id: str | None, agreement_id: str | None) -> str | None:
    """Return the key that ties a passage to an individual and an agreement, or None for open documents."""
    if individual_id is None:
        return None
    return f"{individual_id}\x1f{agreement_id or ''}"
