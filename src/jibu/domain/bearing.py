# ruff: noqa: RUF001 - words of many scripts
"""Whether what a service said about an individual bears on a question: a small fitted model, and its word tables."""

from __future__ import annotations

import math
import re
from dataclasses import astuple, dataclass

from jibu.domain.cues import Asked, asked_for
from jibu.domain.decision import Thresholds


@dataclass(frozen=True, slots=True)
class Bearing:
    """What speaks for one field of a record as the answer to a question; also the weights of these signals.

    ``label`` and ``whole``: how much nearer the question is to the field's label, and to label and value, than to the
    record's other fields and some that any record might hold; ``apart``: how much nearer to the field it is than
    questions that have nothing to do with it. All three in standard deviations of such unrelated nearness, so that they
    mean the same for every embedder.
    ``cover``: share of the question's words that the field holds less one half, 0 where languages differ.
    ``personal``: 1 where it is asked about somebody. ``time`` and ``amount``: 1 where the kind of value asked for is
    there, -1 where it is not, 0 where none is asked for. ``age``: 1 for a date of birth where somebody's age is asked.
    """

    label: float
    whole: float
    apart: float
    cover: float
    personal: float
    time: float
    amount: float
    age: float


WEIGHTS = Bearing(
    label=2.47, whole=0.97, apart=0.43, cover=5.15, personal=1.88, time=0.82, amount=1.16, age=7.10
)
BIAS = -6.33
THRESHOLDS = Thresholds(answered=0.6, partial=0.45)
"""Fitted on half of the questions in ``benchmarks/live``; docs/benchmarks/live.md says what the other half gave."""

_PERSONS = {
    "en": "my mine i me am our ours we us his her hers their theirs he she",
    "fr": "mon ma mes je moi me notre nos nous suis son sa ses",
    "es": "mi mis mío mía yo me tengo debo puedo soy estoy nací pago recibo su sus",
    "pt": "meu minha meus minhas eu tenho devo posso sou estou nasci seu sua seus suas",
    "de": "mein meine meinen meinem meiner meines ich mir mich sein seine ihr ihre",
    "sw": "yangu wangu langu changu zangu vyangu mwangu mimi yake wake lake chake zake",
    "ru": "мой моя моё мои моей моего моих мне меня я его её их",
    "ar": "لي أنا",
    "hi": "मेरा मेरी मेरे मुझे मैं मैंने हमारा हमारी हमारे उसका उसकी उसके उनका उनकी उनके",
}
_PERSON_WORDS = frozenset(word for words in _PERSONS.values() for word in words.split())
_ELIDED = re.compile(r"\b[jm]['’]")
_SWAHILI_I = re.compile(r"ni(?:na|li|me|ta|ki)\w{2,}")
# A noun with the Arabic ending for "my" never has the article.
_ARABIC_MY = re.compile(r"(?!ال|وال|بال|لل)[\u0621-\u064a]{3,}ي")
_NOT_MY = frozenset(("الذي", "التي"))
_UNSPACED_I = re.compile("我|ฉัน|ผม|ខ្ញុំ")
_WORD = re.compile(r"[\w\u0900-\u097f]+")
_AGE = re.compile(
    r"\b(?:old enough|how old|age|âge|edad|idade|alter|umri|retirement)\b|उम्र|आयु|سن|عمر|возраст|年龄|岁|อายุ|អាយុ"
)
_BIRTH = re.compile(
    r"birth|born|naissance|nacimiento|nascimento|geburt|kuzaliwa|जन्म|ميلاد|рожд|出生|เกิด|កំណើត"
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d\d?[./]\d\d?[./]\d{4}")
_DIGIT = re.compile(r"\d")


def probability(found: Bearing) -> float:
    """Return the probability (0 to 1) that the field answers the question."""
    pairs = zip(astuple(WEIGHTS), astuple(found), strict=True)
    logit = BIAS + sum(weight * value for weight, value in pairs)
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, logit))))


def about_somebody(question: str) -> bool:
    """Tell whether a question speaks of a person ("my", "her"), in any of the languages known here."""
    plain = question.casefold()
    words = _WORD.findall(plain)
    if _ELIDED.search(plain) or _UNSPACED_I.search(plain) or not _PERSON_WORDS.isdisjoint(words):
        return True
    return any(_SWAHILI_I.fullmatch(w) or (_ARABIC_MY.fullmatch(w) and w not in _NOT_MY) for w in words)


def kinds(question: str, value: str) -> tuple[float, float]:
    """Return ``time`` and ``amount`` of a field's value."""
    asked = asked_for(question)
    date = bool(_DATE.search(value))
    if Asked.TIME in asked:
        return (1.0 if date else -1.0), 0.0
    if Asked.AMOUNT in asked:
        return 0.0, (1.0 if _DIGIT.search(value) and not date else -1.0)
    return 0.0, 0.0


def tells_age(question: str, label: str, value: str) -> bool:
    """Tell whether a question asks about somebody's age and a field is a date of birth."""
    asked = _AGE.search(question.casefold()) and about_somebody(question)
    return bool(asked and _BIRTH.search(label.casefold()) and _DATE.search(value))
