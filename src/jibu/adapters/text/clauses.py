# ruff: noqa: RUF001 - punctuation of many scripts
"""Cutting stretches that have no full stop, or far too late a one, into units of bounded length."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

Spans = list[tuple[int, int]]

_SPACED_CLAUSES = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")  # Thai, Lao, Burmese, Khmer
_IDEOGRAPHS = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_BLANK = re.compile(r"\s+")
_CLAUSE_END = re.compile(
    r"[;:,،؛、，；：፣፤፥၊।—–]['\"»”’)\]]*(?=\s|[\u3040-\u9fff])|[、，；：၊](?=\S)|\s[—–-](?=\s)"
)
# Thai writes blanks around numbers, foreign words and these signs without ending a clause.
_NOT_A_CLAUSE_END = re.compile(r"[\d๐-๙(\u201cA-Za-zๆฯ]")

ALPHABETIC_LIMIT = 500
DENSE_LIMIT = 200  # ideographs: about as long when read
SPACED_TARGET, SPACED_LIMIT = 80, 260


def cut_unmarked(text: str, start: int, end: int) -> Spans:
    """Cut a stretch in a script that parts clauses by blanks only, at blanks, into units near the target."""
    piece = text[start:end]
    if end - start <= SPACED_TARGET or 2 * len(_SPACED_CLAUSES.findall(piece)) < len(piece):
        return [(start, end)]
    out, begin = [], start
    for blank in _BLANK.finditer(text, start, end):
        length = blank.start() - begin
        enough = length >= SPACED_TARGET and end - blank.end() >= SPACED_TARGET // 3
        if enough and (length >= SPACED_LIMIT or _ends_clause(text, blank)):
            out.append((begin, blank.start()))
            begin = blank.end()
    return [*out, (begin, end)]


def _ends_clause(text: str, blank: re.Match[str]) -> bool:
    return not (
        _NOT_A_CLAUSE_END.match(text[blank.start() - 1]) or _NOT_A_CLAUSE_END.match(text[blank.end()])
    )


def cut_overlong(text: str, start: int, end: int, words: Callable[[str], Spans]) -> Iterator[tuple[int, int]]:
    """Yield the span, cut where it is over the limit: at clause marks, else blanks, else between words."""
    limit = _limit(text[start:end])
    while end - start > limit:
        cut = _cut_at(text, start, min(end, start + limit), words)
        yield start, start + len(text[start:cut].rstrip())
        blank = _BLANK.match(text, cut, end)
        start = blank.end() if blank else cut
    if start < end:
        yield start, end


def _limit(piece: str) -> int:
    if len(piece) <= DENSE_LIMIT:
        return DENSE_LIMIT
    sample = piece[:1000]
    if 2 * len(_IDEOGRAPHS.findall(sample)) > len(sample):
        return DENSE_LIMIT
    return SPACED_LIMIT if 2 * len(_SPACED_CLAUSES.findall(sample)) > len(sample) else ALPHABETIC_LIMIT


def _cut_at(text: str, start: int, limit: int, words: Callable[[str], Spans]) -> int:
    """Return the best place to cut in the second half of ``text[start:limit]``."""
    half = start + (limit - start) // 2
    for pattern in (_CLAUSE_END, _BLANK):
        ends = [found.end() for found in pattern.finditer(text, half, limit)]
        if ends:
            return ends[-1]
    inside = [start + b for _, b in words(text[start:limit])[:-1] if start + b > half]
    return inside[-1] if inside else limit
