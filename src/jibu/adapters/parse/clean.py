"""From whatever a file holds to characters that canonical text allows."""

from __future__ import annotations

import re
import textwrap
import unicodedata

# Control characters other than tab and newline, soft hyphens, byte order marks, invisible tag characters
# (they can hide instructions from a human reader) and noncharacters. Zero-width spaces stay: Khmer and
# Thai texts mark words with them.
_DROP = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\ufeff\ufffe\uffff\U000e0000-\U000e007f]")
_NEWLINES = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_BLANKS = re.compile(r"[^\S\n]+")
# Begins where a run of blanks does: from each blank in it, a long run would be read over and over.
_BREAKS = re.compile(r"(?<![^\S\n])[^\S\n]*\n\s*")
_CELL_SEPARATOR = re.compile(r"\s\|\s")


def printable(text: str) -> str:
    """Drop what canonical text may not hold; every kind of line end becomes a newline."""
    text = _NEWLINES.sub("\n", text)
    return _SURROGATES.sub("\ufffd", _DROP.sub("", text.replace("\x1f", " ")))


def inline(text: str) -> str:
    """Make running text: blank space is one space, line breaks one newline. Not trimmed, not yet NFC."""
    return _BLANKS.sub(" ", _BREAKS.sub("\n", printable(text)))


def one_line(text: str) -> str:
    """Make one trimmed line, NFC."""
    return unicodedata.normalize("NFC", " ".join(printable(text).split()))


def cell(text: str) -> str:
    """Make one stretch of a table cell: no line breaks, and it does not look like two cells. Not trimmed."""
    return _CELL_SEPARATOR.sub("|", printable(text).replace("\n", " "))


def code(text: str) -> str:
    """Make preformatted text: indentation and inner newlines stay."""
    lines = [line.rstrip() for line in printable(text).expandtabs(4).split("\n")]
    return unicodedata.normalize("NFC", textwrap.dedent("\n".join(lines))).strip()
