"""Who may call through an X-Road Security Server, and as what. Nobody, unless an administrator says so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from jibu.domain.access import Caller
from jibu.domain.errors import Forbidden, InvalidInput
from jibu.domain.mediation import application_id, check_code

MAX_LINES = 10_000
ANY = "*"
_SCOPE = re.compile(r"[!#-\[\]-~]{1,200}")
"""What RFC 6749 lets a scope be."""


@dataclass(frozen=True, slots=True)
class Guests:
    """Scopes for clients of X-Road: by INSTANCE/CLASS/MEMBER/APPLICATION, or its beginning and ``/*``."""

    rules: tuple[tuple[tuple[str, ...], frozenset[str]], ...]

    def caller(self, client: str) -> Caller:
        """Return who calls, never an individual. The longest rule counts alone. Raises: Forbidden without one."""
        parts = tuple(client.split("/"))
        found = [rule for rule in self.rules if parts[: len(rule[0])] == rule[0]]
        if not found:
            raise Forbidden(f"nothing here is open to {client}")
        return Caller(client, max(found, key=lambda rule: len(rule[0]))[1])


def read_guests(text: str) -> Guests:
    """Read lines of a client and its scopes, separated by blanks; ``#`` begins a comment.

    Raises: InvalidInput that names the line.
    """
    rules: dict[tuple[str, ...], frozenset[str]] = {}
    lines = text.splitlines()
    if len(lines) > MAX_LINES:
        raise InvalidInput(f"more than {MAX_LINES} lines")
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        try:
            name = _name(words[0])
        except InvalidInput as error:
            raise InvalidInput(f"line {number}: {error}") from error
        scopes = frozenset(words[1:])
        if not scopes or not all(map(_SCOPE.fullmatch, scopes)):
            raise InvalidInput(f"line {number}: a client is followed by one scope or more")
        if name in rules:
            raise InvalidInput(f"line {number}: {words[0]} is there twice")
        rules[name] = scopes
    return Guests(tuple(rules.items()))


def _name(word: str) -> tuple[str, ...]:
    parts = word.split("/")
    open_ended = parts[-1] == ANY
    if open_ended:
        parts = parts[:-1]
    if not 1 <= len(parts) <= 4 or open_ended == (len(parts) == 4):
        raise InvalidInput(
            "a client is named INSTANCE/CLASS/MEMBER/APPLICATION; `/*` may stand for what follows a part"
        )
    return tuple(check_code(part, "client") for part in parts)


def read_client(header: str) -> str:
    """Read X-Road-Client, whose parts may be percent-encoded. Raises: InvalidInput."""
    parts = header.split("/")
    if len(parts) == 3:
        raise InvalidInput(
            "a member calls through one of its subsystems, this one named none", "X-Road-Client"
        )
    try:
        decoded = [unquote_to_bytes(part).decode("utf-8") for part in parts]
    except UnicodeDecodeError as error:
        raise InvalidInput("the client's name is not UTF-8", "X-Road-Client") from error
    if any("/" in part for part in decoded):
        raise InvalidInput("a part of the client's name has a slash", "X-Road-Client")
    return str(application_id("/".join(decoded), "X-Road-Client"))
