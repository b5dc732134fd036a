"""What a comparison of embedding models found, as a table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from jibu.evaluation.bootstrap import Figure, figure
from jibu.evaluation.contest import Measured, Scored

MEASURES = (
    ("recall", "document recall@5"),
    ("ndcg", "nDCG@10"),
    ("evidence", "evidence in 1000 words"),
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The contenders on one data set; differences are of each to the first one, question by question."""

    dataset: str
    documents: int
    questions: int
    failed: tuple[tuple[str, str], ...]
    seed: int
    measured: tuple[Measured, ...]

    def figures(self, one: Measured) -> dict[str, Figure | None]:
        """Return each measure with its 95 % interval."""
        return {name: figure(_values(one.scored, name), self.seed) for name, _ in MEASURES}

    def differences(self, one: Measured) -> dict[str, Figure | None]:
        """Return the mean paired difference to the first contender, with its 95 % interval."""
        first = self.measured[0]
        found = {}
        for name, _ in MEASURES:
            pairs = zip(one.scored, first.scored, strict=True)
            gaps = [_gap(mine, theirs, name) for mine, theirs in pairs]
            found[name] = figure([gap for gap in gaps if gap is not None], self.seed)
        return found

    def to_json(self) -> str:
        """Return everything, with the measures of each question."""
        said = {
            "dataset": self.dataset,
            "documents": self.documents,
            "questions": self.questions,
            "failed": self.failed,
            "seed": self.seed,
            "embedders": [
                {
                    **asdict(one),
                    "query_ms_p50": percentile(one.query_ms, 50),
                    "query_ms_p95": percentile(one.query_ms, 95),
                    "figures": {n: asdict(f) if f else None for n, f in self.figures(one).items()},
                    "differences": {n: asdict(f) if f else None for n, f in self.differences(one).items()},
                }
                for one in self.measured
            ],
        }
        return json.dumps(said, ensure_ascii=False, indent=1)

    def table(self) -> str:
        """Return a table: a column for each contender, a row for each figure."""
        first = self.measured[0]
        rows = [["", *(one.name for one in self.measured)]]
        for name, title in MEASURES:
            rows.append([title, *(_shown(self.figures(one)[name]) for one in self.measured)])
            if len(self.measured) > 1:
                gaps = [
                    "" if one is first else _shown(self.differences(one)[name], sign="+")
                    for one in self.measured
                ]
                rows.append([f"  difference to {first.name}", *gaps])
        rows += [
            ["dimension", *(str(one.dimension) for one in self.measured)],
            [
                "vectors, MB as float32",
                *(f"{4e-6 * one.dimension * one.passages:.1f}" for one in self.measured),
            ],
            ["passages/s", *(f"{one.passages_per_s:.1f}" for one in self.measured)],
            ["question, ms p50", *(f"{percentile(one.query_ms, 50):.1f}" for one in self.measured)],
            ["question, ms p95", *(f"{percentile(one.query_ms, 95):.1f}" for one in self.measured)],
            [
                "memory, MB",
                *("?" if one.memory is None else f"{one.memory / 1e6:.0f}" for one in self.measured),
            ],
        ]
        head = f"{self.dataset}: {self.documents} documents, {first.passages} passages, {self.questions} questions"
        return "\n".join([head, *_aligned(rows)])


def percentile(values: Sequence[float], at: float) -> float:
    """Return a percentile, linearly between the two nearest values."""
    return round(float(np.percentile(values, at)), 3)


def _values(scored: Sequence[Scored], name: str) -> list[float]:
    found = [_value(one, name) for one in scored]
    return [value for value in found if value is not None]


def _value(one: Scored, name: str) -> float | None:
    return {"recall": one.recall, "ndcg": one.ndcg, "evidence": one.evidence}[name]


def _gap(one: Scored, other: Scored, name: str) -> float | None:
    mine, theirs = _value(one, name), _value(other, name)
    return None if mine is None or theirs is None else mine - theirs


def _shown(found: Figure | None, *, sign: str = "") -> str:
    if found is None:
        return "-"
    return f"{found.value:{sign}.3f} [{found.low:{sign}.3f}, {found.high:{sign}.3f}] n={found.n}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return lines
