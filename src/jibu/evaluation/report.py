"""What an evaluation found: rows per set and language, as a table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from jibu.evaluation.bootstrap import Figure, figure, figure_of, mean_figure
from jibu.evaluation.metrics import auroc


@dataclass(frozen=True, slots=True)
class Outcome:
    """The measures of one question; None where a measure does not apply. Times in milliseconds."""

    question_id: str
    language: str
    answerable: bool
    status: str
    confidence: float
    answered: bool
    recall: float | None
    ndcg: float | None
    evidence: float | None
    cited_evidence: float | None
    citations: int
    exact_citations: int
    search_ms: float | None
    ask_ms: float | None


@dataclass(frozen=True, slots=True)
class SetResult:
    """A data set's outcomes. ``failed``: (document id, reason); ``errors``: (question id, message)."""

    name: str
    documents: int
    failed: tuple[tuple[str, str], ...]
    outcomes: tuple[Outcome, ...]
    errors: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """Figures of a set, or of its questions in one language (None: all). Names as in ``COLUMNS``."""

    set_name: str
    language: str | None
    questions: int
    answerable: int
    figures: tuple[tuple[str, Figure | None], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A whole evaluation. The last row is the mean over sets."""

    target: str
    seed: int
    rows: tuple[Row, ...]
    sets: tuple[SetResult, ...]

    def to_json(self) -> str:
        """Return everything, with the outcome of each question."""
        return json.dumps(
            {
                "target": self.target,
                "seed": self.seed,
                "rows": [
                    {
                        "set": row.set_name,
                        "language": row.language,
                        "questions": row.questions,
                        "answerable": row.answerable,
                        "figures": {name: asdict(f) if f else None for name, f in row.figures},
                    }
                    for row in self.rows
                ],
                "sets": [asdict(result) for result in self.sets],
            },
            ensure_ascii=False,
            indent=1,
        )

    def table(self) -> str:
        """Return a plain text table: value and 95 % interval."""
        head = ["set", "lang", "n", "ans", *(title for _, title, _ in COLUMNS)]
        body = [
            [row.set_name, row.language or "all", str(row.questions), str(row.answerable)]
            + [_cell(found) for _, found in row.figures]
            for row in self.rows
        ]
        widths = [max(len(line[i]) for line in (head, *body)) for i in range(len(head))]
        lines = [
            "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip()
            for line in (head, *body)
        ]
        return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:], *self._notes()])

    def _notes(self) -> list[str]:
        notes = []
        for result in self.sets:
            for what, pairs in (("documents", result.failed), ("questions", result.errors)):
                if pairs:
                    first = "; ".join(f"{name}: {why[:80]}" for name, why in pairs[:3])
                    notes.append(f"{result.name}: {len(pairs)} {what} failed ({first})")
        return notes


def build_report(target: str, results: Sequence[SetResult], *, seed: int) -> Report:
    """Return the report: for each set a row, one per language where it has several, and the mean over sets."""
    rows: list[Row] = []
    for result in results:
        rows.append(_row(result.name, None, result.outcomes, seed))
        languages = sorted({outcome.language for outcome in result.outcomes})
        if len(languages) > 1:
            rows.extend(
                _row(result.name, language, [o for o in result.outcomes if o.language == language], seed)
                for language in languages
            )
    if len(results) > 1:
        rows.append(_mean_row(results, rows, seed))
    return Report(target, seed, tuple(rows), tuple(results))


def _row(name: str, language: str | None, outcomes: Sequence[Outcome], seed: int) -> Row:
    figures = tuple((key, measure(outcomes, seed)) for key, _, measure in COLUMNS)
    return Row(name, language, len(outcomes), sum(o.answerable for o in outcomes), figures)


def _mean_row(results: Sequence[SetResult], rows: Sequence[Row], seed: int) -> Row:
    """Return the mean over sets; measures that are no mean of questions get the mean without an interval."""
    figures: list[tuple[str, Figure | None]] = []
    for place, (key, _, _) in enumerate(COLUMNS):
        if key in _MEANS:
            groups = [[v for o in r.outcomes if (v := _MEANS[key](o)) is not None] for r in results]
            figures.append((key, mean_figure(groups, seed)))
        else:
            found = [f for row in rows if row.language is None and (f := row.figures[place][1])]
            mean = sum(f.value for f in found) / len(found) if found else 0.0
            figures.append((key, Figure(mean, mean, mean, len(found)) if found else None))
    questions = sum(len(r.outcomes) for r in results)
    answerable = sum(o.answerable for r in results for o in r.outcomes)
    return Row("mean", None, questions, answerable, tuple(figures))


def _cell(found: Figure | None) -> str:
    if found is None:
        return "–"  # noqa: RUF001 - a dash, not a minus
    if found.low == found.high:
        return f"{found.value:.3f}"
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


_MEANS: dict[str, Callable[[Outcome], float | None]] = {
    "documentRecallAt5": lambda o: o.recall,
    "ndcgAt10": lambda o: o.ndcg,
    "evidenceRecall1000Words": lambda o: o.evidence,
    "falseAnswer": lambda o: None if o.answerable else float(o.answered),
    "falseRefusal": lambda o: float(not o.answered) if o.answerable else None,
    "citedEvidenceRecall": lambda o: o.cited_evidence,
}


def _mean_of(key: str) -> Callable[[Sequence[Outcome], int], Figure | None]:
    return lambda outcomes, seed: figure([v for o in outcomes if (v := _MEANS[key](o)) is not None], seed)


def _auroc(outcomes: Sequence[Outcome], seed: int) -> Figure | None:
    return figure_of(
        outcomes,
        lambda some: auroc(
            [o.confidence for o in some if o.answerable], [o.confidence for o in some if not o.answerable]
        ),
        seed,
    )


def _exactness(outcomes: Sequence[Outcome], seed: int) -> Figure | None:
    def share(some: Sequence[Outcome]) -> float | None:
        total = sum(o.citations for o in some)
        return sum(o.exact_citations for o in some) / total if total else None

    return figure_of(outcomes, share, seed)


COLUMNS: tuple[tuple[str, str, Callable[[Sequence[Outcome], int], Figure | None]], ...] = (
    ("documentRecallAt5", "recall@5", _mean_of("documentRecallAt5")),
    ("ndcgAt10", "nDCG@10", _mean_of("ndcgAt10")),
    ("evidenceRecall1000Words", "evidence/1000w", _mean_of("evidenceRecall1000Words")),
    ("falseAnswer", "false answer", _mean_of("falseAnswer")),
    ("falseRefusal", "false refusal", _mean_of("falseRefusal")),
    ("aurocConfidence", "AUROC", _auroc),
    ("citationExactness", "exact", _exactness),
    ("citedEvidenceRecall", "cited evidence", _mean_of("citedEvidenceRecall")),
)
"""Key in the JSON, heading in the table, and how the figure is had from outcomes and a seed."""
