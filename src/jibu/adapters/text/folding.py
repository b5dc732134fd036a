# ruff: noqa: RUF001 - letters of many scripts
"""Folding of letters that are written in several ways, script by script."""

from __future__ import annotations

import re
import unicodedata

# Accents on Latin and Greek letters, Arabic vowel signs and tatweel, Hebrew points.
_MARKS = re.compile(
    "(?<=[A-Za-z\u0370-\u03ff\u0300-\u036f])[\u0300-\u036f]+|[\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u0591-\u05c7]+"
)
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_LETTERS = str.maketrans(
    {
        # Arabic and Persian: forms of alef, ya, kaf, ta marbuta, hamza carriers
        "ٱ": "ا", "ى": "ي", "ی": "ي", "ک": "ك", "ة": "ه", "ۀ": "ه", "ء": None,
        # Latin letters that do not decompose
        "ø": "o", "đ": "d", "ł": "l", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ё": "е",
        # Devanagari: chandrabindu and nukta are often left out
        "ँ": "ं", "़": None,
        # Apostrophes inside words (ng'ombe, Ukrainian п'ять)
        "'": None, "’": None, "ʼ": None, "‘": None, "ʻ": None,
    }
)  # fmt: skip
_HAMZA = re.compile("[\u0653-\u0655]")
_ARABIC = re.compile("[\u0621-\u064a]")
_ARABIC_ARTICLE = re.compile("(?:[\u0648\u0641]?(?:ال|بال|كال)|[\u0648\u0641]?لل)(?=..)")
_POSSESSIVE = re.compile("['’]s$")
_SARA_AM = (
    ("\u0e4d\u0e32", "\u0e33"),
    ("\u0ecd\u0eb2", "\u0eb3"),
)  # ICU's Thai and Lao words have it composed
_APOSTROPHES = str.maketrans("’ʼ＇", "'''")


def normalise(text: str) -> str:
    """Return NFKC text with ASCII digits, plain apostrophes and no invisible marks."""
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKC", text.replace("№", "No "))
    for apart, together in _SARA_AM:
        text = text.replace(apart, together)
    return _INVISIBLE.sub("", ascii_digits(text).translate(_APOSTROPHES))


def ascii_digits(text: str) -> str:
    """Return the text with the decimal digits of every script as ASCII digits."""
    return re.sub(r"[^\D0-9]", lambda found: str(unicodedata.digit(found.group())), text)


def fold(word: str) -> str:
    """Return the form of a normalised word under which all its spellings are found."""
    word = _POSSESSIVE.sub("", word.casefold())
    if word.isascii():
        return word.replace("'", "")
    marked = unicodedata.normalize("NFD", word)
    word = unicodedata.normalize("NFC", _MARKS.sub("", _HAMZA.sub("", marked))).translate(_LETTERS)
    if _ARABIC.match(word):
        word = _ARABIC_ARTICLE.sub("", word, count=1)
    return "".join(word.split())
