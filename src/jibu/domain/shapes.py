"""What a service's description calls the parts of its answers. Written by strangers: short lines, nothing else."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

MAX_LABEL = 80
KEPT = frozenset("\u200c\u200d")
"""Invisible, and yet part of how Persian, Sinhala and others are spelt."""
_WORDS = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z])|(?<=\d)(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[\s_.\-]+")
_SENTENCE = re.compile(r"[.!?।。؟](?:\s|$)")


@dataclass(frozen=True, slots=True)
class Shape:
    """What a value is called, and the parts of it: ``members`` of an object, ``items`` of a list."""

    label: str | None = None
    members: tuple[tuple[str, Shape], ...] = ()
    items: Shape | None = None

    def member(self, name: str) -> Shape:
        """Return what a member is, an empty shape where nothing is known of it."""
        return next((shape for key, shape in self.members if key == name), UNKNOWN)

    def item(self) -> Shape:
        """Return what an item is, an empty shape where nothing is known of it."""
        return self.items or UNKNOWN

    def named(self, key: str) -> str:
        """Return what to call this value under a key."""
        return self.label or humanised(key)


UNKNOWN = Shape()


def one_line(text: str) -> str:
    """Return the text on one line: runs of blanks, breaks and controls are one blank, what hides is gone.

    Gone are the marks that turn the direction of writing or show nothing, so that what is read is what is there.
    """
    return " ".join("".join(map(_plain, text)).split())


def _plain(character: str) -> str:
    category = unicodedata.category(character)
    if category in {"Cc", "Zl", "Zp", "Zs"}:
        return " "
    if category == "Cf" and character not in KEPT and not _shows(character):
        return ""
    return "" if category in {"Cs", "Cn", "Co"} else character


def _shows(character: str) -> bool:
    """Tell whether a format character is seen: the Arabic, Syriac and Kaithi number marks are."""
    return (
        "\u0600" <= character <= "\u08e2" and character != "\u061c"
    ) or character in "\U000110bd\U000110cd"


def humanised(key: str) -> str:
    """Return a member's name as people write it: ``dateOfBirth`` and ``date_of_birth`` are "date of birth"."""
    words = [word if len(word) > 1 and word.isupper() else word.lower() for word in _WORDS.split(key) if word]
    return one_line(" ".join(words))[:MAX_LABEL].strip() or one_line(key)[:MAX_LABEL].strip() or "value"


def label_of(title: str, description: str) -> str | None:
    """Return a title, else the first sentence of a description; None where neither is at most 80 characters."""
    sentence = _SENTENCE.split(one_line(description), maxsplit=1)[0]
    return next((one for one in (one_line(title), sentence) if 0 < len(one) <= MAX_LABEL), None)
