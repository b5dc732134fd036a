"""Notes of what was added whole.

Weaviate keeps an object in several files and writes to them one after the other. When it is killed meanwhile, an
object of the batch at hand may be found by its document and its words, and never by its vector. Nothing tells such an
object from a whole one. So a note is written after each batch that Weaviate confirmed, and a passage without a note
counts as not there when a broken-off run is taken up: it is added again.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from jibu.adapters.index.weaviate.asking import of_document
from jibu.adapters.index.weaviate.schema import DOCUMENT, PASSAGES, VERSION
from jibu.adapters.index.weaviate.tokens import uuid_of
from jibu.domain.passages import IndexedPassage

if TYPE_CHECKING:
    from weaviate.collections import Collection

MOST_NOTES = 10_000


def note_done(done: Collection[Any, Any], passages: Sequence[IndexedPassage]) -> int:
    """Note that these passages are whole; return how many notes were not taken. Raises: what the client raises."""
    from weaviate.classes.data import DataObject
    from weaviate.exceptions import WeaviateInsertManyAllFailedError

    notes = []
    for (document, version), group in groupby(sorted(passages, key=_version_of), key=_version_of):
        ids = sorted(p.passage_id for p in group)
        properties = {DOCUMENT: document, VERSION: version, PASSAGES: ids}
        notes.append(DataObject(uuid=uuid_of("\n".join(ids)), properties=properties))
    if not notes:
        return 0
    try:
        return len(done.data.insert_many(notes).errors)
    except WeaviateInsertManyAllFailedError:
        return len(notes)


def noted(done: Collection[Any, Any], document_id: str, version: int) -> set[str]:
    """Return the passages of a document version that were added whole. Raises: what the client raises."""
    found = done.query.fetch_objects(
        filters=of_document(document_id, version), limit=MOST_NOTES, return_properties=[PASSAGES]
    )
    return {str(name) for note in found.objects for name in note.properties[PASSAGES]}


def _version_of(passage: IndexedPassage) -> tuple[str, int]:
    return passage.document_id, passage.version
