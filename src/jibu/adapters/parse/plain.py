"""Plain text: paragraphs, list items and the few headings that are beyond doubt."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from jibu.adapters.parse import clean
from jibu.adapters.parse.builder import DocumentBuilder

MAX_HEADING = 90
NEARLY = 0.9
WRAP_FROM = 45
"""A text whose longest line is shorter than this is not hard-wrapped prose."""

_BULLET = re.compile(r"\s*(?:[-*+•‣◦▪\u2013]|\(?[0-9]{1,3}[.)]|\(?[a-zA-Z][.)])[ \t]+(?=\S)")
_SIGN = re.compile(r"\s*(?:[-*+•‣◦▪\u2013])[ \t]+")
_UNDERLINE = re.compile(r"\s*(={3,}|-{3,}|~{3,})\s*")
_NUMBERED = re.compile(r"\s*(\d{1,3}(?:\.\d{1,3})*)\.?[ \t]+\S")
_HASHES = re.compile(r"(#{1,6})[ \t]+(\S.*?)[ \t]*#*$")
_ENDS = (".", ",", ";", ":", "!", "?", "。", "؟", "।", "។")
# Scripts that put no space between words: a line break there stands for nothing.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]"
)


def read(text: str, out: DocumentBuilder) -> None:
    """Read plain text. Raises: ParseFailed (limits)."""
    paragraphs = [lines for lines in _paragraphs(clean.printable(text)) if lines]
    width = max((len(line) for lines in paragraphs for line in lines), default=0)
    for number, lines in enumerate(paragraphs):
        following = paragraphs[number + 1] if number + 1 < len(paragraphs) else ()
        _paragraph(lines, following, min(width, 120), out)


def _paragraphs(text: str) -> list[list[str]]:
    found: list[list[str]] = [[]]
    for line in text.split("\n"):
        if line.strip():
            found[-1].append(line.rstrip())
        elif found[-1]:
            found.append([])
    return found


def _paragraph(lines: list[str], following: Sequence[str], width: int, out: DocumentBuilder) -> None:
    if len(lines) > 1 and _UNDERLINE.fullmatch(lines[1]) and len(lines[0].strip()) <= MAX_HEADING:
        out.heading(lines[0], 1 if "=" in lines[1] else 2)
        lines = lines[2:]
    elif _HASHES.match(lines[0]):
        found = _HASHES.match(lines[0])
        assert found  # noqa: S101 - for the type checker
        out.heading(found.group(2), len(found.group(1)))
        lines = lines[1:]
    elif _is_heading(lines[0], lines[1:] or following, alone=len(lines) == 1):
        out.heading(lines[0], _level(lines[0]))
        lines = lines[1:]
    if lines and not all(_UNDERLINE.fullmatch(line) for line in lines):
        _body(lines, width, out)


def _is_heading(line: str, following: Sequence[str], *, alone: bool) -> bool:
    """Tell a heading: short, unpunctuated, and in capitals or numbered before running text."""
    stripped = line.strip()
    if not following or len(stripped) > MAX_HEADING or stripped.endswith(_ENDS):
        return False
    if _in_capitals(stripped):
        return not _in_capitals(following[0])
    return alone and bool(_NUMBERED.match(line)) and not _BULLET.match(following[0])


def _in_capitals(text: str) -> bool:
    cased = [c for c in text if c.isupper() or c.islower()]
    return len(cased) >= 4 and all(c.isupper() for c in cased)


def _level(line: str) -> int:
    found = _NUMBERED.match(line)
    return found.group(1).count(".") + 1 if found else 1


def _body(lines: Sequence[str], width: int, out: DocumentBuilder) -> None:
    """Add lines as list items, where they have bullets, and as a paragraph."""
    group: list[str] = []
    in_list = False
    listed = sum(bool(_BULLET.match(line)) for line in lines)
    for line in lines:
        if _BULLET.match(line) and (listed > 1 or _SIGN.match(line)):
            _emit(group, width, out, in_list=in_list)
            group, in_list = [_SIGN.sub("", line, count=1)], True
        else:
            group.append(line)
    _emit(group, width, out, in_list=in_list)


def _emit(lines: Sequence[str], width: int, out: DocumentBuilder, *, in_list: bool) -> None:
    if lines:
        (out.list_item if in_list else out.paragraph)(unwrap(lines, width))


def unwrap(lines: Sequence[str], width: int) -> str:
    """Join lines that were broken to fit ``width``; keep breaks that someone made."""
    parts = [lines[0].strip()]
    for before, line in pairwise(lines):
        first = line.split(maxsplit=1)[0]
        wrapped = width >= WRAP_FROM and len(before) + 1 + len(first) > NEARLY * width
        unspaced = _UNSPACED.match(parts[-1][-1]) and _UNSPACED.match(line.strip()[0])
        parts += ["" if wrapped and unspaced else " " if wrapped else "\n", line.strip()]
    return "".join(parts)
