"""What counts as a question."""

from __future__ import annotations

import unicodedata

from jibu.domain.errors import InvalidInput

MAX_QUESTION = 4000
_ALLOWED_CONTROLS = frozenset("\n\r\t")


def check_text(text: str, field: str, limit: int = MAX_QUESTION) -> str:
    """Return the text in NFC without surrounding blank space.

    Raises: InvalidInput when it is blank, longer than ``limit`` characters, or holds control
    characters (other than line breaks and tabs) or lone surrogates.
    """
    if len(text) > limit:
        raise InvalidInput(f"{field} has {len(text)} characters; the limit is {limit}", field)
    if any(unicodedata.category(c) in ("Cc", "Cs") and c not in _ALLOWED_CONTROLS for c in text):
        raise InvalidInput(f"{field} holds control characters", field)
    clean = unicodedata.normalize("NFC", text).strip()
    if not any(c.isalnum() for c in clean):
        raise InvalidInput(f"{field} is blank", field)
    return clean
