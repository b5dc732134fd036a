"""What an OpenAPI document asks for and returns, as plain facts that two documents can be compared by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

METHODS = ("get", "put", "post", "patch", "delete")


def followed(document: dict[str, Any], value: Any) -> Any:
    """Return what a reference points at."""
    while isinstance(value, dict) and "$ref" in value:
        target: Any = document
        for part in value["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        value = target
    return value


def fields(document: dict[str, Any], schema: Any, at: str = "") -> Iterator[tuple[str, list[Any]]]:
    """Yield every field of a schema with its type and whether it has to be there; lists as ``name[]``."""
    schema = followed(document, schema)
    for part in schema.get("allOf", []):
        yield from fields(document, part, at)
    if "items" in schema:
        yield from _field(document, schema["items"], f"{at}[]", required=False)
    for name, found in schema.get("properties", {}).items():
        place = f"{at}.{name}" if at else name
        yield from _field(document, found, place, required=name in schema.get("required", []))


def _field(
    document: dict[str, Any], schema: Any, at: str, *, required: bool
) -> Iterator[tuple[str, list[Any]]]:
    yield at, [kind(document, schema), required]
    yield from fields(document, schema, at)


def kind(document: dict[str, Any], schema: Any) -> str:
    """Return the type of a schema; choices are part of it."""
    schema = followed(document, schema)
    found = schema.get("type") or ("object" if schema.get("properties") or "allOf" in schema else "any")
    return f"{found} of {', '.join(schema['enum'])}" if "enum" in schema else str(found)


def bodies(document: dict[str, Any], found: Any) -> dict[str, Any]:
    """Return the fields of a request or response by media type; the whole is the field without a name."""
    return {
        media: {"": [kind(document, one["schema"]), True], **dict(fields(document, one["schema"]))}
        for media, one in followed(document, found).get("content", {}).items()
        if media != "application/problem+json"
    }


def facts(document: dict[str, Any]) -> dict[str, Any]:
    """Return every operation by method and path."""
    return {
        f"{method.upper()} {path}": _operation(document, item, item[method])
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    }


def _operation(document: dict[str, Any], item: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    parameters = [
        followed(document, one) for one in (*item.get("parameters", []), *found.get("parameters", []))
    ]
    return {
        "id": found["operationId"],
        "parameters": sorted(
            {
                (one["in"], one["name"], one.get("required", False), kind(document, one["schema"]))
                for one in parameters
            }
        ),
        "request": bodies(document, found.get("requestBody", {})),
        "body required": followed(document, found.get("requestBody", {})).get("required", False),
        "responses": {status: bodies(document, one) for status, one in found["responses"].items()},
        "scopes": sorted(
            {
                scope
                for one in found.get("security", document.get("security", []))
                for some in one.values()
                for scope in some
            }
        ),
    }
