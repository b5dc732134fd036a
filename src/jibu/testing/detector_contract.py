# ruff: noqa: RUF001 - many scripts are the point
"""What every language detector has to do. A subclass gives the fixture ``detector``."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from jibu.ports import LanguageDetector

TEXTS = {
    "en": "You may apply for a birth certificate at any district office of the registry.",
    "fr": "Vous pouvez demander un acte de naissance dans tous les bureaux du registre.",
    "es": "Puede solicitar una partida de nacimiento en cualquier oficina del registro.",
    "pt": "O pedido de certidão de nascimento faz-se em qualquer balcão do registo civil.",
    "ar": "يمكنك طلب شهادة الميلاد في أي مكتب من مكاتب السجل المدني في المنطقة.",
    "ru": "Свидетельство о рождении можно получить в любом районном отделе записи.",
    "zh": "您可以到任何一个区登记处申请出生证明。",
    "sw": "Unaweza kuomba cheti cha kuzaliwa katika ofisi yoyote ya wilaya ya usajili.",
    "hi": "आप किसी भी जिला पंजीकरण कार्यालय में जन्म प्रमाण पत्र के लिए आवेदन कर सकते हैं।",
    "km": "អ្នកអាចស្នើសុំសំបុត្រកំណើតនៅការិយាល័យចុះបញ្ជីក្នុងស្រុកណាមួយ។",
}
SILENT = ["", "   ", "12345", "???", "\U0001f600", "\0", "\ud800", "\n\t"]


class DetectorContract:
    """Tests that each adapter of ``LanguageDetector`` runs."""

    @pytest.mark.parametrize("language", TEXTS)
    def test_a_plain_sentence(self, detector: LanguageDetector, language: str) -> None:
        """Each language that answers are phrased in is told from a sentence."""
        assert detector.detect(TEXTS[language]) == language

    @pytest.mark.parametrize("text", SILENT)
    def test_text_that_says_too_little(self, detector: LanguageDetector, text: str) -> None:
        """The default comes back: ``und``, or the caller's."""
        assert detector.detect(text) == "und"
        assert detector.detect(text, default="sw") == "sw"

    @pytest.mark.parametrize("text", ["a" * 100_000, "\u200b" * 5000, "Apply here. " * 20_000])
    def test_any_length(self, detector: LanguageDetector, text: str) -> None:
        """A long text gives a tag or the default, and no error."""
        assert detector.detect(text)

    def test_the_same_text_gives_the_same_language(self, detector: LanguageDetector) -> None:
        """First calls from several threads agree."""
        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(detector.detect, [TEXTS["sw"]] * 16)) == {"sw"}
