"""Any order of documents coming, changing and going, builds, kills, swaps and ways back: nothing is ever lost."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog
from generations import Library
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from ingestion import OFFICER

from jibu.adapters.store.sqlite import open_sqlite
from jibu.domain.errors import Conflict, NotFound
from jibu.domain.generations import GenerationState

NAMES = st.sampled_from(["water", "roads", "schools", "courts"])
CHOICES = st.sampled_from(["small", "large", "twin"])
MOMENTS = st.integers(1, 12)
LAG_S = 30.0
"""Sixty times what a real process waits before it looks again."""


class Killed(BaseException):
    """What a process sees of its kill: nothing is caught, little is cleaned up."""


class Generations(RuleBasedStateMachine):
    """One library; ``reader`` is a process that notices a swap late."""

    def __init__(self) -> None:
        super().__init__()
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
        self._folder = Path(tempfile.mkdtemp(prefix="jibu-generations-"))
        self._records = open_sqlite(self._folder / "jibu.db")
        self.library = Library(self._folder, self._records)
        self.reader = self.library.open_spaces(LAG_S)
        self.editions: dict[str, int] = {}
        self.documents: dict[str, str] = {}

    @initialize()
    def load(self) -> None:
        """Begin with two documents."""
        for name in ("water", "roads"):
            self.receive(name)
        self.work()

    @rule(name=NAMES)
    def receive(self, name: str) -> None:
        """A new document, or the next edition of one."""
        self.editions[name] = self.editions.get(name, 0) + 1
        self.documents[name] = self.library.receive(name, self.editions[name]).document_id

    @rule(name=NAMES)
    def erase(self, name: str) -> None:
        """A document goes, everywhere."""
        document = self.documents.pop(name, None)
        if document is None:
            return
        receipt = self.library.documents.erase(OFFICER, document)
        assert {"records", "index"} <= set(receipt.verified)
        for generation in self.library.renewal().generations():
            index = self.library.engines.index(generation)
            assert [v for v in range(1, self.editions[name] + 1) if index.passage_ids(document, v)] == []
            index.close()

    @rule()
    def work(self) -> None:
        """A relay does what waits."""
        self.library.relay().run_until_idle()

    @rule(moment=MOMENTS)
    def work_and_die(self, moment: int) -> None:
        """A relay is killed at some batch; its lease runs out."""
        self._do_and_die(lambda: self.library.relay().run_until_idle(), moment)

    @rule(choice=CHOICES, between=st.lists(NAMES, max_size=4), erased=NAMES)
    def build(self, choice: str, between: list[str], erased: str) -> None:
        """A build, and between its batches documents come, are worked on, and one goes."""
        waiting = list(between)

        def meanwhile(embedder: str) -> None:
            if embedder == choice and waiting:
                name = waiting.pop()
                if name == erased:
                    self.erase(name)
                else:
                    self.receive(name)
                hook, self.library.engines.hook = self.library.engines.hook, lambda _: None
                self.work()
                self.nothing_is_lost()
                self.library.engines.hook = hook

        self._hooked(meanwhile, lambda: self.library.renewal().build(choice))

    @rule(choice=CHOICES, moment=MOMENTS)
    def build_and_die(self, choice: str, moment: int) -> None:
        """A build is killed at some batch."""
        self._do_and_die(lambda: self.library.renewal().build(choice), moment)

    @rule(choice=CHOICES, name=NAMES)
    def swap_while_a_relay_works(self, choice: str, name: str) -> None:
        """A whole build happens between two steps of one index job."""
        done = []
        self.work()
        self.receive(name)

        def meanwhile(_: str) -> None:
            if not done:
                done.append(1)
                with suppress(Conflict):
                    self.library.renewal().build(choice)

        self._hooked(meanwhile, self.work)

    @rule()
    def roll_back(self) -> None:
        """The way back, where there is one."""
        self._hooked(lambda _: None, lambda: self.library.renewal().roll_back())

    @rule(moment=MOMENTS)
    def roll_back_and_die(self, moment: int) -> None:
        """The way back is killed."""
        self._do_and_die(lambda: self.library.renewal().roll_back(), moment)

    @rule()
    def drop_old(self) -> None:
        """The old ones go, unless searches may be using one."""
        self._hooked(lambda _: None, lambda: self.library.renewal().drop_old())

    @rule()
    def cancel(self) -> None:
        """What is being built is given up."""
        self._hooked(lambda _: None, lambda: self.library.renewal().cancel())

    @rule(seconds=st.sampled_from([1, 20, 70]))
    def wait(self, seconds: int) -> None:
        """Time goes by."""
        self.library.clock.advance(seconds)

    @invariant()
    def nothing_is_lost(self) -> None:
        """Each live version, and no other of its document, is found in what is live, early and late noticed."""
        assert self.library.lost() == []
        assert self.library.lost(self.reader.live()) == []
        assert [state for _, _, state in self.library.states()].count(GenerationState.LIVE) == 1

    def _hooked(self, hook: Callable[[str], None], do: Callable[[], object]) -> None:
        self.library.engines.hook = hook
        try:
            with suppress(Conflict, NotFound):
                do()
        finally:
            self.library.engines.hook = lambda _: None

    def _do_and_die(self, do: Callable[[], object], moment: int) -> None:
        left = moment

        def die(_: str) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Killed

        with suppress(Killed):
            self._hooked(die, do)
        if left <= 0:
            self.library.clock.advance(61)

    def teardown(self) -> None:
        """In the end everything that was received is live, once, in one generation."""
        self.work()
        self.library.clock.advance(200)
        self.work()
        self.nothing_is_lost()
        with self._records.read() as uow:
            live = dict(uow.documents.live())
            passages = uow.documents.live_passages()
        assert set(live) == set(self.documents.values())
        assert self.library.spaces.live().index.info().passages == passages
        self.reader.close()
        self.library.close()
        self._records.close()
        shutil.rmtree(self._folder)
        structlog.reset_defaults()


TestGenerations = Generations.TestCase
TestGenerations.settings = settings(
    max_examples=6,
    stateful_step_count=10,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),  # an example takes a second: the first failure says enough
    suppress_health_check=list(HealthCheck),
)
