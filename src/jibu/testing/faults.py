"""Wrappers that put faults in front of a port, for tests of what happens then."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jibu.domain.documents import ParsedDocument
from jibu.domain.events import Event
from jibu.domain.passages import Vector
from jibu.ports import Broker, Embedder, Parser, Refusal

Fault = Callable[[int], None]
"""Gets the number of the call, from 1; raises, waits or does whatever is the matter."""


class FaultyEmbedder:
    """An embedder whose ``embed_passages`` meets a fault first."""

    def __init__(self, inner: Embedder, fault: Fault) -> None:
        self._inner = inner
        self._fault = fault
        self.calls = 0
        self.texts: list[str] = []

    @property
    def name(self) -> str:
        """As the inner one."""
        return self._inner.name

    @property
    def dimension(self) -> int:
        """As the inner one."""
        return self._inner.dimension

    @property
    def max_tokens(self) -> int:
        """As the inner one."""
        return self._inner.max_tokens

    def count_tokens(self, text: str) -> int:
        """As the inner one."""
        return self._inner.count_tokens(text)

    def embed_passages(self, texts: Sequence[str]) -> list[Vector]:
        """Meet the fault, then embed; ``texts`` remembers what was embedded."""
        self.calls += 1
        self._fault(self.calls)
        self.texts += texts
        return self._inner.embed_passages(texts)

    def embed_query(self, text: str) -> Vector:
        """As the inner one."""
        return self._inner.embed_query(text)


class FaultyParser:
    """A parser that meets a fault first."""

    def __init__(self, inner: Parser, fault: Fault) -> None:
        self._inner = inner
        self._fault = fault
        self.calls = 0

    def parse(self, content: bytes, *, filename: str | None, media_type: str | None) -> ParsedDocument:
        """Meet the fault, then parse."""
        self.calls += 1
        self._fault(self.calls)
        return self._inner.parse(content, filename=filename, media_type=media_type)


class FaultyBroker:
    """A broker that meets a fault first."""

    def __init__(self, inner: Broker, fault: Fault) -> None:
        self._inner = inner
        self._fault = fault
        self.calls = 0

    def publish(self, events: Sequence[Event]) -> Sequence[Refusal]:
        """Meet the fault, then publish."""
        self.calls += 1
        self._fault(self.calls)
        return self._inner.publish(events)

    def ping(self) -> None:
        """As the inner one."""
        self._inner.ping()
