"""Embedding models side by side."""

from __future__ import annotations

import json
from array import array
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from jibu.adapters.parse.sandbox import SandboxedParser
from jibu.adapters.text.icu import IcuSegmenter
from jibu.adapters.text.language import LangidDetector
from jibu.cli import cli
from jibu.domain.passages import Vector
from jibu.evaluation.comparison import Comparison
from jibu.evaluation.contest import Contender, Cut, Cutter, Measured, run
from jibu.evaluation.datasets import Dataset, load_dataset
from jibu.testing.memory import HashEmbedder


class Blind(HashEmbedder):
    """A model that takes every question for the same one."""

    def embed_passages(self, texts: Sequence[str]) -> list[Vector]:
        """Each passage as its words are."""
        return [super(Blind, self).embed_query(text) for text in texts]

    def embed_query(self, text: str) -> Vector:  # noqa: ARG002
        """Not by its words."""
        return array("f", [1.0] + [0.0] * (self.dimension - 1))


def cut(dataset: Dataset) -> list[Cut]:
    """Return the passages of the small set."""
    tools = Cutter(
        parser=SandboxedParser(),
        segmenter=IcuSegmenter(),
        detector=LangidDetector(),
        count_tokens=HashEmbedder().count_tokens,
    )
    done: list[int] = []
    cuts, failed = tools.cut(dataset, done.append)
    assert (failed, sum(done)) == ([], len(dataset.documents))
    return cuts


@pytest.fixture
def comparison(folder: Path) -> Comparison:
    """Return one of a model that sees words with one that is blind."""
    dataset = load_dataset(folder)
    cuts, questions = cut(dataset), [q for q in dataset.questions if q.answerable]
    measured: list[Measured] = []
    for embedder, memory in ((HashEmbedder(), 3_000_000), (Blind(64, "blind"), None)):
        steps: list[int] = []
        contender = Contender(embedder.name, embedder, lambda memory=memory: memory)
        measured.append(run(contender, cuts, questions, on_passages=steps.append, on_questions=steps.append))
        assert sum(steps) == len(cuts) + len(questions)
    return Comparison("small_set", len(dataset.documents), len(questions), (), 0, tuple(measured))


def test_a_model_that_sees_words_wins(comparison: Comparison) -> None:
    """Quality has an interval and a paired difference; the same passages were ranked by both."""
    seeing, blind = comparison.measured
    assert seeing.passages == blind.passages == 3
    best = comparison.figures(seeing)["ndcg"]
    worse = comparison.differences(blind)["ndcg"]
    assert best is not None
    assert worse is not None
    assert (best.value, best.n) == (1.0, 3)
    assert best.low <= best.value <= best.high
    assert -1.0 <= worse.low <= worse.value < 0.0
    same = comparison.differences(seeing)["ndcg"]
    assert same is not None
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)


def test_the_table_and_the_json_say_the_same(comparison: Comparison) -> None:
    """Dimension, speed, memory and quality of each; what is not known is said to be so."""
    table = comparison.table()
    said = json.loads(comparison.to_json())
    rows = {line.split("  ")[0]: line for line in table.splitlines()}
    assert rows["dimension"].split() == ["dimension", "256", "64"]
    assert rows["memory, MB"].split()[-2:] == ["3", "?"]
    for one in said["embedders"]:
        assert f"{one['figures']['ndcg']['value']:.3f}" in rows["nDCG@10"]
        assert f"{one['query_ms_p95']:.1f}" in rows["question, ms p95"]
        assert len(one["query_ms"]) == len(one["scored"]) == 3
    assert "difference to hash" in table


def test_the_command(folder: Path, tmp_path: Path) -> None:
    """On the embedded model, with a bound on the questions; one that is not known is refused."""
    report = tmp_path / "report.json"
    ask = ["models", "compare", "--embedders", "embedded", "--dataset", str(folder), "--quiet"]
    done = CliRunner().invoke(cli, [*ask, "--queries", "2", "--json", str(report)], catch_exceptions=False)
    assert done.exit_code == 0
    assert "384" in done.output
    [one] = json.loads(report.read_text(encoding="utf-8"))["embedders"]
    assert 0 < len(one["scored"]) <= 2
    assert one["memory"] > 0
    wrong = CliRunner().invoke(cli, [*ask[:3], "nothing", *ask[4:]])
    assert wrong.exit_code != 0
    assert "no embedder 'nothing'" in str(wrong.exception)
