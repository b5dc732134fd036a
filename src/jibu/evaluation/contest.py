"""Measure embedding models side by side: the same passages, the same questions, exact search, nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from jibu.domain.chunking import chunk, index_text
from jibu.domain.errors import ParseFailed
from jibu.evaluation.datasets import Dataset, SourceDocument, TestQuestion
from jibu.evaluation.metrics import document_recall, evidence_recall, first_words, ndcg, phrase_recall
from jibu.ports import Embedder, LanguageDetector, Parser, Segmenter

BATCH = 16
"""Passages embedded at once, as the relay does."""
PASSAGES = 100
"""Best passages looked at for each question, as `jibu evaluate` does."""
LANGUAGE_SAMPLE = 20_000  # characters
Progress = Callable[[int], object]
"""Called with how many more are done."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A passage: the data set's id of its document, its text, and what is embedded (title and headings ahead)."""

    document_id: str
    text: str
    indexed: str


@dataclass(frozen=True, slots=True)
class Contender:
    """An embedder under a name. ``memory`` tells the bytes that the loaded model takes, None where nobody knows."""

    name: str
    embedder: Embedder
    memory: Callable[[], int | None]


@dataclass(frozen=True, slots=True)
class Scored:
    """One question's measures; None where one does not apply."""

    question_id: str
    recall: float | None
    ndcg: float | None
    evidence: float | None


@dataclass(frozen=True, slots=True)
class Measured:
    """What one contender did. ``query_ms``: time of each question's embedding; ``memory`` in bytes."""

    name: str
    dimension: int
    passages: int
    passages_per_s: float
    query_ms: tuple[float, ...]
    memory: int | None
    scored: tuple[Scored, ...]


class Cutter:
    """Reads documents and cuts them into passages as the relay does, sized by one embedder's tokens for all."""

    def __init__(
        self,
        *,
        parser: Parser,
        segmenter: Segmenter,
        detector: LanguageDetector,
        count_tokens: Callable[[str], int],
    ) -> None:
        self._parser = parser
        self._segmenter = segmenter
        self._detector = detector
        self._count_tokens = count_tokens

    def cut(self, dataset: Dataset, progress: Progress) -> tuple[list[Cut], list[tuple[str, str]]]:
        """Return the passages, and (document id, reason) of documents that cannot be read."""
        found: list[Cut] = []
        failed: list[tuple[str, str]] = []
        for document in dataset.documents:
            try:
                found += self._one(document)
            except ParseFailed as error:
                failed.append((document.document_id, error.reason))
            progress(1)
        return found, failed

    def _one(self, document: SourceDocument) -> list[Cut]:
        parsed = self._parser.parse(
            document.content(), filename=document.filename, media_type=document.media_type
        )
        language = document.language or self._detector.detect(parsed.text[:LANGUAGE_SAMPLE])
        passages = chunk(
            parsed,
            document_id="d",
            version=1,
            title=document.title,
            language=language,
            segment=self._segmenter.sentences,
            count_tokens=self._count_tokens,
            detect=lambda text: self._detector.detect(text, default=language),
        )
        return [Cut(document.document_id, p.text, index_text(document.title, p)) for p in passages]


def run(
    contender: Contender,
    cuts: Sequence[Cut],
    questions: Sequence[TestQuestion],
    *,
    on_passages: Progress,
    on_questions: Progress,
) -> Measured:
    """Embed all passages, then each question by itself, and rank by cosine. Raises: Unavailable, Misconfigured."""
    embedder = contender.embedder
    embedder.embed_query("Where is the office?")  # loads the model: not part of the speed
    rows, began = [], time.perf_counter()
    for start in range(0, len(cuts), BATCH):
        batch = cuts[start : start + BATCH]
        vectors = embedder.embed_passages([cut.indexed for cut in batch])
        rows += [np.frombuffer(vector, np.float32) for vector in vectors]
        on_passages(len(batch))
    seconds = time.perf_counter() - began
    matrix = np.stack(rows)
    times, scored = [], []
    for question in questions:
        asked = time.perf_counter()
        vector = embedder.embed_query(question.text)
        times.append(1000 * (time.perf_counter() - asked))
        order = np.argsort(-(matrix @ np.frombuffer(vector, np.float32)), kind="stable")[:PASSAGES]
        scored.append(_score(question, [cuts[n] for n in order]))
        on_questions(1)
    return Measured(
        contender.name,
        embedder.dimension,
        len(cuts),
        len(cuts) / seconds,
        tuple(times),
        contender.memory(),
        tuple(scored),
    )


def _score(question: TestQuestion, ranked: Iterable[Cut]) -> Scored:
    best = list(ranked)
    documents = [cut.document_id for cut in best]
    spans = question.evidence
    find = phrase_recall if question.phrases else evidence_recall
    return Scored(
        question.question_id,
        document_recall(documents, question.gains) if question.gains else None,
        ndcg(documents, question.gains) if question.gains else None,
        find(spans, first_words(cut.text for cut in best)) if spans else None,
    )
