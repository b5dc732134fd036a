"""Links between documents in SQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import chain
from typing import Any

from sqlalchemy import Column, Connection, and_, bindparam, insert, or_, select

from jibu.adapters.store import tables as t
from jibu.adapters.store.document_rows import is_version
from jibu.domain.access import AccessFilter
from jibu.domain.documents import Link
from jibu.domain.linking import LinkedDocument, Place, link_targets, names_asked, names_of, resolve

D = t.documents.c
V = t.versions.c
MAX_ROWS = 150
PLACE: tuple[Column[Any], ...] = (D.document_id, D.collection_id, V.url, D.external_id, V.filename)
LIVE = t.documents.join(t.versions, and_(D.document_id == V.document_id, D.live_version == V.version))
# As an expression, so that no database starts from the index on collections and walks through all they hold.
ALLOWED = and_(
    D.collection_id.concat("").in_(bindparam("collections", expanding=True)),
    or_(D.owner.is_(None), D.owner.in_(bindparam("owners", expanding=True))),
)
# Built once: most searches run the first.
TARGETS = (
    select(*PLACE, t.links.c.target)
    .select_from(
        LIVE.join(t.links, and_(V.document_id == t.links.c.document_id, V.version == t.links.c.version))
    )
    .where(D.document_id == bindparam("document_id"), ALLOWED)
    .order_by(t.links.c.ordinal)
)
# The surest names come first, so that a very common file name cannot crowd them out.
NAMED = (
    select(*PLACE, V.version, V.passages, t.names.c.name)
    .select_from(
        LIVE.join(t.names, and_(V.document_id == t.names.c.document_id, V.version == t.names.c.version))
    )
    .where(t.names.c.name.in_(bindparam("names", expanding=True)), ALLOWED)
    .order_by(t.names.c.name)
    .limit(MAX_ROWS)
)


def save(db: Connection, document_id: str, version: int, links: Sequence[Link]) -> None:
    """Store what a version links to and the names it goes by; it has none so far."""
    key = {"document_id": document_id, "version": version}
    targets = link_targets(link.target for link in links)
    if targets:
        rows = [{**key, "ordinal": n, "target": target} for n, target in enumerate(targets)]
        db.execute(insert(t.links), rows)
    both = t.documents.join(t.versions, D.document_id == V.document_id)
    place = db.execute(
        select(*PLACE).select_from(both).where(*is_version(t.versions, document_id, version))
    ).one()
    names = names_of(_place(place))
    if names:
        db.execute(insert(t.names), [{**key, "name": name} for name in names])


def linked(db: Connection, document_id: str, access: AccessFilter, limit: int) -> list[LinkedDocument]:
    """Return the allowed live documents that an allowed live one links to, in the order of its links."""
    allowed = {"collections": sorted(access.collections), "owners": sorted(access.owners)}
    rows = db.execute(TARGETS, {**allowed, "document_id": document_id}).all()
    if not rows:
        return []
    source = _place(rows[0])
    asked = names_asked([row.target for row in rows], source)
    known: dict[str, list[Place]] = defaultdict(list)
    found: dict[str, LinkedDocument] = {}
    for row in db.execute(NAMED, {**allowed, "names": sorted({*chain(*asked)})}):
        known[row.name].append(_place(row))
        found[row.document_id] = LinkedDocument(row.document_id, row.version, row.passages)
    return [found[one] for one in resolve(asked, source, known, limit)]


def _place(row: Sequence[Any]) -> Place:
    return Place(*row[: len(PLACE)])
