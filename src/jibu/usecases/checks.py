"""Rules that several use cases ask of what callers send."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from jibu.domain.errors import InvalidInput

UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""What one line of text may not hold: control characters and halves of characters."""
VISIBLE = re.compile(r"[\x21-\x5b\x5d-\x7e]{1,2048}")
"""What an address may hold: visible ASCII but the backslash, which some take for a slash."""
DOTTED = re.compile(r"(?:(?:0|[1-9][0-9]{0,2})\.){3}(?:0|[1-9][0-9]{0,2})")
NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+", re.IGNORECASE)
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


def check_web_address(url: str, field: str) -> None:
    """Check that every reader of an http or https URL sees the same host in it.

    Raises: InvalidInput, for line breaks and blanks, a user, a fragment, numbers that stand for an address too.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise InvalidInput("is no web address", field) from error
    if not VISIBLE.fullmatch(url) or parts.scheme not in {"http", "https"} or not host:
        raise InvalidInput("is an http or https address in visible ASCII characters without backslash", field)
    if "@" in parts.netloc or "#" in url:
        raise InvalidInput("is a web address without name, password and fragment", field)
    numbers = host.rstrip(".").split(".")
    if ":" not in host and NUMBER.fullmatch(numbers[-1]) and not DOTTED.fullmatch(".".join(numbers)):
        raise InvalidInput("write the address as four decimal numbers", field)
