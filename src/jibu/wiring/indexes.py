"""Opens the passage index that the settings choose. A generation is a number: 1, and one more with each rebuild."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jibu.domain.errors import Misconfigured
from jibu.ports import Index
from jibu.settings import Settings, secret_in

if TYPE_CHECKING:
    from jibu.adapters.index.weaviate.connection import Server
    from jibu.adapters.index.weaviate.schema import Layout


def open_index(settings: Settings, *, embedder: str, dimension: int, number: int = 1) -> Index:
    """Open an index for this embedder. Raises: IndexMismatch, Misconfigured, Unavailable (embedded only)."""
    if settings.index == "weaviate":
        from jibu.adapters.index.weaviate.index import WeaviateIndex

        return WeaviateIndex(weaviate_server(settings), _layout(settings, embedder, dimension, number))
    from jibu.adapters.index.embedded import EmbeddedIndex

    return EmbeddedIndex(index_folder(settings, number), embedder=embedder, dimension=dimension)


def start_index_over(settings: Settings, *, embedder: str, dimension: int, number: int = 1) -> None:
    """Put an empty index in place of one that is damaged or another embedder's.

    Raises: IndexBusy, Unavailable, Misconfigured.
    """
    if settings.index == "weaviate":
        from jibu.adapters.index.weaviate.index import WeaviateIndex

        server, layout = weaviate_server(settings), _layout(settings, embedder, dimension, number)
        WeaviateIndex.start_over(server, layout).close()
        return
    from jibu.adapters.index.embedded import EmbeddedIndex

    folder = index_folder(settings, number)
    EmbeddedIndex.start_over(folder, embedder=embedder, dimension=dimension).close()


def remove_index_of(settings: Settings, *, embedder: str, dimension: int, number: int) -> None:
    """Remove a generation's storage; no error where there is none. Raises: IndexBusy, Unavailable, Misconfigured."""
    if settings.index == "weaviate":
        from jibu.adapters.index.weaviate.index import WeaviateIndex

        index = WeaviateIndex(weaviate_server(settings), _layout(settings, embedder, dimension, number))
        try:
            index.drop()
        finally:
            index.close()
        return
    from jibu.adapters.index.embedded import remove_index

    remove_index(index_folder(settings, number))


def index_folder(settings: Settings, number: int) -> Path:
    """Return where the embedded index keeps a generation."""
    return settings.data_dir / ("index" if number == 1 else f"index-{number}")


def _layout(settings: Settings, embedder: str, dimension: int, number: int) -> Layout:
    from jibu.adapters.index.weaviate.schema import Layout

    name = settings.weaviate_collection
    return Layout(
        name if number == 1 else f"{name}_{number}",
        embedder,
        dimension,
        replication=settings.weaviate_replication,
        shards=settings.weaviate_shards,
        consistency=settings.weaviate_consistency,
    )


def weaviate_server(settings: Settings) -> Server:
    """Return where Weaviate is. Raises: Misconfigured."""
    from jibu.adapters.index.weaviate.connection import Server

    if settings.weaviate_url is None:
        raise Misconfigured("JIBU_INDEX=weaviate needs JIBU_WEAVIATE_URL")
    key = settings.weaviate_api_key_file
    return Server(
        settings.weaviate_url,
        grpc_url=settings.weaviate_grpc_url,
        api_key=None if key is None else secret_in(key, "JIBU_WEAVIATE_API_KEY_FILE"),
        query_timeout_s=settings.weaviate_timeout_s,
        write_timeout_s=settings.weaviate_write_timeout_s,
    )
