# ruff: noqa: RUF001 - many scripts are the point
"""Search terms: spellings that have to meet, and those that must not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jibu.adapters.text.icu import IcuSegmenter
from jibu.adapters.text.terms import _remembered, number

SEGMENTER = IcuSegmenter()


def terms(text: str, language: str = "en") -> list[str]:
    """Return the terms."""
    return SEGMENTER.terms(text, language)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("l'État", "etat"),
        ("d’Ivoire", "Ivoire"),
        ("John's", "John"),
        ("ng’ombe", "ng'ombe"),
        ("п’ять", "п'ять"),
        ("المدرسة", "مَدْرَسَة"),
        ("إلى", "الى"),
        ("والحكومة", "حكومه"),
        ("कार्ड\u200dों", "कार्डों"),
        ("हिँदी", "हिंदी"),
        ("naïve", "NAIVE"),
        ("Ελλάδα", "ελλαδα"),
        ("ёлка", "елка"),
        ("soft\u00adware", "software"),
        ("Łódź", "lodz"),
    ],
)
def test_spellings_meet(one: str, other: str) -> None:
    """Both spellings give the same terms."""
    assert terms(one) == terms(other)


def test_words_written_together_are_found_apart() -> None:
    """Identifiers of technical documents answer to their words."""
    assert {"consent", "record", "consentrecord"} <= set(terms("ConsentRecord"))
    assert {"data", "agreement", "id"} <= set(terms("data_agreement_id"))
    assert {"gov", "ke"} <= set(terms("example.gov.ke"))


def test_long_words_give_their_beginning() -> None:
    """Inflected forms share a stem term, in any alphabet."""
    assert set(terms("applications")) & set(terms("applicant")) == {"~appli"}
    assert "~" not in "".join(terms("fee"))


def test_endless_words_are_not_remembered() -> None:
    """Questions made of long made-up words do not fill the memory; their terms are the same each time."""
    before = _remembered.cache_info().currsize
    words = [f"{n}x" * 900 for n in range(50)]
    assert [terms(word) for word in words] == [terms(word) for word in words]
    assert _remembered.cache_info().currsize == before


def test_letters_that_differ_stay_apart() -> None:
    """Folding does not reach into scripts where marks are letters."""
    assert terms("йод") != terms("иод")
    assert terms("काम") != terms("कम")


def test_punctuation_gives_nothing() -> None:
    """Only letters and digits make terms."""
    assert terms("— … !? | * ☃ _ __") == []


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1,200", "1200"),
        ("1,200.50", "1200.50"),
        ("1.200,50", "1200.50"),
        ("12,500.00", "12500"),
        ("3,5", "3.5"),
        ("3.50", "3.50"),
        ("2024", "2024"),
        ("9.2.1", "9.2.1"),
        ("1,234,567", "1234567"),
        ("5.", "5"),
    ],
)
def test_numbers(written: str, value: str) -> None:
    """Separators of groups go, decimals stay unless they are zero."""
    assert number(written) == value


def test_neighbouring_numbers_stay_apart() -> None:
    """Only groups of three digits make one number."""
    assert terms("12 30 2024") == ["12", "30", "2024"]


@given(st.text(max_size=200), st.sampled_from(["en", "ar", "th", "und"]))
@settings(deadline=None, max_examples=300)
def test_any_text_gives_clean_terms(text: str, language: str) -> None:
    """No blank space, no upper case, never empty, and the same terms every time."""
    found = terms(text, language)
    assert all(term and not any(c.isspace() for c in term) and term == term.casefold() for term in found)
    assert found == terms(text, language)
