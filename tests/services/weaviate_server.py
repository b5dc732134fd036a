"""A running Weaviate that tests may use: JIBU_TEST_WEAVIATE_URL and, where needed, _GRPC_URL and _API_KEY.

It is never started by the tests: there is no package for it. Collections that tests make begin with ``JibuTest``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from uuid import uuid4

from tests.services.unrun import needs

from jibu.adapters.index.weaviate.connection import Server
from jibu.adapters.index.weaviate.index import WeaviateIndex
from jibu.adapters.index.weaviate.schema import Layout

URL = "JIBU_TEST_WEAVIATE_URL"
NEEDED = needs("Weaviate", URL)


def told() -> bool:
    """Tell whether there is one."""
    return bool(os.environ.get(URL))


def server() -> Server:
    """Return where it is."""
    return Server(
        os.environ[URL],
        grpc_url=os.environ.get("JIBU_TEST_WEAVIATE_GRPC_URL"),
        api_key=os.environ.get("JIBU_TEST_WEAVIATE_API_KEY"),
    )


class Names:
    """Names for collections of one test, which are all dropped at its end."""

    def __init__(self) -> None:
        self._prefix = f"JibuTest{uuid4().hex[:12]}"
        self._opened: dict[str, Layout] = {}
        self._stack = ExitStack()

    def open(self, name: str, embedder: str, dimension: int) -> WeaviateIndex:
        """Open the collection of that name."""
        layout = Layout(f"{self._prefix}_{name}", embedder, dimension)
        index = WeaviateIndex(server(), layout)
        self._opened.setdefault(name, layout)
        self._stack.callback(index.close)
        return index

    def drop(self) -> None:
        """Delete every collection and close every index."""
        for layout in self._opened.values():
            index = WeaviateIndex(server(), layout)
            index.drop()
            index.close()
        self._stack.close()


@contextmanager
def names() -> Iterator[Names]:
    """Give names and clean up behind them."""
    given = Names()
    try:
        yield given
    finally:
        given.drop()
