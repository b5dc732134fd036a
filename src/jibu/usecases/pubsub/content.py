"""What event types and events may hold."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import re2  # type: ignore[import-untyped]
from jsonschema import Draft7Validator, Draft202012Validator  # type: ignore[import-untyped]
from jsonschema.exceptions import SchemaError, ValidationError  # type: ignore[import-untyped]
from jsonschema.validators import extend  # type: ignore[import-untyped]
from referencing import Registry
from referencing.exceptions import Unresolvable

from jibu.domain.errors import InvalidInput

MAX_SCHEMA = 65_536
MAX_EVENT = 262_144
MAX_DEPTH = 64
PATTERN_BYTES = 1_048_576
"""Most memory for one compiled pattern."""
MAX_STEPS = 500_000
"""Most work for one event: keywords looked at, with the size of what they look at."""
_work = threading.local()
Check = Callable[[Any, Any, Any, Any], Any]
NOWHERE: Registry[Any] = Registry()
"""Resolves references inside a schema and fetches nothing."""


def checked_schema(schema: str) -> str:
    """Return a JSON Schema (draft 7 or 2020-12) as compact JSON. Raises: InvalidInput."""
    found = _parsed(schema, "/schema", limit=MAX_SCHEMA)
    if not isinstance(found, dict):
        raise InvalidInput("a schema is an object", "/schema")
    _check_inside({name: value for name, value in found.items() if name != "$schema"})
    kind = _validator(found)
    try:
        kind.check_schema(found)
    except (SchemaError, RecursionError) as error:
        raise InvalidInput(f"not a JSON Schema: {_short(error)}", "/schema") from error
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))


def checked_event(body: str, schema: str) -> str:
    """Return an event as compact JSON. Raises: InvalidInput when it does not match its type's schema."""
    event = _parsed(body, "/event", limit=MAX_EVENT)
    if not isinstance(event, dict):
        raise InvalidInput("an event is an object", "/event")
    loaded = json.loads(schema)
    kind = _validator(loaded)
    loaded.pop("$schema", None)  # the library would leave our kinds for its own wherever it finds one
    _work.left = MAX_STEPS
    try:
        kind(loaded, registry=NOWHERE).validate(event)
    except ValidationError as error:
        where = "/".join(str(part) for part in ["/event", *error.absolute_path])
        raise InvalidInput(f"the event does not match its schema: {_short(error)}", where) from error
    except (Unresolvable, RecursionError) as error:
        raise InvalidInput("the event type's schema refers to what is not in it", "/schema") from error
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def _validator(schema: dict[str, Any]) -> Any:
    return KINDS[0] if "draft-07" in str(schema.get("$schema", "")) else KINDS[1]


def _parsed(text: str, field: str, *, limit: int) -> Any:
    if len(text.encode("utf-8", "surrogatepass")) > limit:
        raise InvalidInput(f"may have at most {limit} bytes", field)
    try:
        found = json.loads(text)
        # What cannot be written again as JSON in UTF-8 (1e999, halves of characters) would never reach anybody.
        json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        raise InvalidInput("not JSON", field) from error
    _check_depth(found, field)
    return found


def _check_depth(value: Any, field: str) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [below for each in level for below in _below(each)]
        if not level:
            return
    raise InvalidInput(f"nested deeper than {MAX_DEPTH}", field)


def _below(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _check_inside(schema: Any) -> None:
    """Refuse references to other places and patterns that the linear-time engine cannot run."""
    if isinstance(schema, dict):
        reference = schema.get("$ref", schema.get("$dynamicRef", "#"))
        if isinstance(reference, str) and not reference.startswith("#"):
            raise InvalidInput("a schema may only refer to itself ('#…')", "/schema")
        if "patternProperties" in schema:
            raise InvalidInput("patternProperties is not taken", "/schema")
        if isinstance(schema.get("$schema"), str):
            raise InvalidInput("$schema is taken at the top alone", "/schema")
        pattern = schema.get("pattern")
        if isinstance(pattern, str):
            _compiled(pattern)
    for below in _below(schema):
        _check_inside(below)


def _compiled(pattern: str) -> Any:
    """Return a pattern for RE2, which takes linear time whatever the pattern. Raises: InvalidInput."""
    options = re2.Options()
    options.max_mem, options.log_errors = PATTERN_BYTES, False
    try:
        return re2.compile(pattern, options=options)
    except re2.error as error:
        raise InvalidInput("a pattern has to be a regular expression that RE2 takes", "/schema") from error


def _matches(_validator: Any, pattern: str, value: Any, _schema: Any) -> Iterator[ValidationError]:
    if isinstance(value, str) and not _compiled(pattern).search(value):
        yield ValidationError("does not match the pattern")


def _counted(check: Check) -> Check:
    """Return a keyword's check that gives up where schema and event together would take too long."""

    def counted(validator: Any, wanted: Any, value: Any, schema: Any) -> Any:
        _work.left -= (REFERENCE if check in REFERENCES else 1) + _size(wanted) + _size(value)
        if check is UNIQUE and not _sortable(value):
            _work.left -= _size(value) ** 2
        if _work.left < 0:
            raise InvalidInput("takes too long to check against its schema", "/event")
        return check(validator, wanted, value, schema)

    return counted


def _size(value: Any) -> int:
    return len(value) if isinstance(value, (list, dict)) else 0


def _kind(usual: Any) -> Any:
    checks = {**usual.VALIDATORS, "pattern": _matches}
    return extend(usual, {keyword: _counted(check) for keyword, check in checks.items()})


def _sortable(value: Any) -> bool:
    return isinstance(value, list) and {type(one) for one in value} in ({str}, {int}, set())


UNIQUE = Draft202012Validator.VALIDATORS["uniqueItems"]
REFERENCES, REFERENCE = tuple(Draft202012Validator.VALIDATORS[name] for name in ("$ref", "$dynamicRef")), 10
KINDS = tuple(_kind(usual) for usual in (Draft7Validator, Draft202012Validator))


def _short(error: Exception) -> str:
    return str(getattr(error, "message", "") or type(error).__name__)[:200]
