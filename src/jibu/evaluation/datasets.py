"""Data sets: a folder with ``corpus.jsonl``, ``queries.jsonl`` and ``qrels.tsv``."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jibu.domain.errors import InvalidInput

_ROLES = ("user", "assistant")


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """One document of a corpus. ``content`` reads its bytes, which may be large."""

    document_id: str
    title: str
    media_type: str
    filename: str
    language: str | None
    url: str | None
    text: str | None = None
    path: Path | None = None

    def content(self) -> bytes:
        """Return the document's bytes."""
        return self.path.read_bytes() if self.path else (self.text or "").encode()


@dataclass(frozen=True, slots=True)
class TestQuestion:
    """A question with what is known of its answer.

    ``gains``: relevance by document id. ``evidence``: spans that hold the answer; with ``phrases`` the
    retrieved text must contain these instead. ``history``: earlier (role, text) turns, oldest first.
    """

    __test__ = False  # not a test class

    question_id: str
    text: str
    language: str
    answerable: bool
    history: tuple[tuple[str, str], ...] = ()
    gains: Mapping[str, int] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()
    phrases: bool = False


@dataclass(frozen=True, slots=True)
class Dataset:
    """A corpus and its questions. ``name`` is the folder's."""

    name: str
    documents: tuple[SourceDocument, ...]
    questions: tuple[TestQuestion, ...]


def load_dataset(folder: Path, *, limit: int | None = None) -> Dataset:
    """Read a data set, of its questions at most ``limit``, chosen by a hash of their ids.

    Raises: InvalidInput when a file is missing or broken.
    """
    try:
        documents = tuple(_document(folder, row) for row in _rows(folder / "corpus.jsonl"))
        gains, evidence = _judgements(folder / "qrels.tsv")
        questions = [_question(row, gains, evidence) for row in _rows(folder / "queries.jsonl")]
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise InvalidInput(f"{folder} does not have the layout of a data set: {error!r}") from error
    if limit is not None:
        questions = sorted(questions, key=lambda q: hashlib.sha256(q.question_id.encode()).digest())[:limit]
    return Dataset(folder.name, documents, tuple(questions))


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines if line.strip())


def _document(folder: Path, row: dict[str, Any]) -> SourceDocument:
    media_type, suffix, text, path = "text/plain", "txt", row.get("text"), None
    if row.get("pdf"):
        media_type, suffix, text, path = "application/pdf", "pdf", None, folder / str(row["pdf"])
    elif isinstance(row.get("html"), str) and row["html"].strip():
        media_type, suffix, text = "text/html", "html", row["html"]
    elif row.get("format") == "markdown":
        media_type, suffix = "text/markdown", "md"
    name = hashlib.sha256(str(row["id"]).encode()).hexdigest()[:16]
    return SourceDocument(
        document_id=str(row["id"]),
        title=row.get("title") or str(row["id"]),
        media_type=media_type,
        filename=f"{name}.{suffix}",
        language=row.get("lang"),
        url=_address(row.get("url")),
        text=text,
        path=path,
    )


def _address(url: str | None) -> str | None:
    """Return a web address; some sets hold other words in its place."""
    return url if url and url.startswith(("https://", "http://")) else None


def _judgements(path: Path) -> tuple[dict[str, dict[str, int]], dict[str, list[str]]]:
    gains: dict[str, dict[str, int]] = defaultdict(dict)
    evidence: dict[str, list[str]] = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        if not _is_header(next(rows, [])):
            raise ValueError("qrels.tsv has no header line")
        for question_id, document_id, span, relevance in rows:
            known = gains[question_id]
            known[document_id] = max(known.get(document_id, 0), int(relevance))
            if span.strip():
                evidence[question_id].append(span)
    return gains, evidence


def _is_header(row: list[str]) -> bool:
    """Tell a header from a judgement, which ends in a number: without one the first would be lost unseen."""
    return bool(row) and not row[-1].strip().isdigit()


def _question(
    row: dict[str, Any], gains: Mapping[str, dict[str, int]], evidence: Mapping[str, list[str]]
) -> TestQuestion:
    question_id = str(row["id"])
    phrases = tuple(row.get("must_contain") or ())
    return TestQuestion(
        question_id=question_id,
        text=row["text"],
        language=row.get("lang") or "und",
        answerable=bool(row["answerable"]),
        history=tuple((t["role"], t["text"]) for t in row.get("history") or () if t["role"] in _ROLES),
        gains=gains.get(question_id, {}),
        evidence=phrases or tuple(evidence.get(question_id, ())),
        phrases=bool(phrases),
    )
