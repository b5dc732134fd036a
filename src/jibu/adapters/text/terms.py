# ruff: noqa: RUF001 - signs of many scripts
"""Search terms: normalised words, numbers and word beginnings, the same for questions and documents.

Pure functions; the word breaker comes in as an argument. Nothing depends on a guessed language, so a question
whose language was misjudged still meets the documents.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from jibu.adapters.text.folding import fold, normalise

Breaker = Callable[[str], list[tuple[int, int]]]

STEM = 5
"""A longer word also yields its first letters, marked by ``~``: a stem of sorts for every alphabet."""

LONGEST_KEPT = 64
"""Characters of a word whose terms are remembered: longer ones seldom come twice and would fill the memory."""

_ALNUM = re.compile(r"[^\W_]")
_NUMBER = re.compile(r"\d[\d.,'٫٬]*$")
_GROUPED = re.compile(r"\d{1,3}(?:[,.'٬]\d{3})+(?:[.,]\d{1,2})?$")
_DECIMALS = re.compile(r"[.,](\d{1,2})$")
_SPACED_NUMBER = re.compile(r"(?<![\d.,])\d{1,3}(?: \d{3})+(?![\d])")
_HUMP = re.compile(r"(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_ELISION = re.compile(
    r"^(?:[ldjnscmt]|qu|jusqu|lorsqu|puisqu|quoiqu|un|dell|all|nell|sull|dall|gl)'(?=\w{2})", re.IGNORECASE
)
_JOINTS = re.compile(r"[_.:·]")


def search_terms(text: str, words: Breaker) -> list[str]:
    """Return the terms of ``text`` in order, repeated as they occur."""
    text = _SPACED_NUMBER.sub(lambda found: found.group().replace(" ", ","), normalise(text))
    return [term for a, b in words(text) for term in _terms_of(text[a:b])]


def _terms_of(word: str) -> tuple[str, ...]:
    return _remembered(word) if len(word) <= LONGEST_KEPT else _word_terms(word)


@lru_cache(maxsize=65_536)
def _remembered(word: str) -> tuple[str, ...]:
    return _word_terms(word)


def _word_terms(word: str) -> tuple[str, ...]:
    if not _ALNUM.search(word):
        return ()
    if _NUMBER.match(word):
        return (number(word),)
    return tuple(_with_stems(_forms(word)))


def number(text: str) -> str:
    """Return a number without group separators, with a point for the decimals, none where they are zero."""
    text = text.rstrip(".,'").replace("٫", ".")
    if _GROUPED.match(text):
        decimals = _DECIMALS.search(text)
        text = re.sub(r"\D", "", text[: decimals.start()] if decimals else text)
        text += f".{decimals.group(1)}" if decimals else ""
    elif text.count(",") == 1 and "." not in text:
        text = text.replace(",", ".")
    return re.sub(r"\.0+$", "", text) if text.count(".") == 1 else text


def _forms(word: str) -> list[str]:
    """Return the folded word and, where it is several written as one, those."""
    word = _ELISION.sub("", word, count=1) if "'" in word else word
    whole = fold(word)
    parts = [fold(p) for joint in _JOINTS.split(word) for p in _HUMP.split(joint)]
    return [form for form in dict.fromkeys([whole, *parts]) if len(form) > 1 or form == whole != ""]


def _with_stems(forms: list[str]) -> Iterator[str]:
    for form in forms:
        yield form
        if len(form) > STEM and (form != forms[0] or len(forms) == 1):
            yield "~" + form[:STEM]
