"""Bring passages into a Weaviate collection, with an eye on each single one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jibu.adapters.index.weaviate.connection import UNKNOWN_YET
from jibu.adapters.index.weaviate.failing import Failed
from jibu.adapters.index.weaviate.preparing import count
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
from jibu.domain.errors import Unavailable
from jibu.domain.passages import IndexedPassage

if TYPE_CHECKING:
    from weaviate.collections import Collection
    from weaviate.collections.classes.data import DataObject
    from weaviate.collections.classes.filters import _Filters

PAUSES_S = (0.2, 1.0, 3.0)
"""Waits before a refused passage, or a whole request that came too soon, is offered again."""

FULL = frozenset({"RESOURCE_EXHAUSTED"})


def insert(held: Collection[Any, Any], passages: Sequence[IndexedPassage]) -> list[IndexedPassage]:
    """Add passages in one request; offer those that were not taken again, slower; return those that were taken.

    Weaviate may keep half of an object that it did not take, so that it is found by words alone: those are
    deleted. Half an object of an earlier run is deleted first, for what seems the same Weaviate does not write again.
    Raises: what the client raises.
    """
    from weaviate.classes.query import Filter

    waiting = [entry(passage) for passage in passages]
    held.data.delete_many(where=Filter.by_id().contains_any([str(one.uuid) for one in waiting]))
    for pause in (*PAUSES_S, None):
        waiting = _send(held, waiting, last=pause is None)
        if not waiting or pause is None:
            break
        time.sleep(pause)
    refused = {str(one.uuid) for one in waiting}
    for uuid in refused:
        held.data.delete_by_id(uuid)
    taken = [p for p in passages if uuid_of(p.passage_id) not in refused]
    _make_lasting(held, taken)
    return taken


def _make_lasting(held: Collection[Any, Any], passages: Sequence[IndexedPassage]) -> None:
    """Send the same once more.

    Weaviate (1.38.11) writes a batch's log to disk before the vectors are in it: killed before its next write it has
    lost them, though it confirmed the batch. The second time nothing is changed, and the log is written.
    """
    if _send(held, [entry(passage) for passage in passages], last=True):
        raise Unavailable("Weaviate did not confirm a batch")


def delete(held: Collection[Any, Any], where: _Filters) -> int:
    """Delete what matches and count again; return how many. Raises: Unavailable, what the client raises."""
    removed = 0
    while (result := held.data.delete_many(where=where)).matches:
        removed += result.successful
        if result.failed:
            raise Unavailable(f"Weaviate did not delete {result.failed} objects")
    if left := count(held, where):
        raise Unavailable(f"Weaviate still holds {left} objects that were deleted")
    return removed


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
        refused = held.data.insert_many(objects).errors
    except WeaviateInsertManyAllFailedError as error:
        _look(str(error))
        return list(objects)
    except Failed as error:
        if error.status in FULL and not last:
            return list(objects)
        raise
    for one in refused.values():
        _look(one.message)
    return [objects[place] for place in refused]


def _look(message: str) -> None:
    """Raises: Failed where the message means that Weaviate is only starting."""
    if any(words in message for words in UNKNOWN_YET):
        raise Failed("UNAVAILABLE", "starting")
