"""A small data set on disk and a target that ranks by shared words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jibu.domain.errors import Unavailable
from jibu.evaluation.datasets import Dataset, SourceDocument
from jibu.evaluation.metrics import normal_words
from jibu.evaluation.targets import Asked, Cited, Loading, Progress, Ranked, Turns

CORPUS = [
    {
        "id": "fees",
        "title": "Fees",
        "text": "# Fees\n\nA passport costs 4550 shillings.",
        "format": "markdown",
        "lang": "en",
    },
    {
        "id": "time",
        "title": "Time",
        "text": "A passport takes ten working days.",
        "lang": "en",
        "url": "https://x.example/t",
    },
    {
        "id": "ada",
        "title": "Ada",
        "html": "<p>Pasipoti ni shilingi 4550.</p>",
        "text": "Pasipoti ni shilingi 4550.",
        "lang": "sw",
    },
]
QUERIES = [
    {"id": "q1", "text": "passport costs", "lang": "en", "answerable": True, "answers": ["4550"]},
    {"id": "q2", "text": "takes", "lang": "en", "answerable": True, "history": [
        {"role": "user", "text": "passport"}, {"role": "assistant", "text": "Yes?"}, {"role": "tool", "text": "x"}]},
    {"id": "q3", "text": "pasipoti shilingi", "lang": "sw", "answerable": True,
     "must_contain": ["shilingi 4550", "bure"]},
    {"id": "q4", "text": "fishing licence", "lang": "en", "answerable": False},
]  # fmt: skip
QRELS = """query_id\tdoc_id\tevidence\trelevance
q1\tfees\tA passport costs 4550 shillings\t2
q1\ttime\t\t1
q2\ttime\t"ten" working days\t1
q3\tada\t\t1
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a small data set."""
    path = tmp_path / "small_set"
    path.mkdir()
    (path / "corpus.jsonl").write_text("\n".join(map(json.dumps, CORPUS)), encoding="utf-8")
    (path / "queries.jsonl").write_text("\n".join(map(json.dumps, QUERIES)) + "\n", encoding="utf-8")
    (path / "qrels.tsv").write_text(QRELS, encoding="utf-8")
    return path


class WordTarget:
    """Ranks documents by the words that they share with question and history; answers from the best one."""

    name = "words"

    def __init__(self) -> None:
        self.documents: tuple[SourceDocument, ...] = ()
        self.broken: set[str] = set()

    def load(self, dataset: Dataset, progress: Progress) -> Loading:
        """Keep the corpus."""
        self.documents = dataset.documents
        progress(len(dataset.documents))
        return Loading(len(dataset.documents), 0, (("lost", "encrypted"),))

    def search(self, dataset: Dataset, question: str, history: Turns, limit: int) -> list[Ranked]:
        """Rank."""
        if question in self.broken:
            raise Unavailable("index down")
        words = set(normal_words(" ".join([question, *(text for _, text in history)])))
        shared = [(len(words & set(normal_words(d.text or ""))), d) for d in dataset.documents]
        best = sorted((s for s in shared if s[0]), key=lambda s: -s[0])[:limit]
        return [Ranked(d.document_id, d.text or "") for _, d in best]

    def ask(self, dataset: Dataset, question: str, history: Turns) -> Asked:
        """Cite the best document whole."""
        found = self.search(dataset, question, history, 1)
        if not found:
            return Asked("not_found", 0.1, ())
        return Asked("answered", 0.9, (Cited(found[0].document_id, found[0].text, exact=True),))


@pytest.fixture
def target() -> WordTarget:
    """Return the target."""
    return WordTarget()
