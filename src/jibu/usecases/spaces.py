"""The generations of the index as one process has them open, and which of them is live."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator

import structlog

from jibu.domain.errors import IndexMismatch, JibuError
from jibu.domain.generations import Generation, GenerationState
from jibu.ports import Clock, Embedder, Engines, Index, Records, Space

LOOK_EVERY_S = 0.5
"""How long a process may search a generation after another one became live."""
GRACE_S = 60.0
"""How long the one before is still fed: far longer than ``LOOK_EVERY_S`` and any search together."""


class LiveSpaces:
    """See ``jibu.ports.Spaces``. The records say which generation is live; every process looks there again and again.

    A pair that was handed out stays open for as long as searches may be using it.
    """

    def __init__(
        self,
        *,
        records: Records,
        engines: Engines,
        clock: Clock,
        look_every_s: float = LOOK_EVERY_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._records = records
        self._engines = engines
        self._clock = clock
        self._look_every_s = look_every_s
        self._monotonic = monotonic
        self._lock = threading.RLock()
        self._live: Space | None = None
        self._looked_at = 0.0
        self._indexes: dict[int, Index] = {}
        self._embedders: dict[tuple[str, int], Embedder] = {}
        self._unneeded: dict[int, float] = {}
        self._log = structlog.get_logger("jibu.spaces")

    def settle(self, choice: str, *, follow: bool = False) -> None:
        """Find out at start whether the index is of the embedder that the settings choose.

        Without a record of the index the present one is noted as the first generation. ``follow``: a process that was
        started by one that is running goes with the live generation, whatever the settings say.
        Raises: IndexMismatch that says which command to run; Misconfigured, Unavailable.
        """
        with self._records.read() as uow:
            live = uow.generations.live()
        if live is None:
            live = self._found(choice)
        if live.choice != choice:
            if not follow:
                raise IndexMismatch(
                    f"the live index was made with the embedder {live.choice}, the settings choose {choice}: to change "
                    f"over run `jibu reindex --embedder {choice}`; to stay set {self._engines.setting(live.choice)}"
                )
            self._log.warning("the live index is not of the embedder in the settings", live=live.choice)
        self.live()

    def _found(self, choice: str) -> Generation:
        """Open the index that is there, or a new one, as the first generation, and note it."""
        embedder, at = self._embedder(choice), self._clock()
        name, size = embedder.name, embedder.dimension
        first = Generation(1, choice, name, size, GenerationState.LIVE, at)
        self._engines.index(first).close()  # refuses one that another embedder made
        with self._records.write() as uow:
            live = uow.generations.found(choice, embedder=name, dimension=size, at=at)
            uow.commit()
        return live

    def live(self) -> Space:
        """Return the pair to search with. Raises: Misconfigured, Unavailable."""
        space = self._live
        if space is not None and self._monotonic() - self._looked_at < self._look_every_s:
            return space
        with self._lock:
            looked_at = self._monotonic()
            generations = self._read()
            live = self._space(_live(generations))
            if self._live is not None and self._live.number != live.number:
                self._log.info("the index was swapped", generation=live.number, embedder=live.embedder.name)
            self._live, self._looked_at = live, looked_at
            self._close_unneeded(generations)
            return live

    def fed(self) -> tuple[Space, ...]:
        """Return the pairs that a version has to be in, the live one first. Raises: Misconfigured, Unavailable.

        Others that cannot be opened are left out: what is live does not wait for them.
        """
        at = self._clock()
        with self._lock:
            generations = self._read()
            live = _live(generations)
            others = [one for one in generations if one.is_fed(at) and one.number != live.number]
            return (self._space(live), *(space for one in others for space in self._openable(one)))

    def _openable(self, generation: Generation) -> Iterator[Space]:
        try:
            yield self._space(generation)
        except JibuError as error:
            self._log.warning("a generation cannot be opened", generation=generation.number, error=error.code)

    def everywhere(self) -> Everywhere:
        """Return what removes from every generation."""
        return Everywhere(self._all_indexes)

    def _all_indexes(self) -> list[Index]:
        with self._lock:
            self._unneeded.clear()  # whoever asks is about to use them
            return [self._index(one) for one in self._read()]

    def close(self) -> None:
        """Close every index."""
        with self._lock:
            for index in self._indexes.values():
                index.close()
            self._indexes.clear()
            self._live = None

    def _read(self) -> list[Generation]:
        with self._records.read() as uow:
            return uow.generations.all()

    def _space(self, generation: Generation) -> Space:
        embedder = self._embedder(generation.choice, generation.dimension)
        made_by = (generation.embedder, generation.dimension)
        if (embedder.name, embedder.dimension) != made_by:
            raise IndexMismatch(
                f"the live index was made by {generation.embedder} ({generation.dimension} dimensions), but "
                f"{generation.choice} is now {embedder.name} ({embedder.dimension}): put the old model back, or run "
                f"`jibu reindex --embedder {generation.choice}`"
            )
        return Space(generation.number, self._index(generation), embedder)

    def _embedder(self, choice: str, dimension: int = 0) -> Embedder:
        if (choice, dimension) not in self._embedders:
            self._embedders[choice, dimension] = self._engines.embedder(choice, dimension=dimension)
        return self._embedders[choice, dimension]

    def _index(self, generation: Generation) -> Index:
        if generation.number not in self._indexes:
            self._indexes[generation.number] = self._engines.index(generation)
        return self._indexes[generation.number]

    def _close_unneeded(self, generations: Iterable[Generation]) -> None:
        """Let go what no search uses any more: not at once, for some may have begun before the swap."""
        at, now = self._clock(), self._monotonic()
        needed = [one for one in generations if one.is_fed(at)]
        for number in set(self._indexes) - {one.number for one in needed}:
            if now - self._unneeded.setdefault(number, now) > GRACE_S:
                self._indexes.pop(number).close()
                del self._unneeded[number]
        if set(self._indexes) <= {one.number for one in needed}:
            used = {(one.choice, one.dimension) for one in needed}
            self._embedders = {key: embedder for key, embedder in self._embedders.items() if key in used}


class Everywhere:
    """See ``jibu.ports.Removable``: every generation at once."""

    def __init__(self, indexes: Callable[[], Iterable[Index]]) -> None:
        self._indexes = indexes

    def passage_ids(self, document_id: str, version: int) -> set[str]:
        """Return the ids that any of them holds. Raises: Unavailable."""
        return {p for index in self._indexes() for p in index.passage_ids(document_id, version)}

    def delete_document(self, document_id: str, *, keep_version: int | None = None) -> int:
        """Remove from each; return the most that one held. Raises: Unavailable, IndexBusy."""
        counts = [index.delete_document(document_id, keep_version=keep_version) for index in self._indexes()]
        return max(counts, default=0)

    def compact(self) -> None:
        """Rewrite each. Raises: Unavailable, IndexBusy."""
        for index in self._indexes():
            index.compact()


def _live(generations: Iterable[Generation]) -> Generation:
    for one in generations:
        if one.state is GenerationState.LIVE:
            return one
    raise IndexMismatch("the records know no live index; start the service or run `jibu check` once")
