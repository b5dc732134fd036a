"""Collections."""

from __future__ import annotations

from starlette.responses import Response

from jibu.domain.access import PUBLIC
from jibu.domain.documents import Collection
from jibu.http import views
from jibu.http.call import Call, Json
from jibu.http.gate import Gate
from jibu.http.languages import known_language
from jibu.usecases.collections import Collections


class CollectionHandlers:
    """``/collections``."""

    def __init__(self, collections: Collections, gate: Gate) -> None:
        self._collections = collections
        self._gate = gate

    async def page(self, call: Call) -> Response:
        """List what the caller may read."""
        offset, limit = call.params["offset"], call.params["limit"]
        found = await self._gate.run(lambda: self._collections.page(call.caller, offset=offset, limit=limit))
        return Json(views.page(found, views.collection, offset=offset, limit=limit))

    async def put(self, call: Call) -> Response:
        """Create or replace."""
        wanted = _collection(call)
        collection, created = await self._gate.run(lambda: self._collections.put(call.caller, wanted))
        if not created:
            return Json(views.collection(collection))
        where = f"{views.BASE}/collections/{collection.collection_id}"
        return Json(views.collection(collection), status_code=201, headers={"Location": where})

    async def get(self, call: Call) -> Response:
        """Read one."""
        name = call.params["collectionId"]
        return Json(views.collection(await self._gate.run(lambda: self._collections.get(call.caller, name))))

    async def delete(self, call: Call) -> Response:
        """Remove an empty one."""
        name = call.params["collectionId"]
        await self._gate.run(lambda: self._collections.delete(call.caller, name))
        return Response(status_code=204)


def _collection(call: Call) -> Collection:
    body = call.body
    languages = (known_language(tag, f"languages/{n}") for n, tag in enumerate(body.get("languages", [])))
    read = body.get("read", PUBLIC)
    return Collection(
        collection_id=call.params["collectionId"],
        title=body["title"],
        languages=tuple(tag for tag in languages if tag is not None),
        read=(read,) if isinstance(read, str) else tuple(read),
    )
