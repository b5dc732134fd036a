"""Changing the embedder while documents come, change and go, and breaking off at any moment."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from generations import Library
from ingestion import OFFICER

from jibu.adapters.store.sqlite import open_sqlite
from jibu.domain.errors import Conflict, IndexMismatch, Misconfigured, NotFound, Unavailable
from jibu.domain.generations import GenerationState
from jibu.domain.passages import IndexedPassage, Passage
from jibu.ports import Index
from jibu.usecases.renewal import Renewed

State = GenerationState
NAMES = [f"law{n}" for n in range(12)]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with twelve documents in an index made by "small"."""
    folder = tmp_path_factory.mktemp("template")
    records = open_sqlite(folder / "jibu.db")
    found = Library(folder, records)
    found.load(*NAMES)
    assert found.lost() == []
    found.close()
    records.close()
    return folder


@pytest.fixture
def library(template: Path, tmp_path: Path) -> Iterator[Library]:
    """Open a copy of it."""
    folder = Path(shutil.copytree(template, tmp_path / "library"))
    records = open_sqlite(folder / "jibu.db")
    found = Library(folder, records)
    yield found
    found.close()
    records.close()


def test_a_build_swaps_and_keeps_the_old_one(library: Library) -> None:
    """Progress is told by what is done; open readers change over; everything is found in the new space."""
    reader = library.open_spaces(30.0)
    before = reader.live()
    seen: list[tuple[str, int, int]] = []
    done = library.renewal().build("large", lambda *one: seen.append(one))
    assert isinstance(done, Renewed)
    assert (done.live.choice, done.kept.choice, done.passages) == ("large", "small", 12)
    assert (done.probed.probes, done.probed.by_text) == (12, 1.0)
    assert done.probed.live_by_sentence is not None
    for what in ("build", "catch up", "probe"):
        steps = [(n, total) for name, n, total in seen if name == what]
        assert steps == sorted(steps)
        assert steps[-1] == (12, 12)
    assert library.states() == [(1, "small", State.KEPT), (2, "large", State.LIVE)]
    assert reader.live() == before
    library.clock.advance(31)
    assert reader.live().embedder.name == "hash-large"
    assert library.lost() == library.lost(reader.live()) == library.lost(before) == []
    reader.close()


def test_documents_that_come_change_and_go_meanwhile(library: Library) -> None:
    """Whatever happens between two batches, nothing is lost in the generation that was live or in the new one."""
    batches = 0

    def between(embedder: str) -> None:
        nonlocal batches
        if embedder != "large" or batches >= 6:
            return
        batches += 1
        library.receive(f"new{batches}", 1)
        library.receive("law11", batches + 1)
        library.receive("law0", batches + 1)
        library.documents.erase(OFFICER, documents[f"law{batches}"])
        library.relay().run_until_idle()
        assert library.lost() == []

    with library.records.read() as uow:
        documents = {uow.documents.get(name).external_id: name for name, _ in uow.documents.live()}
    library.engines.hook = between
    library.renewal().build("large")
    assert batches == 6
    assert library.states()[-1] == (2, "large", State.LIVE)
    assert library.lost() == []
    library.clock.advance(200)
    library.relay().run_until_idle()
    with library.records.read() as uow:
        assert library.spaces.live().index.info().passages == uow.documents.live_passages() == 12


def test_an_index_job_that_a_swap_overtakes_feeds_the_new_generation(library: Library) -> None:
    """It began when the old one alone was fed; the version goes live only when it is in the new one."""
    done = []

    def swap_once(embedder: str) -> None:
        if embedder == "small" and not done:
            done.append(1)
            library.renewal().build("large")

    library.receive("late", 1)
    library.engines.hook = swap_once
    library.relay().run_until_idle()
    assert library.states()[-1] == (2, "large", State.LIVE)
    assert library.lost() == []


@pytest.mark.parametrize("batch", [1, 2, 12])
def test_a_build_that_broke_off_resumes(library: Library, batch: int) -> None:
    """Nothing is swapped, nothing is embedded again."""
    calls = 0

    def break_off(embedder: str) -> None:
        nonlocal calls
        calls += embedder == "large"
        if calls == batch and embedder == "large":
            raise KeyboardInterrupt

    library.engines.hook = break_off
    with pytest.raises(KeyboardInterrupt):
        library.renewal().build("large")
    assert library.states()[0] == (1, "small", State.LIVE)
    assert library.lost() == []
    library.receive("between", 1)
    library.relay().run_until_idle()
    first = calls
    library.renewal().build("large")
    assert calls - first == 13 - (batch - 1) + 13  # what was missing, and the probes
    assert library.lost() == []
    assert library.states() == [(1, "small", State.KEPT), (2, "large", State.LIVE)]


def test_rolling_back_catches_up_first(library: Library) -> None:
    """What became live since the swap is in the old generation too; and forward again."""
    library.renewal().build("large")
    library.clock.advance(100)
    library.receive("since", 1)
    library.receive("law1", 2)
    library.relay().run_until_idle()
    library.renewal().roll_back()
    assert library.states() == [(1, "small", State.LIVE), (2, "large", State.KEPT)]
    assert library.lost() == []
    library.renewal().roll_back()
    assert library.states() == [(1, "small", State.KEPT), (2, "large", State.LIVE)]
    assert library.lost() == []


