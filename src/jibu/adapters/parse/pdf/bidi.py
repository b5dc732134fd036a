"""Right-to-left text: files store it as drawn or as read, often both in one line; where glyphs stand decides."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace

from jibu.adapters.parse.pdf.model import Segment, bounds, has_rtl, is_rtl, rows_of

Glyph = tuple[float, str]
"""The middle of a glyph (x) and its text."""


def logical(parts: Sequence[str], middles: Sequence[float]) -> str:
    """Return a line's glyphs in reading order. A part that begins with a space begins a word."""
    text = "".join(parts)
    if not has_rtl(text):
        return text
    words: list[list[Glyph]] = [[]]
    for part, middle in zip(parts, middles, strict=True):
        if part.startswith(" "):
            words.append([])
        words[-1].append((middle, part.strip(" ")))
    placed = [(sum(x for x, _ in word) / len(word), _word(word)) for word in words if word]
    placed.sort(key=lambda item: item[0])
    rtl = is_rtl(text)
    line = " ".join(_directed([word for _, word in placed], _follows_line if rtl else has_rtl, rtl=rtl))
    return _brackets(line) if rtl else line


def rejoined(segments: Sequence[Segment], near: Callable[[Segment, Segment], bool]) -> list[Segment]:
    """Join right-to-left segments that stand near each other: glyphs that jump in the file cut lines apart."""
    if not any(has_rtl(segment.text) for segment in segments):
        return list(segments)
    found: list[Segment] = []
    for row in rows_of(segments):
        if is_rtl("".join(segment.text for segment in row)):
            found += [_joined(group) for group in _groups(row, near)]
        else:
            found += row
    return found


def _groups(row: Sequence[Segment], near: Callable[[Segment, Segment], bool]) -> list[list[Segment]]:
    groups: list[list[Segment]] = []
    for segment in row:
        if groups and near(groups[-1][-1], segment):
            groups[-1].append(segment)
        else:
            groups.append([segment])
    return groups


def _joined(group: Sequence[Segment]) -> Segment:
    """Join segments of a right-to-left line, given from right to left."""
    texts = _directed([segment.text for segment in reversed(group)], _follows_line, rtl=True)
    longest = max(group, key=lambda segment: len(segment.text))
    x0, y0, x1, y1 = bounds(group)
    return replace(longest, text=_brackets(" ".join(texts)), x0=x0, y0=y0, x1=x1, y1=y1)


def _follows_line(text: str) -> bool:
    """Tell whether a piece of a right-to-left line runs with it: letters that do, or signs alone."""
    return has_rtl(text) or not any(map(str.isalnum, text))


def _brackets(text: str) -> str:
    """Mend brackets that a file stores as they look: mirrored, or all of one kind."""
    found = "".join(c for c in text if c in "()")
    half, odd = divmod(len(found), 2)
    if odd or found not in (")(" * half, "))" * half, "((" * half):
        return text
    pieces = re.split(r"[()]", text)
    signs = ["(", ")"] * half
    return "".join(piece + sign for piece, sign in zip(pieces, [*signs, ""], strict=True))


def _word(glyphs: Sequence[Glyph]) -> str:
    """Return one word in reading order."""
    if not has_rtl("".join(text for _, text in glyphs)):
        return "".join(text for _, text in glyphs)
    bases = [(middle, text) for middle, text in glyphs if not _is_mark(text)]
    if not bases:
        return "".join(text for _, text in glyphs)
    bases.sort(key=lambda glyph: -glyph[0])
    texts = [text for _, text in bases]
    for middle, mark in glyphs:
        if _is_mark(mark):
            # A mark is read after the letter that it stands over.
            nearest = min(range(len(bases)), key=lambda n: abs(bases[n][0] - middle))
            texts[nearest] += mark
    return "".join(_directed(texts[::-1], lambda text: not _is_number(text), rtl=True))


def _directed(items: Sequence[str], is_rtl_item: Callable[[str], bool], *, rtl: bool) -> list[str]:
    """Return items, given from left to right, in reading order: runs of the other direction turn round."""
    found: list[str] = []
    run: list[str] = []
    for item in reversed(items) if rtl else items:
        if is_rtl_item(item) == rtl:
            found += [*reversed(run), item]
            run = []
        else:
            run.append(item)
    return [*found, *reversed(run)]


def _is_mark(text: str) -> bool:
    return bool(text) and all(unicodedata.category(c) == "Mn" for c in text)


def _is_number(text: str) -> bool:
    return all(c.isdigit() or (c.isascii() and c.isalpha()) for c in text)
