"""JSON and JSON lines: records become tables, other objects headings, values and lists."""

from __future__ import annotations

import json
from collections.abc import Sequence

from jibu.adapters.parse.builder import DocumentBuilder
from jibu.adapters.parse.limits import MAX_DEPTH
from jibu.domain.errors import ParseFailed

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]

_TITLE_KEYS = ("title", "name", "Title", "Name")
_LONG = 200
"""A text longer than this is running text, not a table cell."""


def read(text: str, out: DocumentBuilder) -> None:
    """Read JSON or JSON lines. Raises: ParseFailed (unreadable, limits)."""
    value = _load(text)
    title = _title_key(value)
    if isinstance(value, dict) and title:
        out.title = str(value.pop(title))
        out.heading(out.title, 1)
    _value(value, out, depth=2 if title else 1)


def _title_key(value: JsonValue) -> str | None:
    """Return the key under which an object has its name."""
    if not isinstance(value, dict):
        return None
    return next((key for key in _TITLE_KEYS if isinstance(value.get(key), str)), None)


def _load(text: str) -> JsonValue:
    try:
        return _whole_or_lines(text)
    except RecursionError as error:
        raise ParseFailed("The JSON is nested too deeply.", "unreadable") from error
    except ValueError as error:
        raise ParseFailed(f"The file is not valid JSON: {error}.", "unreadable") from error


def _whole_or_lines(text: str) -> JsonValue:
    try:
        value: JsonValue = json.loads(text)
    except ValueError:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2 or not lines[0].rstrip().endswith("}"):
            raise
        return [json.loads(line) for line in lines]
    return value


def _value(value: JsonValue, out: DocumentBuilder, *, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ParseFailed("The JSON is nested too deeply.", "unreadable")
    if isinstance(value, dict):
        _object(value, out, depth=depth)
    elif isinstance(value, list):
        _array(value, out, depth=depth)
    else:
        out.paragraph(_scalar(value))


def _object(value: dict[str, JsonValue], out: DocumentBuilder, *, depth: int) -> None:
    for key, member in value.items():
        if not isinstance(member, dict | list):
            text = _scalar(member)
            out.paragraph(f"{key}: {text}" if text else "")
        elif member:
            out.heading(key, depth)
            _value(member, out, depth=depth + 1)


def _array(value: Sequence[JsonValue], out: DocumentBuilder, *, depth: int) -> None:
    records = [item for item in value if isinstance(item, dict)]
    if len(records) == len(value) > 1 and all(map(_is_flat, records)):
        _records(records, out)
        return
    for number, item in enumerate(value, 1):
        if isinstance(item, dict):
            title = _title_key(item)
            out.heading(str(item.pop(title)) if title else str(number), depth)
            _value(item, out, depth=depth + 1)
        elif isinstance(item, list):
            _value(item, out, depth=depth + 1)
        else:
            out.list_item(_scalar(item))


def _is_flat(record: dict[str, JsonValue]) -> bool:
    return not any(
        isinstance(v, dict | list) or (isinstance(v, str) and len(v) > _LONG) for v in record.values()
    )


def _records(records: Sequence[dict[str, JsonValue]], out: DocumentBuilder) -> None:
    columns = list(dict.fromkeys(key for record in records for key in record))
    out.start_table()
    out.row(columns, header=True)
    for record in records:
        out.row([_scalar(record.get(column)) for column in columns])


def _scalar(value: JsonValue) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value)
