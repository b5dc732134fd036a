"""Claims out of a model's JSON while it is still being written: each one as soon as its braces close."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RawQuote:
    """What the model says it quotes, from which source."""

    source: int
    quote: str


@dataclass(frozen=True, slots=True)
class RawClaim:
    """What the model says. Nothing of it is checked."""

    text: str
    quotes: tuple[RawQuote, ...]


class Malformed(ValueError):
    """This is not the JSON that was asked for."""


class ClaimStream:
    """Takes text bit by bit. It follows strings and brackets alone; whole objects go through ``json``."""

    def __init__(self, *, most_characters: int = 40_000) -> None:
        self._most = most_characters
        self._text = ""
        self._at = 0
        self._open: list[str] = []
        self._in_string = False
        self._escaped = False
        self._began = 0
        self.closed = False

    def feed(self, piece: str) -> list[RawClaim]:
        """Return the claims that this piece completes. Raises: Malformed."""
        self._text += piece
        if len(self._text) > self._most:
            raise Malformed("more than any answer has")
        found: list[RawClaim] = []
        while self._at < len(self._text) and not self.closed:
            claim = self._step(self._text[self._at])
            self._at += 1
            if claim is not None:
                found.append(claim)
        if not self._open and not self.closed and self._text.strip():
            raise Malformed("no JSON object")
        return found

    @property
    def blank(self) -> bool:
        """Whether nothing was said."""
        return not self._text.strip()

    @property
    def unanswerable(self) -> bool:
        """Whether the whole of it says, in good form, that the sources do not hold the answer."""
        if not self.closed:
            return False
        whole = _parsed(self._text[: self._at])
        return whole.get("answerable") is False and whole.get("claims") == []

    def _step(self, character: str) -> RawClaim | None:
        if self._in_string:
            if self._escaped:
                self._escaped = False
            elif character == "\\":
                self._escaped = True
            elif character == '"':
                self._in_string = False
        elif character == '"':
            self._in_string = True
        elif character in "{[":
            self._opened(character)
        elif character in "}]":
            return self._closed(character)
        return None

    def _opened(self, character: str) -> None:
        if not self._open and character != "{":
            raise Malformed("no JSON object")
        if len(self._open) > 8:
            raise Malformed("nested too deeply")
        self._open.append(character)
        if self._open == ["{", "[", "{"]:
            self._began = self._at

    def _closed(self, character: str) -> RawClaim | None:
        if not self._open or self._open[-1] + character not in {"{}", "[]"}:
            raise Malformed("brackets do not match")
        whole = self._open == ["{", "[", "{"]
        self._open.pop()
        self.closed = not self._open
        return _claim(_parsed(self._text[self._began : self._at + 1])) if whole else None


def _parsed(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Malformed("no JSON") from error
    if not isinstance(found, dict):
        raise Malformed("no JSON object")
    return found


def _claim(found: dict[str, Any]) -> RawClaim:
    """Return a claim; what is not of its form is left out, so that the check finds it wanting."""
    text, cited = found.get("text"), found.get("citations")
    quotes = [
        RawQuote(one["source"], one["quote"])
        for one in (cited if isinstance(cited, list) else [])
        if isinstance(one, dict) and type(one.get("source")) is int and isinstance(one.get("quote"), str)
    ]
    return RawClaim(text if isinstance(text, str) else "", tuple(quotes))
