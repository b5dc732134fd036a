"""Collections in SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, delete, exists, insert, select, update

from jibu.adapters.store import tables as t
from jibu.adapters.store.codec import dump, strings
from jibu.adapters.store.turns import COLLECTION, take
from jibu.domain.documents import Collection
from jibu.domain.errors import Conflict, NotFound


class SqlCollections:
    """See ``jibu.ports.CollectionRecords``."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def put(self, collection: Collection) -> bool:
        """Create or replace; ``created_at`` of an existing one stays."""
        take(self._db, COLLECTION, collection.collection_id)
        values: dict[str, Any] = {
            "title": collection.title,
            "languages": dump(collection.languages),
            "read_scopes": dump(collection.read),
            "updated_at": collection.updated_at,
        }
        where = t.collections.c.collection_id == collection.collection_id
        if self._db.execute(update(t.collections).where(where).values(**values)).rowcount:
            return False
        values |= {"collection_id": collection.collection_id, "created_at": collection.created_at}
        self._db.execute(insert(t.collections).values(**values))
        return True

    def get(self, collection_id: str) -> Collection:
        """Return one. Raises: NotFound."""
        take(self._db, COLLECTION, collection_id)
        query = select(t.collections).where(t.collections.c.collection_id == collection_id)
        row = self._db.execute(query).one_or_none()
        if row is None:
            raise NotFound(f"no collection {collection_id!r}")
        return _collection(row)

    def all(self) -> list[Collection]:
        """Return every collection, by id."""
        query = select(t.collections).order_by(t.collections.c.collection_id)
        return [_collection(row) for row in self._db.execute(query)]

    def delete(self, collection_id: str) -> None:
        """Remove one. Raises: NotFound; Conflict while it holds documents."""
        take(self._db, COLLECTION, collection_id)
        held = select(exists().where(t.documents.c.collection_id == collection_id))
        if self._db.execute(held).scalar():
            raise Conflict("the collection still holds documents")
        where = t.collections.c.collection_id == collection_id
        if not self._db.execute(delete(t.collections).where(where)).rowcount:
            raise NotFound(f"no collection {collection_id!r}")


def _collection(row: Row[Any]) -> Collection:
    return Collection(
        collection_id=row.collection_id,
        title=row.title,
        languages=strings(row.languages),
        read=strings(row.read_scopes),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
