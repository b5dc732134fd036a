"""Rules that several use cases ask of what callers send."""

from __future__ import annotations

import re

from jibu.domain.errors import InvalidInput

UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""What one line of text may not hold: control characters and halves of characters."""
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def check_language(language: str, field: str) -> None:
    """Raises: InvalidInput when this is no BCP 47 tag."""
    if len(language) > 35 or not LANGUAGE.fullmatch(language):
        raise InvalidInput("not a BCP 47 language tag", field)


def check_line(value: str | None, field: str, *, limit: int) -> None:
    """Raises: InvalidInput when this is blank, too long or more than a line. None passes."""
    if value is None:
        return
    if not value.strip():
        raise InvalidInput("may not be blank", field)
    if len(value) > limit:
        raise InvalidInput(f"may have at most {limit} characters", field)
    if UNFIT.search(value):
        raise InvalidInput("may not have control characters", field)
