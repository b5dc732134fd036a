"""Run an evaluation: load each corpus, put each question, measure."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from jibu.domain.errors import JibuError
from jibu.evaluation.datasets import Dataset, TestQuestion, load_dataset
from jibu.evaluation.metrics import document_recall, evidence_recall, first_words, ndcg, phrase_recall
from jibu.evaluation.report import Outcome, Report, SetResult, build_report
from jibu.evaluation.targets import Asked, Ranked, Target

PASSAGES = 100
"""Passages asked for; document measures are over the distinct documents among them."""


def evaluate(
    dirs: Sequence[Path], target: Target, *, limit: int | None = None, seed: int = 0, progress: bool = True
) -> Report:
    """Measure ``target`` on data sets, at most ``limit`` questions of each.

    Raises: InvalidInput for a folder that is no data set; what the target raises while it loads a corpus.
    A question that fails is counted and listed; its measures are those of no result.
    """
    results = [_run_set(load_dataset(folder, limit=limit), target, progress=progress) for folder in dirs]
    return build_report(target.name, results, seed=seed)


def _run_set(dataset: Dataset, target: Target, *, progress: bool) -> SetResult:
    with _bar(len(dataset.documents), f"{dataset.name}: documents", shown=progress) as bar:
        loading = target.load(dataset, bar.update)
    outcomes, errors = [], []
    with _bar(len(dataset.questions), f"{dataset.name}: questions", shown=progress) as bar:
        for question in dataset.questions:
            outcome, error = _put(dataset, question, target)
            outcomes.append(outcome)
            errors.extend([(question.question_id, error)] if error else [])
            bar.update(1)
    return SetResult(dataset.name, len(dataset.documents), loading.failed, tuple(outcomes), tuple(errors))


def _bar(total: int, name: str, *, shown: bool) -> tqdm[NoReturn]:
    return tqdm(total=total, desc=name, disable=not shown, file=sys.stderr)


@dataclass(slots=True)
class _Clock:
    """Milliseconds since the last reading."""

    last: float

    def read(self) -> float:
        now = time.perf_counter()
        passed, self.last = 1000 * (now - self.last), now
        return passed


def _put(dataset: Dataset, question: TestQuestion, target: Target) -> tuple[Outcome, str | None]:
    clock = _Clock(time.perf_counter())
    try:
        ranked = target.search(dataset, question.text, question.history, PASSAGES)
        search_ms = clock.read()
        asked = target.ask(dataset, question.text, question.history)
        return measure(question, ranked, asked, search_ms=search_ms, ask_ms=clock.read()), None
    except JibuError as error:
        return measure(question, [], Asked("failed", 0.0, ()), search_ms=None, ask_ms=None), str(error)


def measure(
    question: TestQuestion,
    ranked: Sequence[Ranked],
    asked: Asked,
    *,
    search_ms: float | None,
    ask_ms: float | None,
) -> Outcome:
    """Return the measures of one question. Retrieval measures only where something is relevant."""
    documents = [r.document_id for r in ranked if r.document_id]
    judged = question.answerable and bool(question.gains)
    spans = question.evidence if question.answerable else ()
    retrieved = first_words(r.text for r in ranked)
    quotes = "\n".join(c.quote for c in asked.citations)
    recall = phrase_recall if question.phrases else evidence_recall
    answered = asked.status in ("answered", "partial")
    return Outcome(
        question_id=question.question_id,
        language=question.language,
        answerable=question.answerable,
        status=asked.status,
        confidence=asked.confidence,
        answered=answered,
        recall=document_recall(documents, question.gains) if judged else None,
        ndcg=ndcg(documents, question.gains) if judged else None,
        evidence=recall(spans, retrieved) if spans else None,
        cited_evidence=recall(spans, quotes) if spans else None,
        citations=len(asked.citations),
        exact_citations=sum(c.exact for c in asked.citations),
        search_ms=search_ms,
        ask_ms=ask_ms,
    )
