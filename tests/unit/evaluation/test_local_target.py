"""The in-process target over the embedded parts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jibu.evaluation import evaluate
from jibu.evaluation.datasets import load_dataset
from jibu.evaluation.local_target import LocalTarget
from jibu.settings import Settings
from jibu.wiring.services import build


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalTarget]:
    """Return a target on an empty data folder."""
    with build(Settings(data_dir=tmp_path / "data")) as services:
        yield LocalTarget(
            collections=services.collections,
            documents=services.documents,
            search=services.search,
            answering=services.answering,
            conversations=services.conversations,
            index_pending=services.relay.run_until_idle,
        )


def test_a_whole_evaluation_in_process(folder: Path, local: LocalTarget) -> None:
    """The corpus is indexed once, relevant documents are found, and every quote is exact."""
    report = evaluate([folder], local, progress=False)
    outcomes = {o.question_id: o for o in report.sets[0].outcomes}
    assert report.sets[0].errors == report.sets[0].failed == ()
    assert outcomes["q1"].recall == outcomes["q2"].recall == outcomes["q3"].recall == 1.0
    assert all(o.citations == o.exact_citations for o in outcomes.values())
    again = local.load(load_dataset(folder), lambda _: None)
    assert (again.sent, again.kept) == (0, 3)
