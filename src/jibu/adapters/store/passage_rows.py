"""Passages in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Connection, and_, bindparam, func, insert, or_, select

from jibu.adapters.store import tables as t
from jibu.adapters.store.codec import dump_structure, load_structure
from jibu.domain.passages import FoundPassage, Passage

P = t.passages.c
V = t.versions.c
OWNER = t.documents.c.owner
COLUMNS: tuple[Column[Any], ...] = (
    P.passage_id,
    P.document_id,
    P.version,
    P.ordinal,
    P.start_offset,
    P.end_offset,
    P.page,
    P.language,
    P.structure,
    P.text,
)
FOUND = t.passages.join(t.versions, and_(P.document_id == V.document_id, P.version == V.version)).join(
    t.documents, P.document_id == t.documents.c.document_id
)
# Built once: every answer runs it.
HYDRATE = (
    select(*COLUMNS, V.title, V.url, t.documents.c.collection_id)
    .select_from(FOUND)
    .where(P.passage_id.in_(bindparam("ids", expanding=True)))
    .where(V.live_from <= bindparam("epoch"), or_(V.live_until.is_(None), V.live_until > bindparam("epoch")))
    .where(or_(OWNER.is_(None), OWNER.in_(bindparam("owners", expanding=True))))
)


def save(db: Connection, passages: Sequence[Passage]) -> None:
    """Store passages of a version that has none."""
    if passages:
        db.execute(insert(t.passages), [_values(passage) for passage in passages])


def of_version(
    db: Connection, document_id: str, version: int, *, offset: int, limit: int | None
) -> list[Passage]:
    """Return a version's passages in order."""
    query = select(*COLUMNS).where(P.document_id == document_id, P.version == version)
    rows = db.execute(query.order_by(P.ordinal).offset(offset).limit(limit))
    return [_passage(row) for row in rows]


def count(db: Connection, document_id: str, version: int) -> int:
    """Count a version's passages."""
    query = select(func.count()).where(P.document_id == document_id, P.version == version)
    return int(db.execute(query).scalar_one())


def hydrate(
    db: Connection, passage_ids: Sequence[str], epoch: int, owners: frozenset[str]
) -> list[FoundPassage]:
    """Return passages of versions that were live at ``epoch``, in the order asked."""
    rows = db.execute(HYDRATE, {"ids": list(passage_ids), "epoch": epoch, "owners": sorted(owners)})
    found = {row[0]: row for row in rows}
    return [_found(found[passage_id]) for passage_id in passage_ids if passage_id in found]


def _values(passage: Passage) -> dict[str, Any]:
    return {
        "passage_id": passage.passage_id,
        "document_id": passage.document_id,
        "version": passage.version,
        "ordinal": passage.ordinal,
        "start_offset": passage.start,
        "end_offset": passage.end,
        "page": passage.page,
        "language": passage.language,
        "structure": dump_structure(passage.section_path, passage.sentences),
        "text": passage.text,
    }


def _passage(row: Sequence[Any]) -> Passage:
    passage_id, document_id, version, ordinal, start, end, page, language, structure, text = row
    path, sentences = load_structure(structure)
    return Passage(
        passage_id, document_id, version, ordinal, start, end, text, path, page, language, sentences
    )


def _found(row: Sequence[Any]) -> FoundPassage:
    *columns, title, url, collection_id = row
    return FoundPassage(_passage(columns), title, collection_id, 0.0, None, None, url)
