"""Contract cases: generations of the index."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from jibu.domain.errors import Conflict, JibuError, NotFound
from jibu.domain.generations import Generation, GenerationState
from jibu.ports import GenerationRecords, Records
from jibu.testing.records_outbox import at
from jibu.testing.records_samples import receive, whole

State = GenerationState


def change(records: Records, *steps: Callable[[GenerationRecords], object]) -> None:
    """Do steps, each in a transaction of its own."""
    for step in steps:
        with records.write() as uow:
            step(uow.generations)
            uow.commit()


def found(records: Records) -> None:
    """Note the first generation."""
    change(records, lambda g: g.found("small", embedder="m-small", dimension=8, at=at(0)))


def begin(records: Records) -> None:
    """Begin another one."""
    change(records, lambda g: g.begin("large", embedder="m-large", dimension=16, at=at(1)))


def states(records: Records) -> list[tuple[int, GenerationState]]:
    """Return number and state of each."""
    with records.read() as uow:
        return [(one.number, one.state) for one in uow.generations.all()]


class GenerationCases:
    """One is live; another one is built, joined, swapped, kept, dropped."""

    def test_the_first_generation_is_noted_once(self, records: Records) -> None:
        """Whoever comes second gets the one that is there; every field survives."""
        with records.read() as uow:
            assert (uow.generations.all(), uow.generations.live()) == ([], None)
        found(records)
        change(records, lambda g: g.found("other", embedder="m", dimension=4, at=at(9)))
        expected = Generation(1, "small", "m-small", 8, State.LIVE, at(0), live_at=at(0))
        with records.read() as uow:
            assert (uow.generations.all(), uow.generations.live()) == ([expected], expected)

    def test_nothing_is_begun_before_there_is_a_first_or_while_another_is_built(
        self, records: Records
    ) -> None:
        """Two at a time would be one too many."""
        with pytest.raises(Conflict):
            begin(records)
        found(records)
        begin(records)
        with pytest.raises(Conflict, match="large"):
            begin(records)
        assert states(records) == [(1, State.LIVE), (2, State.BUILDING)]

    def test_a_swap_changes_both_at_once(self, records: Records) -> None:
        """Only a joined one goes live; the one before is kept, and fed for a while."""
        found(records)
        begin(records)
        swap = lambda g: g.swap(2, at=at(5), fed_until=at(65))  # noqa: E731
        with pytest.raises(Conflict):
            change(records, swap)
        change(records, lambda g: g.join(2), lambda g: g.join(2), swap)
        assert states(records) == [(1, State.KEPT), (2, State.LIVE)]
        with records.read() as uow:
            old, new = uow.generations.all()
        assert (new.live_at, new.fed_until, old.fed_until) == (at(5), None, at(65))
        assert (old.is_fed(at(64)), old.is_fed(at(65)), new.is_fed(at(999))) == (True, False, True)
        with pytest.raises(Conflict):
            change(records, swap)

    def test_the_way_back(self, records: Records) -> None:
        """A kept one is built on and swapped like a new one; or kept again."""
        found(records)
        begin(records)
        change(records, lambda g: g.join(2), lambda g: g.swap(2, at=at(5), fed_until=at(65)))
        change(records, lambda g: g.reopen(1), lambda g: g.keep(1), lambda g: g.reopen(1))
        with pytest.raises(Conflict):
            begin(records)
        change(records, lambda g: g.join(1), lambda g: g.swap(1, at=at(7), fed_until=at(67)))
        assert states(records) == [(1, State.LIVE), (2, State.KEPT)]

    def test_what_cannot_be_fed_is_released(self, records: Records) -> None:
        """A joined one is being built again, a kept one only kept; others stay as they are."""
        found(records)
        begin(records)
        change(records, lambda g: g.join(2), lambda g: g.release(2, at=at(3)))
        assert states(records) == [(1, State.LIVE), (2, State.BUILDING)]
        change(records, lambda g: g.join(2), lambda g: g.swap(2, at=at(5), fed_until=at(65)))
        change(records, lambda g: g.release(1, at=at(6)), lambda g: g.release(2, at=at(6)))
        assert states(records) == [(1, State.KEPT), (2, State.LIVE)]
        with records.read() as uow:
            assert not uow.generations.all()[0].is_fed(at(7))

    def test_a_number_is_never_used_again(self, records: Records) -> None:
        """Whoever still has the old one open never takes another one for it."""
        found(records)
        begin(records)
        change(records, lambda g: g.drop(2), lambda g: g.drop(2))
        assert states(records) == [(1, State.LIVE), (2, State.DROPPED)]
        change(records, lambda g: g.gone(2))
        begin(records)
        assert states(records) == [(1, State.LIVE), (3, State.BUILDING)]

    def test_a_step_that_does_not_fit_is_refused(self, records: Records) -> None:
        """And changes nothing."""
        found(records)
        wrong: list[Callable[[GenerationRecords], object]] = [
            lambda g: g.drop(1),
            lambda g: g.gone(1),
            lambda g: g.join(1),
            lambda g: g.keep(1),
            lambda g: g.reopen(1),
        ]
        for step in wrong:
            with pytest.raises(Conflict):
                change(records, step)
        for step in (
            lambda g: g.join(9),
            lambda g: g.swap(9, at=at(0), fed_until=at(0)),
            lambda g: g.drop(9),
        ):
            with pytest.raises(NotFound):
                change(records, step)
        assert states(records) == [(1, State.LIVE)]

    def test_joining_waits_for_an_activation_that_is_under_way(self, records: Records) -> None:
        """So a version that became live without the new generation is seen by the catch-up, always."""
        found(records)
        begin(records)
        whole(records, "d0")
        receive(records, "d1")
        done = threading.Event()

        def join() -> None:
            with suppress(JibuError):
                change(records, lambda g: g.join(2))
            done.set()

        joining = threading.Thread(target=join)
        with records.write() as uow:
            uow.documents.activate("d1", 1, at=at(2), languages=())
            joining.start()
            assert not done.wait(0.3)
            assert [one.state for one in uow.generations.all()] == [State.LIVE, State.BUILDING]
            uow.commit()
        joining.join()
        assert states(records) == [(1, State.LIVE), (2, State.JOINED)]
