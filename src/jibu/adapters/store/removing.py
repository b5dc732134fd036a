"""Taking documents and versions out of the tables."""

from __future__ import annotations

from sqlalchemy import Connection, and_, delete, select

from jibu.adapters.store import quotes
from jibu.adapters.store import tables as t
from jibu.adapters.store.document_rows import missing
from jibu.adapters.store.turns import KEY, take

D = t.documents.c
# Children first, so that no row ever points at nothing.
OF_VERSION = (t.links, t.names, t.passages, t.texts, t.contents, t.versions)


def drop_versions(db: Connection, document_id: str, before: int) -> int:
    """Remove versions older than ``before`` but for the live one; return how many."""
    take(db, KEY, document_id)
    live = select(D.live_version).where(D.document_id == document_id).scalar_subquery()
    dropped = 0
    for table in OF_VERSION:
        c = table.c
        old = and_(c.document_id == document_id, c.version < before, c.version.is_distinct_from(live))
        dropped = db.execute(delete(table).where(old)).rowcount
    return dropped


def erase(db: Connection, document_id: str) -> tuple[tuple[str, int], ...]:
    """Remove every row of a document, its jobs and what was quoted of it; return how many of what. Raises: NotFound."""
    take(db, KEY, document_id)
    removed = list(quotes.forget_document(db, document_id))
    for table, column in (
        *((table, table.c.document_id) for table in OF_VERSION),
        (t.jobs, t.jobs.c.key),
        (t.documents, D.document_id),
    ):
        count = db.execute(delete(table).where(column == document_id)).rowcount
        removed.append((table.name, count))
    if not removed[-1][1]:
        raise missing(document_id)
    return tuple(removed)
