"""The sample library: public services of Kalindra, a fictional country, in nine languages and nine formats.

`jibu demo` loads it and asks its questions; `evaluation_questions` are for measuring. All of it is CC0.
"""

from __future__ import annotations

import csv
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class SampleDocument:
    """One file of the library; `path` is relative to the folder of documents."""

    path: str
    title: str
    language: str
    media_type: str
    external_id: str
    licence: str
    url: str

    def read(self) -> bytes:
        """Return the file's bytes."""
        return files(__name__).joinpath("documents", self.path).read_bytes()


@dataclass(frozen=True, slots=True)
class DemoQuestion:
    """A question that the demo asks; `must_contain` is empty where no answer is expected."""

    text: str
    language: str
    expected_status: str
    must_contain: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """A span of a document, given by its external id, that holds an answer; `relevance` is 1 or 2."""

    external_id: str
    text: str
    relevance: int


@dataclass(frozen=True, slots=True)
class EvaluationQuestion:
    """A question with its short answers and the evidence for them; both are empty where none exists."""

    question_id: str
    text: str
    language: str
    answerable: bool
    answers: tuple[str, ...]
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class SampleLibrary:
    """The collection that the demo creates, its documents, and the questions that the demo asks."""

    collection_id: str
    title: str
    languages: tuple[str, ...]
    documents: tuple[SampleDocument, ...]
    demo_questions: tuple[DemoQuestion, ...]


@cache
def library() -> SampleLibrary:
    """Return the shipped library; files are read when asked for."""
    data = tomllib.loads(_text("library.toml"))
    collection = data["collection"]
    return SampleLibrary(
        collection_id=collection["id"],
        title=collection["title"],
        languages=tuple(collection["languages"]),
        documents=tuple(_document(entry, data["licence"]) for entry in data["documents"]),
        demo_questions=tuple(_demo_question(entry) for entry in data["demoQuestions"]),
    )


@cache
def evaluation_questions() -> tuple[EvaluationQuestion, ...]:
    """Return the shipped evaluation set: `questions.jsonl` joined with `qrels.tsv`."""
    evidence: dict[str, list[Evidence]] = {}
    rows = csv.DictReader(_text("qrels.tsv").splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    for row in rows:
        span = Evidence(row["doc_id"], row["evidence"], int(row["relevance"]))
        evidence.setdefault(row["query_id"], []).append(span)
    entries = map(json.loads, _text("questions.jsonl").splitlines())
    return tuple(_evaluation_question(entry, evidence.get(entry["id"], [])) for entry in entries)


def _text(name: str) -> str:
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


def _document(entry: Mapping[str, Any], licence: str) -> SampleDocument:
    return SampleDocument(
        path=entry["path"],
        title=entry["title"],
        language=entry["language"],
        media_type=entry["mediaType"],
        external_id=entry["externalId"],
        licence=entry.get("licence", licence),
        url=entry["url"],
    )


def _demo_question(entry: Mapping[str, Any]) -> DemoQuestion:
    return DemoQuestion(
        text=entry["text"],
        language=entry["language"],
        expected_status=entry["expectedStatus"],
        must_contain=entry["mustContain"],
    )


def _evaluation_question(entry: Mapping[str, Any], evidence: list[Evidence]) -> EvaluationQuestion:
    return EvaluationQuestion(
        question_id=entry["id"],
        text=entry["text"],
        language=entry["lang"],
        answerable=entry["answerable"],
        answers=tuple(entry["answers"]),
        evidence=tuple(evidence),
    )
