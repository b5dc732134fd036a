"""Bring passages into a Weaviate collection, with an eye on each single one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jibu.adapters.index.weaviate.failing import Failed
from jibu.adapters.index.weaviate.schema import (
    COLLECTION,
    DOCUMENT,
    LANGUAGE,
    OWNER,
    PART,
    PASSAGE,
    TERMS,
    VERSION,
)
from jibu.adapters.index.weaviate.tokens import owner_token, part_of, tokens, uuid_of
from jibu.domain.passages import IndexedPassage

if TYPE_CHECKING:
    from weaviate.collections import Collection
    from weaviate.collections.classes.data import DataObject

PAUSES_S = (0.2, 1.0, 3.0)
"""Waits before a refused passage, or a whole request that came too soon, is offered again."""

FULL = frozenset({"RESOURCE_EXHAUSTED"})


def insert(held: Collection[Any, Any], passages: Sequence[IndexedPassage]) -> int:
    """Add passages in one request; offer those that were not taken again, slower; return how many stayed out.

    Weaviate may keep half of an object that it did not take, so that it is found by words alone: those are
    deleted. Raises: what the client raises.
    """
    waiting = [entry(passage) for passage in passages]
    for pause in (*PAUSES_S, None):
        waiting = _send(held, waiting, last=pause is None)
        if not waiting or pause is None:
            break
        time.sleep(pause)
    for one in waiting:
        held.data.delete_by_id(str(one.uuid))
    return len(waiting)


def entry(passage: IndexedPassage) -> DataObject[Any, Any]:
    """Return a passage as Weaviate's client takes it."""
    from weaviate.classes.data import DataObject

    return DataObject(
        uuid=uuid_of(passage.passage_id),
        vector=passage.vector.tolist(),
        properties={
            PASSAGE: passage.passage_id,
            DOCUMENT: passage.document_id,
            VERSION: passage.version,
            PART: part_of(passage.passage_id),
            COLLECTION: passage.collection_id,
            LANGUAGE: passage.language,
            OWNER: owner_token(passage.owner),
            TERMS: tokens(passage.terms),
        },
    )


def _send(
    held: Collection[Any, Any], objects: Sequence[DataObject[Any, Any]], *, last: bool
) -> list[DataObject[Any, Any]]:
    """Return the objects that were not taken."""
    from weaviate.exceptions import WeaviateInsertManyAllFailedError

    if not objects:
        return []
    try:
        return [objects[place] for place in held.data.insert_many(objects).errors]
    except WeaviateInsertManyAllFailedError:
        return list(objects)
    except Failed as error:
        if error.status in FULL and not last:
            return list(objects)
        raise
