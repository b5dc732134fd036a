"""Passages: the units that are indexed, found and cited."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TypeAlias

from jibu.domain.documents import BlockKind

Vector: TypeAlias = "array[float]"
"""32-bit floats, L2 norm 1; numpy reads it without a copy through ``numpy.frombuffer``."""


@dataclass(frozen=True, slots=True)
class TextSpan:
    """``text == document_text[start:end]``, code points."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A citable unit inside a passage: ``document_text[start:end]``, code points.

    For a table row ``header`` is its header row, which may lie before the passage.
    """

    start: int
    end: int
    kind: BlockKind = BlockKind.PARAGRAPH
    header: TextSpan | None = None
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a document version: ``document_text[start:end]``, code points.

    ``section_path`` holds the headings above it, outermost first. ``sentences`` lie inside the span.
    """

    passage_id: str
    document_id: str
    version: int
    ordinal: int
    start: int
    end: int
    text: str
    section_path: tuple[str, ...] = ()
    page: int | None = None
    language: str = "und"
    sentences: tuple[Sentence, ...] = ()


def passage_id(document_id: str, version: int, ordinal: int) -> str:
    """Return the stable id of a passage."""
    return f"{document_id}.{version}.{ordinal}"


@dataclass(frozen=True, slots=True)
class IndexedPassage:
    """What an index keeps of a passage. ``vector`` has the embedder's dimension, L2 norm 1.

    ``terms`` are ready search terms in order, repeated as they occur; an index keeps them verbatim.
    """

    passage_id: str
    document_id: str
    version: int
    collection_id: str
    language: str
    terms: tuple[str, ...]
    vector: Vector
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found by one side of the index. ``score``: cosine (dense) or BM25 (lexical)."""

    passage_id: str
    document_id: str
    score: float
    language: str = "und"


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """A passage with what a reader needs to use it. ``dense`` is cosine, ``lexical`` BM25; None: not found there.

    ``sentence_vectors`` go with ``passage.sentences`` one to one; empty while they are not computed yet.
    """

    passage: Passage
    title: str
    collection_id: str
    score: float
    dense: float | None = None
    lexical: float | None = None
    url: str | None = None
    sentence_vectors: tuple[Vector, ...] = ()
