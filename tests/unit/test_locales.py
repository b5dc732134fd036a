"""The message catalogues: complete, well-formed, each in its own script, and found by any language tag."""

from __future__ import annotations

import re
import unicodedata

import pytest

from jibu.locales import Catalogue

CATALOGUE = Catalogue()
REQUIRED = {"en", "fr", "es", "pt", "ar", "ru", "zh", "sw", "hi", "km"}
SCRIPTS = {
    "ar": "ARABIC",
    "hi": "DEVANAGARI",
    "km": "KHMER",
    "ru": "CYRILLIC",
    "th": "THAI",
    "zh": "CJK",
}
PLACEHOLDER = re.compile(r"\{(\w*)\}")
LATIN_NAMES = re.compile(r"JavaScript|Jibu|API")


def placeholders(text: str) -> list[str]:
    """Return the placeholders of a phrase, in a stable order."""
    return sorted(PLACEHOLDER.findall(text))


def test_required_languages_are_there() -> None:
    """Every language that the service promises has a catalogue, and the list is sorted."""
    assert set(CATALOGUE.languages()) >= REQUIRED
    assert tuple(sorted(CATALOGUE.languages())) == CATALOGUE.languages()


@pytest.mark.parametrize("language", CATALOGUE.languages())
def test_same_phrases_and_placeholders_as_english(language: str) -> None:
    """A phrase that exists in English exists everywhere, in the same order, with the same placeholders."""
    english, phrases = CATALOGUE.messages("en"), CATALOGUE.messages(language)
    assert list(english) == list(phrases)
    for key, text in phrases.items():
        assert placeholders(english[key]) == placeholders(text), key
        assert text.count("{") == len(placeholders(text)), key


@pytest.mark.parametrize("language", CATALOGUE.languages())
def test_phrases_are_clean_text(language: str) -> None:
    """No phrase is empty, padded, decomposed, or holds a control character."""
    for key, text in CATALOGUE.messages(language).items():
        assert text.strip() == text != "", key
        assert unicodedata.normalize("NFC", text) == text, key
        assert not any(unicodedata.category(char) in {"Cc", "Co", "Cs", "Cn"} for char in text), key


@pytest.mark.parametrize("language", CATALOGUE.languages())
def test_each_catalogue_is_in_its_own_script(language: str) -> None:
    """Every letter belongs to the language's script; only proper names may be Latin."""
    for key, text in CATALOGUE.messages(language).items():
        bare = LATIN_NAMES.sub("", PLACEHOLDER.sub("", text))
        letters = [char for char in bare if unicodedata.category(char) in {"Lu", "Ll", "Lo", "Lm"}]
        script = SCRIPTS.get(language, "LATIN")
        assert [char for char in letters if not unicodedata.name(char).startswith(script)] == [], key


@pytest.mark.parametrize("language", sorted(set(CATALOGUE.languages()) - {"en"}))
def test_phrases_are_translated(language: str) -> None:
    """Few phrases are word for word the English ones (some, such as "Sources" in French, rightly are)."""
    english, phrases = CATALOGUE.messages("en"), CATALOGUE.messages(language)
    same = [key for key in english if english[key] == phrases[key]]
    assert len(same) <= 4, same


@pytest.mark.parametrize(
    ("tag", "served"),
    [
        ("sw", "sw"),
        ("sw-TZ", "sw"),
        ("SW_ke", "sw"),
        ("zh-Hant-TW", "zh"),
        ("fr-x-private", "fr"),
        ("xx", "en"),
        ("", "en"),
        ("-", "en"),
        ("../en", "en"),
    ],
)
def test_lookup_falls_back(tag: str, served: str) -> None:
    """A tag is shortened until a catalogue is found, and English is the last resort."""
    assert served == CATALOGUE.resolve(tag)
    assert CATALOGUE.message("result.answer", served) == CATALOGUE.message("result.answer", tag)


def test_placeholders_are_filled() -> None:
    """Values appear as given; braces inside a value are left alone."""
    assert CATALOGUE.message("source.page", "sw-TZ", page=3) == "ukurasa wa 3"
    assert CATALOGUE.message("result.open.aria", "en", number=2, title="{x}").endswith("citation 2: {x}")


def test_missing_phrase_and_missing_value_raise() -> None:
    """A typing mistake in a key or a forgotten value is an error, never a silent blank."""
    with pytest.raises(KeyError):
        CATALOGUE.message("no.such.phrase", "en")
    with pytest.raises(KeyError):
        CATALOGUE.message("source.page", "fr")


@pytest.mark.parametrize(
    ("tag", "direction"),
    [
        ("ar", "rtl"),
        ("ar-EG", "rtl"),
        ("ur", "rtl"),
        ("az-Arab", "rtl"),
        ("ar-Latn", "ltr"),
        ("en", "ltr"),
        ("km", "ltr"),
        ("pa-Arab-PK", "rtl"),
    ],
)
def test_direction(tag: str, direction: str) -> None:
    """Direction follows the script subtag where there is one, else the language."""
    assert direction == CATALOGUE.direction(tag)


def test_catalogues_cannot_be_changed() -> None:
    """The shared phrases are read-only."""
    with pytest.raises(TypeError):
        CATALOGUE.messages("en")["result.answer"] = "x"  # type: ignore[index]
