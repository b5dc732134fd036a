"""Make Jibu's collection in Weaviate where it is missing, and check it where it is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jibu.adapters.index.weaviate.connection import translated
from jibu.adapters.index.weaviate.schema import Layout, check_found
from jibu.domain.errors import Away, Misconfigured

if TYPE_CHECKING:
    from weaviate import WeaviateClient
    from weaviate.collections import Collection
    from weaviate.collections.classes.filters import _Filters


def prepare(client: WeaviateClient, layout: Layout) -> Collection[Any, Any]:
    """Return the collection, ready to be used. Raises: Away, Unavailable, Misconfigured, IndexMismatch."""
    from weaviate.classes.config import ConsistencyLevel

    with translated():
        if not client.collections.exists(layout.name):
            _make(client, layout)
        check_found(client.collections.get(layout.name).config.get().to_dict(), layout)
    held = client.collections.get(layout.name)
    held = held.with_consistency_level(ConsistencyLevel[layout.consistency])
    try:
        with translated():
            count(held, None)
    except Away as error:
        raise Away("Weaviate answers, but its gRPC service does not: see JIBU_WEAVIATE_GRPC_URL") from error
    return held


def count(held: Collection[Any, Any], where: _Filters | None) -> int:
    """Return how many passages match; None: how many there are. Raises: what the client raises."""
    return held.aggregate.over_all(filters=where, total_count=True).total_count or 0


def _make(client: WeaviateClient, layout: Layout) -> None:
    from weaviate.exceptions import UnexpectedStatusCodeError

    try:
        client.collections.create_from_dict(layout.schema)
    except UnexpectedStatusCodeError as error:
        if error.status_code != 422:
            raise
        if not client.collections.exists(layout.name):  # or another process was quicker
            raise Misconfigured(
                f"Weaviate does not make the collection {layout.name} with {layout.replication} replicas "
                f"and {layout.shards} shards: has it enough nodes?"
            ) from error
