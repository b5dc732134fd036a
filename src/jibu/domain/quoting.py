"""Finding in a source what somebody says stands there: exact, or but for spacing, case and the shape of signs."""

from __future__ import annotations

import unicodedata

_SAME = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u201a": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u201e": '"',
        "\u00ab": '"',
        "\u00bb": '"',
        "\u2010": "-",
        "\u2011": "-",
        "\u2012": "-",
        "\u2013": "-",
        "\u2014": "-",
        "\u2212": "-",
        "\u00ad": "",
        "\u200b": "",
        "\u200c": "",
        "\u200d": "",
        "\ufeff": "",
    }
)
_EDGES = " \t\r\n\"'\u201c\u201d\u2018\u2019\u00ab\u00bb\u2026"
LEAST = 2
"""Letters or digits that a quote has at least: less would be found anywhere."""


def find_quote(text: str, quote: str) -> tuple[int, int] | None:
    """Return the span of ``text`` (code points) that a quote stands for; None where it is not there.

    The span begins and ends with the source's own characters, between words: "cat" is not quoted from "education".
    """
    wanted = quote.strip(_EDGES).removesuffix("...").strip(_EDGES)
    if sum(c.isalnum() for c in wanted) < LEAST:
        return None
    at = _between_words(text, wanted)
    if at is not None:
        return at, at + len(wanted)
    plain, places = _folded(text)
    needle, _ = _folded(wanted)
    needle = needle.strip()
    found = _between_words(plain, needle) if needle else None
    if found is None:
        return None
    return places[found], places[found + len(needle) - 1] + 1


def _between_words(text: str, wanted: str) -> int | None:
    """Return where ``wanted`` stands in ``text`` with no letter of the same kind of word right before or after it."""
    at = text.find(wanted)
    while at >= 0:
        end = at + len(wanted)
        if not _joined(text[at - 1 : at], wanted[0]) and not _joined(wanted[-1], text[end : end + 1]):
            return at
        at = text.find(wanted, at + 1)
    return None


def _joined(before: str, after: str) -> bool:
    """Tell whether two neighbours belong to one word or number. Scripts without spaces have no such bond."""
    if not before or not after or not (before.isalnum() and after.isalnum()):
        return False
    if before.isdigit() or after.isdigit():
        return before.isdigit() == after.isdigit()
    return before < "\u0e00" and after < "\u0e00"


def _folded(text: str) -> tuple[str, list[int]]:
    """Return the text without differences that do not matter, and for each of its characters where it came from."""
    characters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        folded = unicodedata.normalize("NFKC", character).casefold().translate(_SAME)
        for one in folded:
            if one.isspace():
                if characters and characters[-1] == " ":
                    continue
                one = " "  # noqa: PLW2901 - any blank space is one space
            characters.append(one)
            places.append(place)
    return "".join(characters), places
