"""What tests of several folders share: the sample library, loaded once with the real model."""

from __future__ import annotations

import gc
import json
import logging
import os
import shutil
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, settings

from jibu.adapters.store.outbox import SqlOutbox
from jibu.cli.loading import load_sample
from jibu.domain.cloudevents import structured
from jibu.domain.events import Event
from jibu.settings import Settings
from jibu.testing.event_contract import faults
from jibu.wiring.services import Services, build

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.services.unrun import LEFT_OUT

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
"""How long a case takes says something of the machine and of who else uses it; benchmarks measure speed."""
KEPT = ("search-words", "tqdm_monitor")
"""How the names of threads begin that may outlive a module: idle ones of a search still held, and of progress bars."""
PATIENCE_S = 10.0


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly which real servers no test was run against."""
    for name, why in sorted(LEFT_OUT.items()):
        terminalreporter.write_line(f"NOT EXERCISED: {name} ({why})", red=True, bold=True)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse to run tests of one name in several processes: all but one of them would be left out without a word."""
    if hasattr(config, "workerinput"):
        twice = [name for name, count in Counter(item.nodeid for item in items).items() if count > 1]
        if twice:
            raise pytest.UsageError(f"run these in one process, without -n: {', '.join(twice)}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the process that shows the summary, where tests run in several."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["left_out"] = dict(LEFT_OUT)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a test process says that it left out."""
    LEFT_OUT.update(getattr(node, "workeroutput", {}).get("left_out", {}))


@pytest.fixture(scope="module", autouse=True)
def ended_threads() -> Iterator[None]:
    """Fail the module after which a thread still runs: what it does then disturbs tests that have no part in it.

    One that draws from `random`, for example, fails whatever property test hypothesis runs at that moment.
    """
    yield
    deadline = time.monotonic() + PATIENCE_S
    while left := _running():
        assert time.monotonic() < deadline, f"threads still run after the module: {left}"
        gc.collect()  # an executor that nobody refers to any more ends its threads
        time.sleep(0.02)


@pytest.fixture(scope="module", autouse=True)
def events_as_described() -> Iterator[None]:
    """Fail the module in which a use case left an event that is not as `openapi/events.yaml` describes it.

    Events that tests make up themselves, to fill an outbox, are none of a use case.
    """
    emit, wrong = SqlOutbox.emit, list[str]()

    def looked_at(outbox: SqlOutbox, event: Event) -> None:
        if sys._getframe(1).f_globals["__name__"].startswith("jibu.usecases"):  # noqa: SLF001
            wrong.extend(f"{event.type}: {why}" for why in faults(event.type, _read(event)))
        emit(outbox, event)

    SqlOutbox.emit = looked_at  # type: ignore[method-assign]
    yield
    SqlOutbox.emit = emit  # type: ignore[method-assign]
    assert not wrong, wrong


def _read(event: Event) -> object:
    return json.loads(structured(event, "urn:test"))


def _running() -> list[str]:
    here = threading.current_thread()
    return [t.name for t in threading.enumerate() if t is not here and not t.name.startswith(KEPT)]


settings.register_profile("nightly", max_examples=2000)
"""For `pytest --hypothesis-profile nightly`: tests that take long look at its name and take longer."""


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """Undo what a test does to logging: commands and apps configure it for their whole process."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    structlog.reset_defaults()
    root.handlers, root.level = handlers, level
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="session")
def sample_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with the sample library in it. Copy it before you change it or serve it.

    JIBU_TEST_SAMPLE_DATA may name one that is loaded already: that saves half a minute.
    """
    if loaded_before := os.environ.get("JIBU_TEST_SAMPLE_DATA"):
        return Path(loaded_before)
    folder = tmp_path_factory.mktemp("sample") / "data"
    with build(Settings(data_dir=folder)) as services:
        loaded = load_sample(services)
    assert (loaded.failed, loaded.new) == ([], 20)
    return folder


@pytest.fixture(scope="session")
def sample(sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Return the use cases over a copy of the sample library."""
    folder = tmp_path_factory.mktemp("sample") / "data"
    shutil.copytree(sample_data, folder)
    with build(Settings(data_dir=folder)) as services:
        yield services
