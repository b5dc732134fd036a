"""A second generator that answers where the first one cannot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from jibu.adapters.model.failures import ModelFailed
from jibu.domain.answers import Draft
from jibu.ports import GenerationRequest, Generator


class FallbackGenerator:
    """Asks the first; where it fails before it has said anything, the second answers and the draft says why."""

    def __init__(self, first: Generator, second: Generator) -> None:
        self._first = first
        self._second = second

    @property
    def name(self) -> str:
        """The first one's: a draft of the second says so itself."""
        return self._first.name

    def generate(self, request: GenerationRequest) -> Iterator[str | Draft]:
        """Yield the first one's pieces and draft, or the second one's. Raises: Unavailable."""
        said = False
        pieces = self._first.generate(request)
        try:
            for piece in pieces:
                said = said or bool(piece)
                yield piece
        except ModelFailed as error:
            if said:
                raise
            reason = error.reason
        else:
            return
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()
        for piece in self._second.generate(request):
            if isinstance(piece, Draft):
                yield replace(piece, generator=self._second.name, fallback=reason)
            else:
                yield piece
