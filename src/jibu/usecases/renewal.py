"""Build another generation of the index beside the live one, look at it, and swap: also the way back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from jibu.domain.errors import Conflict, JibuError, Misconfigured, NotFound, Unavailable
from jibu.domain.generations import PENDING, Generation, GenerationState
from jibu.ports import Clock, Embedder, Engines, Records, Segmenter, Space
from jibu.usecases.diagnosis import check_embedder
from jibu.usecases.filling import Filler
from jibu.usecases.probing import Probed, choose, judge, probe
from jibu.usecases.spaces import GRACE_S

LEASE, LEASE_S = "reindex", 30.0
ROUNDS = 5
"""How often a build catches up again after it could not be fed for a moment."""

Progress = Callable[[str, int, int], None]
"""Gets (what is done: build, catch up or probe; done; in all)."""


@dataclass(frozen=True, slots=True)
class Renewed:
    """What a swap came to: the generation that is live now, the one that is kept, what was seen before."""

    live: Generation
    kept: Generation
    passages: int
    probed: Probed


class _Overtaken(Exception):
    """The version is not live any more."""


class Renewal:
    """Changes the embedder. Each step may break off at any moment; the same call again goes on where it was.

    Every method raises Conflict while another process does one of them.
    """

    def __init__(
        self,
        *,
        records: Records,
        engines: Engines,
        segmenter: Segmenter,
        clock: Clock,
        grace_s: float = GRACE_S,
    ) -> None:
        self._records = records
        self._engines = engines
        self._segmenter = segmenter
        self._clock = clock
        self._grace = timedelta(seconds=grace_s)
        self._holder = uuid4().hex

    def generations(self) -> list[Generation]:
        """Return all that are not gone, by number. Raises: Unavailable."""
        with self._records.read() as uow:
            return uow.generations.all()

    def build(self, choice: str, progress: Progress = lambda *_: None, *, force: bool = False) -> Renewed:
        """Fill a generation made by this embedder, or go on doing so, look at it, and make it live.

        ``force`` swaps though the probes found too little. Raises: Misconfigured (no embedder, not one that works);
        Conflict (another build is under way, or the probes found too little); Unavailable, IndexBusy.
        """
        with self._alone():
            embedder = self._engines.embedder(choice)
            _check(choice, embedder)
            generation = self._begin(choice, embedder)
            return self._bring_in(generation, embedder, progress, compare=not force)

    def roll_back(self, progress: Progress = lambda *_: None) -> Renewed:
        """Make the generation live again that was live before, after it caught up. Raises: as ``build``; NotFound."""
        with self._alone():
            generation = self._kept()
            embedder = self._engines.embedder(generation.choice)
            _check(generation.choice, embedder)
            if generation.state is GenerationState.KEPT:
                with self._records.write() as uow:
                    uow.generations.reopen(generation.number)
                    uow.commit()
            return self._bring_in(generation, embedder, progress, compare=False)

    def cancel(self) -> Generation:
        """Give up what is being built; one that was live before is kept. Raises: NotFound, Unavailable, IndexBusy."""
        with self._alone():
            pending = next((one for one in self.generations() if one.state in PENDING), None)
            if pending is None:
                raise NotFound("nothing is being built")
            if pending.live_at is None:
                self._remove(pending)
                return pending
            with self._records.write() as uow:
                uow.generations.keep(pending.number)
                uow.commit()
            return pending

    def drop_old(self) -> list[Generation]:
        """Remove what is kept; return it. Raises: Conflict while searches may be using one; Unavailable, IndexBusy."""
        at = self._clock()
        with self._alone():
            old = [
                g for g in self.generations() if g.state in {GenerationState.KEPT, GenerationState.DROPPED}
            ]
            for one in old:
                if one.is_fed(at) and one.fed_until is not None:
                    wait = (one.fed_until - at).total_seconds()
                    raise Conflict(f"searches may still be using it; try again in {wait:.0f} seconds")
            for one in old:
                self._remove(one)
            return old

    def _remove(self, generation: Generation) -> None:
        """Remove storage between two notes of it, so that a broken-off removal is seen and done again."""
        with self._records.write() as uow:
            uow.generations.drop(generation.number)
            uow.commit()
        self._engines.remove(generation)
        with self._records.write() as uow:
            uow.generations.gone(generation.number)
            uow.commit()

    # --- one at a time ---

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._lead(LEASE_S):
            raise Conflict(
                f"another reindex is at work, or was killed less than {LEASE_S:.0f} seconds ago; try again"
            )
        try:
            yield
        finally:
            with suppress(JibuError):
                self._lead(0.0)

    def _lead(self, lease_s: float) -> bool:
        with self._records.write() as uow:
            leads = uow.outbox.lead(LEASE, self._holder, at=self._clock(), lease_s=lease_s)
            uow.commit()
        return leads

    # --- which one ---

    def _begin(self, choice: str, embedder: Embedder) -> Generation:
        generations = self.generations()
        if not any(one.state is GenerationState.LIVE for one in generations):
            raise NotFound(
                "there is no index yet: nothing needs changing over; set JIBU_EMBEDDER and start the service"
            )
        for one in generations:
            if one.state in PENDING:
                if (one.choice, one.embedder, one.dimension) != (choice, embedder.name, embedder.dimension):
                    raise Conflict(
                        f"generation {one.number} is being built with {one.choice}: go on with "
                        f"`jibu reindex --embedder {one.choice}`, or give it up with `jibu reindex --cancel`"
                    )
                return one
        with self._records.write() as uow:
            new = uow.generations.begin(
                choice, embedder=embedder.name, dimension=embedder.dimension, at=self._clock()
            )
            uow.commit()
        return new

    def _kept(self) -> Generation:
        """Return the one that was live last, also when a way back to it broke off."""
        states = {GenerationState.KEPT, *PENDING}
        kept = [one for one in self.generations() if one.state in states and one.live_at is not None]
        if not kept:
            raise NotFound("no generation is kept that could be gone back to")
        return max(kept, key=lambda one: (one.state in PENDING, one.live_at))

    # --- building ---

    def _bring_in(
        self, generation: Generation, embedder: Embedder, progress: Progress, *, compare: bool
    ) -> Renewed:
        """Fill, let documents wait for it, catch up, look, swap.

        What became live before the join is caught up with after it; what becomes live later is put in by the relay.
        """
        index = self._engines.index(generation)
        space = Space(generation.number, index, embedder)
        filler = Filler(
            records=self._records,
            space=space,
            segmenter=self._segmenter,
            hold=lambda: self._hold(space.number),
        )
        try:
            filler.fill(lambda done, total: progress("build", done, total))
            for _ in range(ROUNDS):
                with self._records.write() as uow:
                    uow.generations.join(generation.number)
                    uow.commit()
                filler.fill(lambda done, total: progress("catch up", done, total))
                if filler.missing():
                    continue
                probed = self._probe(space, progress, compare=compare)
                swapped = self._swap(space.number, probed)
                if swapped is not None:
                    return swapped
        finally:
            index.close()
        raise Unavailable(
            "documents kept becoming live without this generation; look at the relay's log, then run again"
        )

    def _hold(self, number: int) -> None:
        """Go on only while this is the one build and the generation is wanted. Raises: Conflict."""
        with self._records.write() as uow:
            leads = uow.outbox.lead(LEASE, self._holder, at=self._clock(), lease_s=LEASE_S)
            wanted = any(g.number == number and g.state in PENDING for g in uow.generations.all())
            uow.commit()
        if not leads or not wanted:
            raise Conflict("another reindex took over, or this one was cancelled")

    def _probe(self, space: Space, progress: Progress, *, compare: bool) -> Probed:
        probes = choose(self._records)
        done = 0

        def step() -> None:
            nonlocal done
            done += 1
            if done % 16 == 0:
                self._lead(LEASE_S)
            progress("probe", done, len(probes))

        live = self._live_space() if compare else None
        try:
            found = probe(probes, space, live, step)
        finally:
            if live is not None:
                live.index.close()
        why = judge(found)
        if why is not None:
            raise Conflict(
                f"{why}: nothing was swapped. Compare the two with `jibu models compare`; "
                "give it up with `jibu reindex --cancel`"
                + (", or swap all the same with --force" if compare else "")
            )
        return found

    def _live_space(self) -> Space | None:
        """Return the live pair to compare with, None where it cannot be opened."""
        live = next(one for one in self.generations() if one.state is GenerationState.LIVE)
        try:
            return Space(live.number, self._engines.index(live), self._engines.embedder(live.choice))
        except JibuError:
            return None

    def _swap(self, number: int, probed: Probed) -> Renewed | None:
        """Make it live; None where documents became live without it since it joined."""
        at = self._clock()
        with self._records.write() as uow:
            try:
                old = uow.generations.swap(number, at=at, fed_until=at + self._grace)
            except Conflict:
                return None
            live = next(one for one in uow.generations.all() if one.number == number)
            passages = uow.documents.live_passages()
            uow.commit()
        return Renewed(live, old, passages, probed)


def _check(choice: str, embedder: Embedder) -> None:
    """Raises: Misconfigured where the model is none that embeds."""
    try:
        check_embedder(embedder)
    except Unavailable as error:
        raise Misconfigured(f"{choice} does not work as an embedding model: {error}") from error
