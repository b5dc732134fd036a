"""Segmenter on ICU: sentences and search terms by Unicode rules, dictionaries for scripts without spaces."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING

from jibu.adapters.text.sentences import sentence_spans
from jibu.adapters.text.terms import search_terms

if TYPE_CHECKING:
    from icu4py.breakers import BaseBreaker

_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LOCALE = re.compile(r"[A-Za-z]{2,3}")

Spans = list[tuple[int, int]]


class IcuSegmenter:
    """Sentences and terms in any language. Holds no state, so any number of threads may share it."""

    def sentences(self, text: str, language: str) -> Spans:
        """Return trimmed sentence spans (code points), in order; every visible character is in one."""
        locale = _locale(language)
        return sentence_spans(text, lambda t: _sentences(t, locale), lambda t: _words(t, locale))

    def terms(self, text: str, language: str) -> list[str]:
        """Return normalised search terms in order, repeated as they occur."""
        locale = _locale(language)
        return search_terms(text, lambda t: _words(t, locale))


def _locale(language: str) -> str:
    """Return a locale that ICU takes; the root rules for anything else."""
    found = _LOCALE.match(language)
    return found.group().lower() if found and language != "und" else "en"


def _sentences(text: str, locale: str) -> Spans:
    from icu4py.breakers import SentenceBreaker

    return _spans(SentenceBreaker, text, locale)


def _words(text: str, locale: str) -> Spans:
    from icu4py.breakers import WordBreaker

    return _spans(WordBreaker, text, locale)


def _spans(breaker: type[BaseBreaker], text: str, locale: str) -> Spans:
    """Return the breaker's spans in code points: ICU itself counts UTF-16 units."""
    if not text:
        return []
    text = _SURROGATE.sub("\ufffd", text)
    spans = list(breaker(text, locale).segments())
    if not _ASTRAL.search(text):
        return spans
    # Each character outside the basic plane takes two units, so a unit offset is too high by one for each before it.
    astral = [found.start() + count for count, found in enumerate(_ASTRAL.finditer(text))]
    return [(a - bisect_left(astral, a), b - bisect_left(astral, b)) for a, b in spans]
