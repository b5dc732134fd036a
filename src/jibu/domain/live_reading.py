"""Reads what a service answered about an individual. Hostile input: bounded in every way, refused rather than mended.

How values are rendered is written down in ``docs/reference/live-data.md``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import NoReturn

from jibu.domain.live import LiveField
from jibu.domain.shapes import UNKNOWN, Shape, one_line

MAX_DEPTH = 8
MAX_FIELDS = 200
MAX_VALUES = 2000
MAX_TEXT = 500
MAX_NAME = 100
TOO_MANY = f"there are more than {MAX_VALUES} values"
ROOT = "answer"
"""What a body that is no object is called where its description does not say."""


class Unreadable(ValueError):
    """The body is no JSON that can be used. ``str`` says why, without anything of what it said."""


Value = str | bool | list["Value"] | dict[str, "Value"] | None
"""A JSON value. A number is the text of it."""


def read_fields(body: bytes, shape: Shape = UNKNOWN) -> tuple[LiveField, ...]:
    """Return what an answer says, in its order. Raises: Unreadable."""
    value = parse(body)
    _check(value)
    found: list[LiveField] = []
    for field in _fields(value, "", (), shape):
        if len(field.text) > MAX_TEXT:
            raise Unreadable(f"a value has more than {MAX_TEXT} characters")
        found.append(field)
        if len(found) > MAX_FIELDS:
            raise Unreadable(f"there are more than {MAX_FIELDS} values")
    return tuple(found)


def parse(body: bytes) -> Value:
    """Return the JSON value that a body is. Raises: Unreadable."""
    budget = _Budget()
    try:
        found: Value = json.loads(
            body.decode("utf-8"),
            parse_int=budget.number,
            parse_float=budget.number,
            parse_constant=_constant,
            object_pairs_hook=budget.object,
        )
    except Unreadable:
        raise
    except UnicodeDecodeError as error:
        raise Unreadable("it is not UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise Unreadable("it is no JSON") from error
    return found


class _Budget:
    """Looks at what the parser finds while it reads, so that it stops soon."""

    def __init__(self) -> None:
        self._numbers = self._members = MAX_VALUES

    def number(self, text: str) -> str:
        """Return a number as it was written. Raises: Unreadable."""
        self._numbers -= 1
        if self._numbers < 0:
            raise Unreadable(TOO_MANY)
        if len(text) > MAX_TEXT or not math.isfinite(float(text)):
            raise Unreadable("a number is too large")
        return text

    def object(self, pairs: list[tuple[str, Value]]) -> dict[str, Value]:
        """Return an object. Raises: Unreadable."""
        self._members -= max(1, len(pairs))
        if self._members < 0:
            raise Unreadable(TOO_MANY)
        found = dict(pairs)
        if len(found) < len(pairs):
            raise Unreadable("an object has a member twice")
        for name in found:
            if not 1 <= len(name) <= MAX_NAME or one_line(name) != name:
                raise Unreadable(
                    f"a member's name is empty, longer than {MAX_NAME} characters or hides something"
                )
        return found


def _constant(_text: str) -> NoReturn:
    raise Unreadable("a number is none")


def _check(value: Value) -> None:
    """Look at every value once, before anything is made of them. Raises: Unreadable."""
    waiting, seen, characters = [(value, 0)], 0, 0
    while waiting:
        one, depth = waiting.pop()
        seen += 1
        if isinstance(one, str):
            characters += len(one)
            if len(one) > MAX_TEXT or characters > MAX_TEXT * MAX_FIELDS:
                raise Unreadable(f"a value has more than {MAX_TEXT} characters, or all have too many")
            if any("\ud800" <= character <= "\udfff" for character in one):
                raise Unreadable("a text has half a character")
        elif isinstance(one, dict | list):
            inner = one.values() if isinstance(one, dict) else one
            waiting.extend((part, depth + 1) for part in inner)
            if depth == MAX_DEPTH:
                raise Unreadable(f"it is deeper than {MAX_DEPTH} levels")
        if seen + len(waiting) > MAX_VALUES:
            raise Unreadable(TOO_MANY)


def _fields(value: Value, path: str, labels: tuple[str, ...], shape: Shape) -> Iterator[LiveField]:
    if isinstance(value, dict):
        for name, one in value.items():
            known = shape.member(name)
            yield from _fields(one, f"{path}/{_token(name)}", (*labels, known.named(name)), known)
        return
    labels = labels or (shape.named(ROOT),)
    places: list[tuple[Value, str, Shape]] = [(value, path, shape)]
    if isinstance(value, list) and _parted(value):
        places = [(one, f"{path}/{number}", shape.item()) for number, one in enumerate(value)]
    for one, where, known in places:
        text = rendered(one, known)
        if text:
            yield LiveField(where, labels, text)


def rendered(value: Value, shape: Shape = UNKNOWN) -> str:
    """Return a value as people read it, on one line; nothing for what is empty."""
    if isinstance(value, dict):
        parts = ((name, shape.member(name), one) for name, one in value.items())
        said = ((known.named(name), _inner(one, known)) for name, known, one in parts)
        return "; ".join(f"{label}: {text}" for label, text in said if text)
    if isinstance(value, list):
        return ", ".join(filter(None, (_inner(one, shape.item()) for one in value)))
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else one_line(value)


def _inner(value: Value, shape: Shape) -> str:
    """Return a part of something larger: what has parts itself stands in parentheses."""
    text = rendered(value, shape)
    return f"({text})" if text and _parted(value) else text


def _parted(value: Value) -> bool:
    """Tell whether a value is an object, or a list of more than plain values."""
    return isinstance(value, dict) or (
        isinstance(value, list) and any(isinstance(one, dict | list) for one in value)
    )


def _token(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
