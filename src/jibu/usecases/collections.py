"""Collections: who may read what, in which languages."""

from __future__ import annotations

import re
from dataclasses import replace

from jibu.domain.access import PUBLIC, SCOPES, Caller
from jibu.domain.documents import Collection
from jibu.domain.errors import InvalidInput, NotFound
from jibu.ports import Clock, Page, Records
from jibu.usecases.checks import UNFIT, check_language
from jibu.usecases.telling import tell

ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
READ_SCOPE = re.compile(r"read:[A-Za-z0-9._-]{1,64}")
MAX_TITLE = 200


class Collections:
    """Create, list and remove collections. A caller only ever sees those that it may read."""

    def __init__(self, *, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    def put(self, caller: Caller, collection: Collection) -> tuple[Collection, bool]:
        """Create or replace; return it and whether it is new.

        Raises: InvalidInput; NotFound when it exists and the caller may not read it; Unavailable.
        """
        collection = _checked(collection)
        at = self._clock()
        with self._records.write() as uow:
            try:
                old = uow.collections.get(collection.collection_id)
            except NotFound:
                old = None
            if old is not None and not caller.may_read(old.read):
                raise NotFound(f"no collection {collection.collection_id!r}")
            if old is not None and _same(old, collection):
                return old, False
            created = at if old is None else old.created_at
            collection = replace(collection, created_at=created, updated_at=at)
            uow.collections.put(collection)
            tell(uow, "jibu.collection.changed.v1", collection.collection_id, at, change="put")
            uow.commit()
        return collection, old is None

    def get(self, caller: Caller, collection_id: str) -> Collection:
        """Return one. Raises: NotFound, also when the caller may not read it; Unavailable."""
        with self._records.read() as uow:
            collection = uow.collections.get(collection_id)
        if not caller.may_read(collection.read):
            raise NotFound(f"no collection {collection_id!r}")
        return collection

    def page(self, caller: Caller, *, offset: int, limit: int) -> Page[Collection]:
        """List those that the caller may read, by id. Raises: Unavailable."""
        found = self._readable(caller)
        return Page(tuple(found[offset : offset + limit]), len(found))

    def delete(self, caller: Caller, collection_id: str) -> None:
        """Remove an empty collection. Raises: NotFound; Conflict while it holds documents; Unavailable."""
        with self._records.write() as uow:
            if not caller.may_read(uow.collections.get(collection_id).read):
                raise NotFound(f"no collection {collection_id!r}")
            uow.collections.delete(collection_id)
            tell(uow, "jibu.collection.changed.v1", collection_id, self._clock(), change="deleted")
            uow.commit()

    def readable(self, caller: Caller) -> frozenset[str]:
        """Return the ids of all collections that the caller may read. Raises: Unavailable."""
        return frozenset(collection.collection_id for collection in self._readable(caller))

    def _readable(self, caller: Caller) -> list[Collection]:
        with self._records.read() as uow:
            return [collection for collection in uow.collections.all() if caller.may_read(collection.read)]


def _checked(collection: Collection) -> Collection:
    if not ID.fullmatch(collection.collection_id):
        raise InvalidInput(
            "a collection id has 1 to 63 of a-z, 0-9, '.', '_' and '-', and starts with a letter or digit",
            "collectionId",
        )
    title = collection.title.strip()
    if not 1 <= len(title) <= MAX_TITLE or UNFIT.search(title):
        raise InvalidInput(f"a title has 1 to {MAX_TITLE} characters and no control characters", "/title")
    for language in collection.languages:
        check_language(language, "/languages")
    if not collection.read or (PUBLIC in collection.read and len(collection.read) > 1):
        raise InvalidInput("say either public or which scopes may read", "/read")
    for scope in collection.read:
        if scope not in SCOPES and scope != PUBLIC and not READ_SCOPE.fullmatch(scope):
            raise InvalidInput(f"{scope!r} is not a scope; use one of Jibu's or read:<word>", "/read")
    return replace(
        collection,
        title=title,
        languages=tuple(dict.fromkeys(collection.languages)),
        read=tuple(dict.fromkeys(collection.read)),
    )


def _same(old: Collection, new: Collection) -> bool:
    return (old.title, old.languages, old.read) == (new.title, new.languages, new.read)
