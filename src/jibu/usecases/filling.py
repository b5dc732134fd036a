"""Bring everything that is live into one generation of the index, while documents come, change and go."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from jibu.domain.errors import NotFound
from jibu.ports import Records, Segmenter, Space, UnitOfWork
from jibu.usecases.feeding import Feeder


class _Overtaken(Exception):
    """The version is not live any more."""


class Filler:
    """Adds to one generation what it lacks. ``hold`` is called before each lasting step and may raise to end it all."""

    def __init__(
        self, *, records: Records, space: Space, segmenter: Segmenter, hold: Callable[[], None]
    ) -> None:
        self._records = records
        self._space = space
        self._feeder = Feeder(index=space.index, embedder=space.embedder, segmenter=segmenter)
        self._hold = hold

    def fill(self, progress: Callable[[int, int], None]) -> None:
        """Add every live version that is not whole. ``progress`` gets (passages done, passages in all).

        Nothing is removed here: sweeps take replaced and erased versions out of every generation.
        Raises: Unavailable, IndexBusy, what ``hold`` raises.
        """
        with self._records.read() as uow:
            live = list(uow.documents.live())
            total = uow.documents.live_passages()
        done = 0

        def count(more: int) -> None:
            nonlocal done
            done += more
            progress(done, max(total, done))

        progress(0, total)
        for document_id, version in live:
            with suppress(_Overtaken):
                self._one(document_id, version, count)

    def _one(self, document_id: str, version: int, count: Callable[[int], None]) -> None:
        with self._records.read() as uow:
            try:
                document = uow.documents.get(document_id, version)
            except NotFound:
                return
            passages = uow.documents.passages(document_id, version)
        self._feeder.feed(document, version, passages, lambda: self._keep(document_id, version), count)

    def _keep(self, document_id: str, version: int) -> None:
        self._hold()
        with self._records.read() as uow:
            if _live_version(uow, document_id) != version:
                raise _Overtaken

    def missing(self) -> int:
        """Return how many live versions are not whole in it. Raises: Unavailable."""
        with self._records.read() as uow:
            live = [(*one, uow.documents.count_passages(*one)) for one in uow.documents.live()]
        held = self._space.index.passage_ids
        wrong = [(name, version) for name, version, count in live if len(held(name, version)) != count]
        with self._records.read() as uow:  # some were replaced or erased since
            return sum(_live_version(uow, name) == version for name, version in wrong)


def _live_version(uow: UnitOfWork, document_id: str) -> int | None:
    try:
        return uow.documents.get(document_id).live_version
    except NotFound:
        return None
