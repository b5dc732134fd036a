# ruff: noqa: RUF001 - many scripts are the point
"""What every segmenter has to do, whatever stands behind it. A subclass gives the fixture ``segmenter``."""

from __future__ import annotations

import pytest

from jibu.ports import Segmenter

THREE = {
    "en": "Apply at the office. Bring your card! Is there a fee?",
    "fr": "Faites la demande au bureau. Apportez votre carte ! Y a-t-il des frais ?",
    "es": "Solicite en la oficina. Traiga su tarjeta. ¿Hay que pagar?",
    "pt": "Peça no balcão. Traga o cartão. Há alguma taxa?",
    "sw": "Omba ofisini. Lete kitambulisho chako. Je, kuna ada?",
    "ru": "Подайте заявление. Возьмите карту. Есть ли пошлина?",
    "ar": "قدّم الطلب في المكتب. أحضر بطاقتك. هل توجد رسوم؟",
    "ur": "دفتر میں درخواست دیں۔ اپنا کارڈ لائیں۔ کیا فیس ہے؟",
    "hi": "कार्यालय में आवेदन करें। अपना कार्ड लाएँ। क्या शुल्क है?",
    "zh": "请到办公室申请。带上您的证件。要收费吗？",
    "km": "សូមដាក់ពាក្យនៅការិយាល័យ។ សូមយកអត្តសញ្ញាណប័ណ្ណ។ តើមានថ្លៃទេ?",
    "am": "በቢሮ ያመልክቱ። ካርድዎን ያምጡ። ክፍያ አለ?",
    "my": "ရုံးတွင် လျှောက်ပါ။ ကတ်ယူလာပါ။ ကြေးရှိပါသလား။",
}
UNSPACED = {
    "th": ("ค่าธรรมเนียมหนังสือเดินทางเท่าไร", "หนังสือเดินทาง"),
    "km": ("ថ្លៃសេវាលិខិតឆ្លងដែន", "លិខិតឆ្លងដែន"),
    "zh": ("我们的护照费用是多少", "护照"),
    "ja": ("運転免許証の更新方法", "更新"),
}
AWKWARD = [
    "", " \n\t ", "\n\n", "...", "۔", "a", "\ud83d", "x\udfffy", "\0", "a\0b", "\u200b", "\ufeffHi.", "😀😀. 😀",
    "𝒳 is a letter. 𝒴 too.", "e\u0301" * 400, "\ufdfa" * 300, "1.", "a) b) c)", "| | |", "\r\nA.\r\nB.\u2028C.",
]  # fmt: skip


class SegmenterContract:
    """Tests that each adapter of ``Segmenter`` runs."""

    @pytest.mark.parametrize("language", THREE)
    def test_three_sentences_in_many_scripts(self, segmenter: Segmenter, language: str) -> None:
        """Each script's own full stops and question marks end sentences."""
        assert len(segmenter.sentences(THREE[language], language)) == 3

    @pytest.mark.parametrize("language", [*THREE, "und", "xx", "not a language", ""])
    @pytest.mark.parametrize("text", [*AWKWARD, " ".join(THREE.values())])
    def test_spans_cover_all_that_is_visible(self, segmenter: Segmenter, text: str, language: str) -> None:
        """Spans are trimmed, in order, in bounds, apart, and leave out blank space only."""
        check_spans(text, segmenter.sentences(text, language))

    @pytest.mark.parametrize("text", AWKWARD)
    def test_terms_hold_no_blank_space(self, segmenter: Segmenter, text: str) -> None:
        """Awkward text gives terms without blanks, or none."""
        assert all(term and not any(c.isspace() for c in term) for term in segmenter.terms(text, "en"))

    def test_case_accents_and_width_do_not_matter(self, segmenter: Segmenter) -> None:
        """Spellings that differ only in these meet."""
        assert segmenter.terms("ÉCOLE Straße", "fr") == segmenter.terms("ecole strasse", "und")
        assert segmenter.terms("ＦＥＥ", "en") == segmenter.terms("fee", "en")

    def test_the_language_given_does_not_change_words_of_spaced_scripts(self, segmenter: Segmenter) -> None:
        """A question whose language was misjudged still meets the documents."""
        text = "Leseni ya udereva inagharimu shilingi 1,500"
        assert (
            len({tuple(segmenter.terms(text, language)) for language in ("sw", "en", "id", "und", "")}) == 1
        )

    @pytest.mark.parametrize(
        "written",
        ["1,200", "1 200", "1\u00a0200", "1\u202f200", "1.200", "1'200", "1200.00", "१२००", "١٬٢٠٠", "๑๒๐๐"],
    )
    def test_numbers_meet_however_they_are_written(self, segmenter: Segmenter, written: str) -> None:
        """Group separators and the script of the digits do not matter."""
        assert "1200" in segmenter.terms(f"fee {written} now", "en")

    @pytest.mark.parametrize("language", UNSPACED)
    def test_words_are_found_without_spaces(self, segmenter: Segmenter, language: str) -> None:
        """A word's terms occur among those of a sentence written without spaces."""
        text, word = UNSPACED[language]
        terms = segmenter.terms(text, language)
        assert len(terms) > 1
        assert set(segmenter.terms(word, language)) <= set(terms)

    def test_repeated_words_are_repeated(self, segmenter: Segmenter) -> None:
        """Counts matter to ranking."""
        assert segmenter.terms("fee or fee", "en").count("fee") == 2


def check_spans(text: str, spans: list[tuple[int, int]]) -> None:
    """Check that spans are trimmed, in order, in bounds and apart, and leave out blank space only."""
    position = 0
    for start, end in spans:
        assert position <= start < end <= len(text)
        assert not text[position:start].strip()
        assert text[start:end] == text[start:end].strip()
        position = end
    assert not text[position:].strip()
