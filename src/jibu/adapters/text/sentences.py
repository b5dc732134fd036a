# ruff: noqa: RUF001 - punctuation of many scripts
"""Repairs to sentence boundaries: what Unicode's rules alone get wrong in official documents.

Pure functions; the word and sentence breakers come in as arguments.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

from jibu.adapters.text.abbreviations import ALWAYS, BEFORE_NUMBER
from jibu.adapters.text.clauses import cut_overlong, cut_unmarked

Spans = list[tuple[int, int]]
Breaker = Callable[[str], Spans]

_BULLET = re.compile(
    r"\s*(?:[-*+•‣▪●◦–—·]\s|\|\s?|(?:\(?(?:\d{1,3}|[A-Za-z]|[ivxlc]{1,5})[.)]|\d+(?:\.\d+)+\.?)\s)"
)
_MARKER = re.compile(r"\W*(?:\(?(?:\d{1,3}|[A-Za-z]|[ivxlcIVXLC]{1,5})[.)]|(?:\d+\.)+)\W*$")
_LAST_WORD = re.compile(r"([^\W\d_][\w.ªº-]*)\.$")
_FIRST_NUMBER = re.compile(r"[\W_]*\d|[IVXLC]+\b|[A-Z]\.?\s?\d")
_TERMINAL = re.compile(r"[.!?:;…。！？।॥؟۔។៕።፧፨။]['\"»”’)\]]*$")
_THAI = re.compile("[\u0e00-\u0e7f]")
_VISIBLE = re.compile(r"\w")
_LONGEST_JOINED = 4000  # characters: no sentence is longer, and each join looks at all of it again
_SOFT_WRAP = 55  # a line this long that does not end a sentence was broken by the page, not by the writer


def sentence_spans(text: str, sentences: Breaker, words: Breaker) -> Spans:
    """Return trimmed sentence spans of ``text``, in order, covering every character that is not blank."""
    flat = join_wrapped_lines(text)
    spans = _merge(flat, [s for s in (_trim(flat, a, b) for a, b in sentences(flat)) if s])
    return [
        cut for a, b in spans for part in cut_unmarked(text, a, b) for cut in cut_overlong(text, *part, words)
    ]


def join_wrapped_lines(text: str) -> str:
    """Return the text with line feeds inside a wrapped sentence made spaces; its length stays the same."""
    if "\n" not in text:
        return text
    lines = text.split("\n")
    out = [lines[0]]
    for before, line in pairwise(lines):
        out.extend((" " if _wraps(before, line) else "\n", line))
    return "".join(out)


def _wraps(before: str, line: str) -> bool:
    head, tail = line.lstrip(), before.rstrip()
    if (
        not head
        or not tail
        or _BULLET.match(line)
        or " | " in line
        or " | " in before
        or _TERMINAL.search(tail)
    ):
        return False
    return head[0].islower() or len(tail) >= _SOFT_WRAP


def _trim(text: str, start: int, end: int) -> tuple[int, int] | None:
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    end = start + len(piece.strip())
    return (start, end) if end > start else None


def _merge(text: str, spans: Spans) -> Spans:
    """Join spans that were cut after an abbreviation, an initial or a list marker, and bare punctuation."""
    merged: Spans = []
    for start, end in spans:
        if merged and _belongs(text, merged[-1], start, end):
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def _belongs(text: str, before: tuple[int, int], start: int, end: int) -> bool:
    gap = text[before[1] : start]
    if before[1] - before[0] > _LONGEST_JOINED or "\n" in gap or "\u2029" in gap:
        return False
    left, right = text[before[0] : before[1]], text[start:end]
    if not _VISIBLE.search(right) or not _VISIBLE.search(left) or _MARKER.match(left):
        return True
    if left[-1] in "\"'”»" and right[0].islower():  # "Really?" he said.
        return True
    return left[-1] == "." and _abbreviated(left, right)


def _abbreviated(left: str, right: str) -> bool:
    """Tell whether the full stop that ``left`` ends with belongs to its last word."""
    found = _LAST_WORD.search(left[-40:])
    if not found:
        return False
    word = found.group(1)
    if _THAI.match(word[-1]):  # Thai has no full stop; this one abbreviates
        return True
    lower = word.casefold()
    if lower in ALWAYS and (len(word) > 1 or word.isupper() or word.islower()):
        return True
    if lower in BEFORE_NUMBER and _FIRST_NUMBER.match(right):
        return True
    initial = len(word) == 1 and word.isupper()
    return initial and right[0].isupper() and not (word == "I" and left[-3:-2] == " ")
