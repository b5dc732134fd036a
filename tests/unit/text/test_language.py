"""Language detection on what people really send: short questions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from jibu.adapters.text.language import LangidDetector

DETECTOR = LangidDetector()
QUESTIONS = [
    ("sw", "Nawezaje kupata pasipoti?"),
    ("sw", "Pasipoti inagharimu kiasi gani?"),
    ("sw", "Ada ya leseni ya biashara ni kiasi gani?"),
    ("en", "How do I renew my passport?"),
    ("en", "Who can vote?"),
    ("fr", "Combien coûte un acte de naissance ?"),
    ("es", "¿Cuánto cuesta un acta de nacimiento?"),
    ("pt", "Quanto custa uma certidão de nascimento?"),
    ("de", "Was kostet eine Geburtsurkunde?"),
    ("ru", "Как продлить паспорт?"),
    ("ar", "كيف أجدد جواز السفر؟"),
    ("hi", "पासपोर्ट का नवीनीकरण कैसे करें?"),
    ("th", "Internet2 คืออะไร"),
    ("km", "ថ្លៃ"),
    ("zh", "护照"),
    ("ja", "運転免許証の更新"),
    ("am", "ክፍያ"),
    ("ko", "여권"),
    ("my", "ကြေး"),
    ("el", "διαβατήριο"),
    ("id", "Berapa biaya akta kelahiran?"),
    ("so", "Sidee ayaan u cusboonaysiin karaa baasaboorkayga?"),
]


@pytest.mark.parametrize(("language", "question"), QUESTIONS)
def test_short_questions(language: str, question: str) -> None:
    """The language of a plain question is told."""
    assert DETECTOR.detect(question) == language


@pytest.mark.parametrize("text", ["", "   ", "12345", "???", "😀", "passport", "A-12", "\ud800", "\0"])
def test_too_little_to_tell(text: str) -> None:
    """Where the text says too little, the default comes back."""
    assert DETECTOR.detect(text) == "und"
    assert DETECTOR.detect(text, default="sw") == "sw"


def test_long_documents_are_sampled() -> None:
    """A boilerplate beginning does not decide for a whole document."""
    english, swahili = "Share this page. ", "Wananchi wote wanapaswa kulipa kodi ya ardhi kila mwaka. "
    assert DETECTOR.detect(english * 5 + swahili * 400) == "sw"


def test_threads_load_it_once() -> None:
    """First calls from several threads all get an answer."""
    detector = LangidDetector()
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(detector.detect, ["How do I renew my passport?"] * 16)) == {"en"}
