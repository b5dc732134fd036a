"""Judging which fields of live records bear on a question. Nothing of it is kept, cached or told."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from jibu.domain.bearing import Bearing, about_somebody, kinds, probability, tells_age
from jibu.domain.cues import asking_words
from jibu.domain.live import LiveField, LiveRecord
from jibu.domain.passages import Vector
from jibu.ports import Embedder, LanguageDetector, Segmenter

MOST_FIELDS = 400
"""Fields of all records together that are looked at, the first ones of each: each costs the embedder two texts."""
_ELSEWHERE = (
    "What is the weather tomorrow?",
    "Où se trouve la gare ?",
    "Duka linafunguliwa saa ngapi?",
    "من كتب هذا الكتاب؟",
    "यह किताब किसने लिखी?",
    "¿Cuánto mide la torre?",
    "When does the library open?",
    "Qui a gagné le match ?",
    "Chakula hiki kinapikwaje?",
    "كم عدد سكان المدينة؟",
    "नदी कितनी लंबी है?",
    "¿Quién pintó este cuadro?",
)
"""Questions that no field of a registry answers: what nearness by chance is measured on."""
_ANYWHERE = (
    ("Name", "Ana"),
    ("Number", "1234"),
    ("Date", "2020-01-01"),
    ("Status", "active"),
    ("Address", "14 Lake Road"),
    ("Amount", "100"),
    ("Telephone", "0700 1234"),
    ("Remarks", "none"),
)
"""What any record might hold: nearness is judged against neighbours, and a record may have few of its own."""

_Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Judged:
    """A field and the probability that it answers the question."""

    record: LiveRecord
    field: LiveField
    probability: float


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it is judged by. ``words`` are its own search terms, without those that only ask."""

    text: str
    language: str
    vector: Vector
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Backdrop:
    """Vectors that hold nothing personal. ``unit``: standard deviation of unrelated nearness."""

    elsewhere: _Matrix
    unit: float


class Judge:
    """Safe from any thread."""

    def __init__(self, *, embedder: Embedder, segmenter: Segmenter, detector: LanguageDetector) -> None:
        self._embedder = embedder
        self._detector = detector
        self._segmenter = segmenter
        self._lock = threading.Lock()
        self._known: _Backdrop | None = None

    def judge(self, text: str, language: str, vector: Vector, records: Sequence[LiveRecord]) -> list[Judged]:
        """Return the fields, the best first. ``vector`` is the question's. Raises: Unavailable."""
        asked = Asked(text, language, vector, self._words(text, language))
        share = MOST_FIELDS // max(1, len(records))
        few = [replace(record, fields=record.fields[:share]) for record in records if record.fields]
        found = [judged for record in few for judged in self._record(asked, record)]
        return sorted(found, key=lambda judged: -judged.probability)

    def signals(self, asked: Asked, record: LiveRecord) -> list[Bearing]:
        """Return what speaks for each field of a record. Raises: Unavailable."""
        fields = record.fields
        backdrop = self._backdrop()
        question = np.frombuffer(asked.vector, np.float32)
        beside = [LiveField("", (label,), value) for label, value in _ANYWHERE]
        labels = self._vectors([label_text(record, field) for field in (*fields, *beside)])
        wholes = self._vectors([whole_text(record, field) for field in (*fields, *beside)])
        by_label = _against(labels, question) / backdrop.unit
        by_whole = _against(wholes, question) / backdrop.unit
        apart = (wholes @ question - (wholes @ backdrop.elsewhere.T).mean(1)) / backdrop.unit
        personal = float(about_somebody(asked.text))
        language = self._language(record)
        same = "und" not in (asked.language, language) and _primary(asked.language) == _primary(language)
        made = []
        for i, field in enumerate(fields):
            time, amount = kinds(asked.text, field.text)
            made.append(
                Bearing(
                    label=float(by_label[i]),
                    whole=float(by_whole[i]),
                    apart=float(apart[i]),
                    cover=self._cover(asked, record, field) if same else 0.0,
                    personal=personal,
                    time=time,
                    amount=amount,
                    age=float(tells_age(asked.text, " ".join(field.label), field.text)),
                )
            )
        return made

    def question(self, text: str, language: str) -> Asked:
        """Return a question as it is judged by. Raises: Unavailable."""
        return Asked(text, language, self._embedder.embed_query(text), self._words(text, language))

    def _record(self, asked: Asked, record: LiveRecord) -> list[Judged]:
        pairs = zip(record.fields, self.signals(asked, record), strict=True)
        return [Judged(record, field, probability(signals)) for field, signals in pairs]

    def _words(self, text: str, language: str) -> tuple[str, ...]:
        asking = {t for word in asking_words(text) for t in self._segmenter.terms(word, language)}
        words = dict.fromkeys(self._segmenter.terms(text, language))
        return tuple(w for w in words if w not in asking and not w.startswith("~") and not about_somebody(w))

    def _cover(self, asked: Asked, record: LiveRecord, field: LiveField) -> float:
        """Return the share of the question's words that title, label and value hold, less one half."""
        if not asked.words:
            return 0.0
        held = set(self._segmenter.terms(whole_text(record, field), record.language))
        return sum(w in held or f"~{w[:5]}" in held for w in asked.words) / len(asked.words) - 0.5

    def _language(self, record: LiveRecord) -> str:
        """Return the language of what fields are called, guessed where the service does not tell."""
        if record.language != "und":
            return record.language
        return self._detector.detect(". ".join(" ".join(field.label) for field in record.fields)[:1000])

    def _vectors(self, texts: Sequence[str]) -> _Matrix:
        """Return one row per text; the items of a list share a label, which is embedded once."""
        once = list(dict.fromkeys(texts))
        rows = {
            text: np.frombuffer(vector, np.float32)
            for text, vector in zip(once, self._embedder.embed_passages(once), strict=True)
        }
        return np.stack([rows[text] for text in texts])

    def _backdrop(self) -> _Backdrop:
        """Return the fixed texts' vectors, computed once; nothing of an individual is among them."""
        with self._lock:
            if self._known is None:
                asked = [self._embedder.embed_query(text) for text in _ELSEWHERE]
                elsewhere = np.stack([np.frombuffer(vector, np.float32) for vector in asked])
                fields = self._vectors([f"{label}: {value}" for label, value in _ANYWHERE])
                unit = max(float((fields @ elsewhere.T).std()), 1e-6)
                self._known = _Backdrop(elsewhere, unit)
            return self._known


def label_text(record: LiveRecord, field: LiveField) -> str:
    """Return what a field is called, after the name of its record."""
    return " / ".join((record.source.title, *field.label))


def whole_text(record: LiveRecord, field: LiveField) -> str:
    """Return a field's name and what it says."""
    return f"{label_text(record, field)}: {field.text}"


def _against(fields: _Matrix, question: _Matrix) -> _Matrix:
    """Return how much nearer each field is than all of them together."""
    near = fields @ question
    centred: _Matrix = near - near.mean()
    return centred


def _primary(tag: str) -> str:
    return tag.split("-", maxsplit=1)[0].lower()
