"""A whole evaluation on a small data set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jibu.domain.errors import InvalidInput
from jibu.evaluation import Report, Target, evaluate
from jibu.evaluation.bootstrap import Figure
from jibu.evaluation.datasets import load_dataset


def value(report: Report, key: str, language: str | None = None, name: str = "small_set") -> float | None:
    """Return one figure's value."""
    row = next(r for r in report.rows if r.set_name == name and r.language == language)
    found: Figure | None = dict(row.figures)[key]
    return found.value if found else None


def test_the_layout_is_read(folder: Path) -> None:
    """Documents, questions, history and judgements come as they are; quotation marks are only characters."""
    dataset = load_dataset(folder)
    fees, time, ada = dataset.documents
    assert (fees.media_type, time.media_type, ada.media_type) == ("text/markdown", "text/plain", "text/html")
    assert ada.content() == b"<p>Pasipoti ni shilingi 4550.</p>"
    q1, q2, q3, q4 = dataset.questions
    assert q1.gains == {"fees": 2, "time": 1}
    assert q2.history == (("user", "passport"), ("assistant", "Yes?"))
    assert q2.evidence == ('"ten" working days',)
    assert (q3.evidence, q3.phrases) == (("shilingi 4550", "bure"), True)
    assert (q4.answerable, q4.gains) == (False, {})


def test_a_limit_takes_the_same_questions_each_time(folder: Path) -> None:
    """They are chosen by a hash of their ids."""
    one, two = load_dataset(folder, limit=2), load_dataset(folder, limit=2)
    assert [q.question_id for q in one.questions] == [q.question_id for q in two.questions]
    assert len(one.questions) == 2


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels.tsv"])
def test_a_folder_that_is_no_data_set(folder: Path, name: str) -> None:
    """A missing or broken file is told by the folder's name."""
    (folder / name).write_text("{broken\n{broken", encoding="utf-8")
    with pytest.raises(InvalidInput, match="small_set"):
        load_dataset(folder)
    (folder / name).unlink()
    with pytest.raises(InvalidInput):
        load_dataset(folder)


@pytest.mark.parametrize("text", ["", "q1\tfees\tA passport costs\t2\n"], ids=["empty", "no header"])
def test_judgements_without_a_header_are_refused(folder: Path, text: str) -> None:
    """The first judgement is not taken for the header and lost."""
    (folder / "qrels.tsv").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput, match="header"):
        load_dataset(folder)


def test_every_measure(folder: Path, target: Target) -> None:
    """Figures of the set and of each language are those worked out by hand."""
    report = evaluate([folder], target, seed=1, progress=False)
    assert value(report, "documentRecallAt5") == 1.0
    assert value(report, "ndcgAt10") == 1.0
    assert value(report, "evidenceRecall1000Words") == pytest.approx((1 + 1 + 0.5) / 3)
    assert value(report, "evidenceRecall1000Words", "sw") == 0.5
    assert value(report, "falseAnswer") == 0.0
    assert value(report, "falseAnswer", "sw") is None
    assert value(report, "falseRefusal") == 0.0
    assert value(report, "aurocConfidence") == 1.0
    assert value(report, "citationExactness") == 1.0
    assert value(report, "citedEvidenceRecall") == pytest.approx((1 + 1 + 0.5) / 3)
    assert [(r.set_name, r.language, r.questions, r.answerable) for r in report.rows] == [
        ("small_set", None, 4, 3),
        ("small_set", "en", 3, 2),
        ("small_set", "sw", 1, 1),
    ]


def test_a_question_that_fails_counts_as_no_result(folder: Path, target: Target) -> None:
    """The evaluation goes on, and says so."""
    target.broken = {"passport costs"}  # type: ignore[attr-defined]
    report = evaluate([folder], target, progress=False)
    assert value(report, "documentRecallAt5") == pytest.approx(2 / 3)
    assert value(report, "falseRefusal") == pytest.approx(1 / 3)
    assert "small_set: 1 questions failed (q1: index down)" in report.table()
    assert "small_set: 1 documents failed (lost: encrypted)" in report.table()


def test_the_table_and_the_json_say_the_same(folder: Path, target: Target) -> None:
    """Two sets give a mean row; the JSON holds each figure with interval and each question's outcome."""
    report = evaluate([folder, folder], target, seed=1, progress=False)
    found = json.loads(report.to_json())
    assert found["rows"][-1]["set"] == "mean"
    recall = found["rows"][0]["figures"]["documentRecallAt5"]
    assert recall == {"value": 1.0, "low": 1.0, "high": 1.0, "n": 3}
    assert [o["question_id"] for o in found["sets"][0]["outcomes"]] == ["q1", "q2", "q3", "q4"]
    lines = report.table().splitlines()
    assert "evidence/1000w" in lines[0]
    assert any(line.startswith("mean") for line in lines)


def test_progress_is_shown_on_the_error_stream(
    folder: Path, target: Target, capsys: pytest.CaptureFixture[str]
) -> None:
    """Standard output is left to the table."""
    evaluate([folder], target)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "small_set: questions: 100%" in shown.err
