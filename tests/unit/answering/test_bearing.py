"""Which fields of a record bear on a question: the words that count, and the judge around them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from jibu.adapters.text.icu import IcuSegmenter
from jibu.adapters.text.language import LangidDetector
from jibu.domain.bearing import Bearing, about_somebody, kinds, probability, tells_age
from jibu.domain.live import LiveField, LiveRecord, LiveSource
from jibu.testing.memory import HashEmbedder
from jibu.usecases.bearing import MOST_FIELDS, Judge

AT = datetime(2026, 11, 22, tzinfo=UTC)


def record(*fields: tuple[str, str], service: str = "a/b/c/d/e", language: str = "en") -> LiveRecord:
    """Return a record of (label, text) pairs."""
    said = tuple(LiveField(f"/{n}", (label,), text) for n, (label, text) in enumerate(fields))
    return LiveRecord(LiveSource(service, "Register", AT, "m", "0" * 64), said, language)


@pytest.fixture(scope="module")
def judge() -> Judge:
    """A judge whose embedder knows words alone."""
    return Judge(embedder=HashEmbedder(), segmenter=IcuSegmenter(), detector=LangidDetector())


MINE = [
    "When does my passport expire?",
    "Quelle est ma date de naissance ?",
    "Ai-je l'âge ? J'ai 60 ans",
    "¿Cuál es mi dirección?",
    "Nilizaliwa lini?",
    "Gari langu lina bima?",
    "متى تنتهي رخصتي؟",
    "मेरी जन्म तिथि क्या है?",
    "Когда мой паспорт истекает?",
    "我的护照什么时候到期?",
    "What is her date of birth?",
]
NOBODYS = [
    "How long is a passport valid?",
    "Combien coûte un passeport ?",
    "¿Cuánto cuesta un pasaporte?",
    "Pasipoti inagharimu kiasi gani?",
    "ما هي شروط التأمين الصحي؟",
    "पासपोर्ट का शुल्क कितना है?",
    "Сколько стоит паспорт?",
    "护照多少钱?",
]


@pytest.mark.parametrize("question", MINE)
def test_a_question_about_somebody(question: str) -> None:
    """Its words say so."""
    assert about_somebody(question)


@pytest.mark.parametrize("question", NOBODYS)
def test_a_question_about_nobody(question: str) -> None:
    """Rules and prices are nobody's."""
    assert not about_somebody(question)


@pytest.mark.parametrize(
    ("question", "value", "expected"),
    [
        ("When does it end?", "2029-02-10", (1.0, 0.0)),
        ("When does it end?", "Kisumu", (-1.0, 0.0)),
        ("How much do I owe?", "1,310 crowns", (0.0, 1.0)),
        ("How much do I owe?", "2029-02-10", (0.0, -1.0)),
        ("Who am I?", "Amina", (0.0, 0.0)),
    ],
)
def test_the_kind_of_value_that_is_asked_for(
    question: str, value: str, expected: tuple[float, float]
) -> None:
    """A date for a time, a number for an amount."""
    assert expected == kinds(question, value)


def test_an_age_is_told_by_a_date_of_birth() -> None:
    """Of the person who asks, and by a date."""
    assert tells_age("Am I old enough?", "Date of birth", "1961-04-17")
    assert tells_age("Ai-je l'âge de la retraite ? Dites-moi", "Date de naissance", "17.04.1961")
    assert not tells_age("At what age is a pension paid?", "Date of birth", "1961-04-17")
    assert not tells_age("Am I old enough?", "Date of issue", "1961-04-17")
    assert not tells_age("Am I old enough?", "Place of birth", "Kisumu")


def test_more_of_anything_that_speaks_for_a_field_makes_it_likelier() -> None:
    """Probabilities stay within bounds, however strong the signals are."""
    nothing = Bearing(0, 0, 0, 0, 0, 0, 0, 0)
    assert 0 < probability(nothing) < 0.05
    for n in range(8):
        stronger = Bearing(*(float(i == n) for i in range(8)))
        assert probability(stronger) > probability(nothing)
    assert 0 <= probability(Bearing(*[-1e9] * 8)) < probability(Bearing(*[1e9] * 8)) <= 1


def test_the_field_that_is_asked_for_comes_first(judge: Judge) -> None:
    """Over several records, and in one that has a single field."""
    asked = judge.question("What is my date of birth?", "en")
    civil = record(("Date of birth", "1961-04-17"), ("Town", "Kisumu"))
    other = record(("Plate", "T 482"), service="a/b/c/d/f")
    best, *rest = judge.judge(asked.text, "en", asked.vector, [other, record(), civil])
    assert (best.field.path, len(rest)) == ("/0", 2)
    assert best.record.source == civil.source
    [alone] = judge.judge(asked.text, "en", asked.vector, [record(("Date of birth", "1961-04-17"))])
    assert alone.probability > 0.5
    [beside] = judge.judge(asked.text, "en", asked.vector, [record(("Breed", "terrier"))])
    assert beside.probability < 0.2


def test_so_many_fields_and_no_more(judge: Judge) -> None:
    """Each record has its share; a list's items, which share a label, are all there."""
    asked = judge.question("Which plate is mine?", "en")
    long = record(*(("Plate", f"T {n}") for n in range(MOST_FIELDS)))
    found = judge.judge(asked.text, "en", asked.vector, [long, record(("Town", "Kisumu"))])
    assert len(found) == MOST_FIELDS // 2 + 1
    assert judge.judge(asked.text, "en", asked.vector, []) == []


def test_words_count_where_the_language_is_the_same(judge: Judge) -> None:
    """A record that does not tell its language is read to guess it."""
    asked = judge.question("What is my date of birth?", "en")
    fields = (("Date of birth", "1961-04-17"), ("Place of birth", "Kisumu"), ("Name of the mother", "Grace"))
    told, guessed, foreign = (
        judge.signals(asked, record(*fields, language=tag))[0].cover for tag in ("en", "und", "sw")
    )
    assert told == guessed > 0
    assert foreign == 0