def test_the_old_generation_is_dropped_when_nobody_can_be_using_it(library: Library) -> None:
    """Not before; its number is not used again; then there is no way back."""
    library.renewal().build("large")
    with pytest.raises(Conflict, match="60 seconds"):
        library.renewal().drop_old()
    library.clock.advance(61)
    assert [one.number for one in library.renewal().drop_old()] == [1]
    assert library.renewal().drop_old() == []
    with pytest.raises(NotFound):
        library.renewal().roll_back()
    library.renewal().build("twin")
    assert library.states() == [(2, "large", State.KEPT), (3, "twin", State.LIVE)]
    assert library.lost() == []


def test_giving_up(library: Library) -> None:
    """What was built goes; a way back that broke off leaves the old one kept."""

    def broken(embedder: str) -> None:
        raise Unavailable("away")

    library.engines.hook = broken
    with pytest.raises(Unavailable):
        library.renewal().build("large")
    library.engines.hook = lambda _: None
    with pytest.raises(Conflict, match=r"reindex --embedder large.*--cancel"):
        library.renewal().build("twin")
    library.renewal().cancel()
    assert library.states() == [(1, "small", State.LIVE)]
    with pytest.raises(NotFound):
        library.renewal().cancel()
    library.renewal().build("large")
    library.receive("since", 1)
    library.clock.advance(100)
    library.relay().run_until_idle()
    library.engines.hook = broken
    with pytest.raises(Unavailable):
        library.renewal().roll_back()
    library.engines.hook = lambda _: None
    library.renewal().cancel()
    assert library.states() == [(1, "small", State.KEPT), (3, "large", State.LIVE)]
    assert library.lost() == []


def test_an_erased_document_leaves_every_generation(library: Library) -> None:
    """Also those that are kept and those that are being built; the receipt says so."""
    library.renewal().build("large")
    library.clock.advance(100)
    with library.records.read() as uow:
        name = next(name for name, _ in uow.documents.live())
    receipt = library.documents.erase(OFFICER, name)
    assert {"records", "index"} <= set(receipt.verified)
    with library.records.read() as uow:
        kept, live = uow.generations.all()
    for generation in (kept, live):
        index = library.engines.index(generation)
        assert index.passage_ids(name, 1) == set()
        assert index.info().passages == 11
        index.close()


def test_a_generation_that_cannot_be_fed_holds_nothing_up(library: Library) -> None:
    """Documents become live without it; the build catches up with them before it swaps."""
    states = []

    def away_once(embedder: str) -> None:
        if embedder == "large" and library.states()[-1][2] is State.JOINED and not states:
            states.append("away")
            library.receive("meanwhile", 1)
            library.relay().run_until_idle()
            states.append(library.states()[-1][2])
            assert library.lost() == []
        elif states == ["away"] and embedder == "large":
            raise Unavailable("away")

    library.engines.hook = away_once
    library.renewal().build("large")
    assert states == ["away", State.BUILDING]
    assert library.states()[-1] == (2, "large", State.LIVE)
    assert library.lost() == []


def test_what_is_no_embedding_model_is_refused(library: Library) -> None:
    """And what is not known; the live index stays."""
    with pytest.raises(Misconfigured, match=r"same vector.*no embedding model"):
        library.renewal().build("constant")
    library.renewal().cancel()
    with pytest.raises(Misconfigured, match="no embedder 'unknown'"):
        library.renewal().build("unknown")
    assert library.states() == [(1, "small", State.LIVE)]


def test_an_index_with_strange_vectors_does_not_go_live(library: Library) -> None:
    """Vectors of another model of the same dimension got in: the probes do not find themselves."""

    def break_off(embedder: str) -> None:
        raise KeyboardInterrupt

    library.engines.hook = break_off
    with pytest.raises(KeyboardInterrupt):
        library.renewal().build("large")
    library.engines.hook = lambda _: None
    with library.records.read() as uow:
        generation = uow.generations.all()[-1]
        live = {name: uow.documents.passages(name, version) for name, version in uow.documents.live()}
    index = library.engines.index(generation)
    mix_in(library, index, live)
    index.close()
    with pytest.raises(Conflict, match=r"find themselves by their own text.*nothing was swapped"):
        library.renewal().build("large")
    assert library.states()[0] == (1, "small", State.LIVE)
    assert library.lost() == []


def mix_in(library: Library, index: Index, live: dict[str, list[Passage]]) -> None:
    """Add every passage with the vector of another text."""
    embedder = library.engines.embedder("large")
    for name, passages in live.items():
        for passage in passages:
            vector = embedder.embed_query(f"something else about {name[::-1]}")
            index.add(
                [IndexedPassage(passage.passage_id, name, passage.version, "travel", "en", ("x",), vector)]
            )


def test_one_command_at_a_time(library: Library) -> None:
    """The second is told; one that was killed holds nobody up for long."""
    seen = []

    def second(embedder: str) -> None:
        if embedder == "large" and not seen:
            with pytest.raises(Conflict, match="another reindex"):
                library.renewal().build("large")
            seen.append(1)

    library.engines.hook = second
    library.renewal().build("large")
    assert seen == [1]


def test_start_refuses_another_embedder_than_the_live_one(library: Library) -> None:
    """It says which command changes over; a child of a running service goes with what is live."""
    other = library.open_spaces(0.5)
    with pytest.raises(IndexMismatch, match=r"jibu reindex --embedder large.*JIBU_EMBEDDER"):
        other.settle("large")
    other.settle("large", follow=True)
    assert other.live().embedder.name == "hash-small"
    library.renewal().build("large")
    with pytest.raises(IndexMismatch, match="jibu reindex --embedder small"):
        library.open_spaces(0.5).settle("small")
    library.open_spaces(0.5).settle("large")
    other.close()
