"""Make Jibu's collection in Weaviate where it is missing, and check it where it is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jibu.adapters.index.weaviate.connection import translated
from jibu.adapters.index.weaviate.schema import Layout, check_found
from jibu.domain.errors import Away, Misconfigured

if TYPE_CHECKING:
    from weaviate import WeaviateClient
    from weaviate.collections import Collection
    from weaviate.collections.classes.filters import _Filters


@dataclass(frozen=True, slots=True)
class Held:
    """The two collections of an index: its passages, and notes of what was added whole."""

    passages: Collection[Any, Any]
    done: Collection[Any, Any]


def prepare(client: WeaviateClient, layout: Layout) -> Held:
    """Return the collections, ready to be used. Raises: Away, Unavailable, Misconfigured, IndexMismatch."""
    with translated():
        held = Held(_prepared(client, layout, layout.schema), _prepared(client, layout, layout.done_schema))
    try:
        with translated():
            count(held.passages, None)
    except Away as error:
        raise Away("Weaviate answers, but its gRPC service does not: see JIBU_WEAVIATE_GRPC_URL") from error
    return held


def count(held: Collection[Any, Any], where: _Filters | None) -> int:
    """Return how many passages match; None: how many there are. Raises: what the client raises."""
    return held.aggregate.over_all(filters=where, total_count=True).total_count or 0


def remove(client: WeaviateClient, layout: Layout) -> None:
    """Delete both collections with their files. Raises: what the client raises."""
    for schema in (layout.schema, layout.done_schema):
        client.collections.delete(schema["class"])


def _prepared(client: WeaviateClient, layout: Layout, schema: dict[str, Any]) -> Collection[Any, Any]:
    from weaviate.classes.config import ConsistencyLevel

    name = schema["class"]
    if not client.collections.exists(name):
        _make(client, layout, schema)
    held = client.collections.get(name)
    check_found(held.config.get().to_dict(), layout, schema)
    return held.with_consistency_level(ConsistencyLevel[layout.consistency])


def _make(client: WeaviateClient, layout: Layout, schema: dict[str, Any]) -> None:
    from weaviate.exceptions import UnexpectedStatusCodeError

    try:
        client.collections.create_from_dict(schema)
    except UnexpectedStatusCodeError as error:
        if error.status_code != 422:
            raise
        if not client.collections.exists(schema["class"]):  # or another process was quicker
            raise Misconfigured(
                f"Weaviate does not make the collection {schema['class']} with {layout.replication} replicas "
                f"and {layout.shards} shards: has it enough nodes?"
            ) from error
