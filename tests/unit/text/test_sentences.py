# ruff: noqa: RUF001 - many scripts are the point
"""Sentence boundaries in official prose, by the ICU segmenter."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jibu.adapters.text.icu import IcuSegmenter
from jibu.testing.segmenter_contract import check_spans

SEGMENTER = IcuSegmenter()
BLANKS = (" ", "\n", "\n\n", "\r\n", "\u2029")
MARKS = (". ", "? ", "… ", "។ ", "。", "؟ ", "Dr. ", "No. 5", "e.g. ", "1. ", "a) ", "- ", "| ")
LETTERS = (
    "word",
    "Word",
    "अर्थ।",
    "បាទ",
    "ก",
    "ที่ว่าการอำเภอ ",
    "😀",
    "𝒳",
    "e\u0301",
    "\u200d",
    "\ud800",
    "long" * 90,
)
PIECES = st.sampled_from((*BLANKS, *MARKS, *LETTERS))


def sentences(text: str, language: str = "en") -> list[str]:
    """Return the sentences' texts."""
    return [text[a:b] for a, b in SEGMENTER.sentences(text, language)]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Dr. Otieno and Mrs. Wanjiru signed it.", "en"),
        ("The fee is 1.5 million.", "en"),
        ("See Art. 5 and Sec. 12 of the Act.", "en"),
        ("Use a photo, e.g. A passport photo.", "en"),
        ("J. K. Mwangi is the registrar.", "en"),
        ("The U.S. Government pays.", "en"),
        ("Mkurugenzi Bw. Juma na Dkt. Asha walisema.", "sw"),
        ("M. Dupont cite l'art. L. 123-4 du code.", "fr"),
        ("Un document, p.ex. Une facture.", "fr"),
        ("La Sra. López y el Dr. Ruiz firman.", "es"),
        ("Los EE. UU. pagan desde c. 1455.", "es"),
        ("ประมาณปีค.ศ. 750 ถึง พ.ศ. 2560", "th"),
        ("Закон (ст. 5) важен, т.е. Обязателен.", "ru"),
        ('"Really?" he asked.', "en"),
        ("1. Fill in the form.", "en"),
        ("a) Fill in the form.", "en"),
    ],
)
def test_one_sentence_stays_one(text: str, language: str) -> None:
    """A full stop after an abbreviation, an initial, a number or a list marker ends nothing."""
    assert sentences(text, language) == [text]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Is it free? No. You pay.", ["Is it free?", "No.", "You pay."]),
        ("1. Apply. 2. Pay.", ["1. Apply.", "2. Pay."]),
        ("Plan A and I. Then B.", ["Plan A and I.", "Then B."]),
        ("First line\nSecond line", ["First line", "Second line"]),
        ("Fee | 100\nTax | 200", ["Fee | 100", "Tax | 200"]),
        ("Bring these:\n- a card\n- a photo", ["Bring these:", "- a card", "- a photo"]),
        ("សួស្ដី៕ បាទ។ចាស", ["សួស្ដី៕", "បាទ។", "ចាស"]),
    ],
)
def test_boundaries_that_are_meant(text: str, expected: list[str]) -> None:
    """Real ends, list items and lines of their own part sentences."""
    assert sentences(text) == expected


def test_a_wrapped_line_is_one_sentence() -> None:
    """A line feed made by the width of a page ends no sentence."""
    text = "The applicant must bring the original birth certificate to the\nMinistry of Interior before noon."
    assert sentences(text) == [text]
    assert sentences("the fee is\npaid once.") == ["the fee is\npaid once."]


def test_thai_clauses_become_units_of_bounded_length() -> None:
    """Thai has no full stop: clauses are grouped, and a number stays with what it counts."""
    clause = "ผู้สมัครต้องยื่นคำร้องต่อนายทะเบียนภายใน 30 วัน พร้อมเอกสารหลักฐานที่เกี่ยวข้องทั้งหมด "
    found = sentences(clause * 8, "th")
    assert len(found) > 3
    assert all(20 < len(unit) <= 260 for unit in found)
    assert all("ภายใน 30 วัน" in unit for unit in found[:-1])


@pytest.mark.parametrize(
    "text", ["word, " * 400, "word " * 400, "字" * 900, "字，" * 500, "x" * 3000, "\u0e01" * 2000]
)
def test_endless_sentences_are_cut(text: str) -> None:
    """No unit is longer than a reader or an embedder can take."""
    found = SEGMENTER.sentences(text, "en")
    check_spans(text, found)
    assert max(b - a for a, b in found) <= 500


@given(st.lists(PIECES, max_size=40).map("".join), st.sampled_from(["en", "th", "ar", "und"]))
@settings(deadline=None, max_examples=300)
def test_spans_cover_what_is_visible(text: str, language: str) -> None:
    """Whatever is mixed, spans are trimmed, in order, apart, and cover all but blank space."""
    check_spans(text, SEGMENTER.sentences(text, language))


@given(st.text(max_size=300))
@settings(deadline=None, max_examples=300)
def test_spans_cover_any_text(text: str) -> None:
    """The same for characters from all of Unicode."""
    check_spans(text, SEGMENTER.sentences(text, "en"))


@given(st.text(alphabet="😀𝒳 .aB\n", max_size=60))
@settings(deadline=None)
def test_offsets_count_code_points(text: str) -> None:
    """ICU counts UTF-16 units; a character outside the basic plane must not shift what follows it."""
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())


def test_endless_abbreviations_take_no_endless_time() -> None:
    """A text of initials alone, which all belong to one sentence, takes time in proportion to its length."""

    def seconds(text: str) -> float:
        began = time.perf_counter()
        SEGMENTER.sentences(text, "en")
        return time.perf_counter() - began

    seconds("A. " * 1000)
    short = min(seconds("A. " * 5000) for _ in range(3))
    assert seconds("A. " * 300_000) < 120 * short + 2.0
