"""Our consent contract against the facts of GovStack's: every difference is listed with its reason."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jibu.http.contracts import load_contracts

HERE = Path(__file__).parent
PUBLISHED = json.loads((HERE / "govstack_consent.json").read_text())
LISTED = HERE.parents[1] / "docs" / "reference" / "consent-differences.md"
OURS = next(contract for contract in load_contracts() if contract.name == "consent").document
NOT_IN_ANY_OPERATION = {"DataAgreementAttribute", "WebhookEvent", "WebhookEventSubscription"}
"""Schemas of the published contract that none of its operations takes or returns."""


def followed(value: Any) -> Any:
    """Return what a reference points at."""
    while isinstance(value, dict) and "$ref" in value:
        target: Any = OURS
        for part in value["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        value = target
    return value


def kind(schema: dict[str, Any]) -> str:
    """Return a schema's name without what marks it as a request's, or its type; lists as ``[name]``."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2].removesuffix("Input")
    return f"[{kind(schema['items'])}]" if schema.get("type") == "array" else str(schema.get("type"))


def body(found: dict[str, Any]) -> dict[str, str]:
    """Return the fields of a body at its top."""
    content = followed(found).get("content")
    if not content:
        return {}
    return {
        name: kind(schema)
        for name, schema in followed(content["application/json"]["schema"])["properties"].items()
    }


def operations() -> dict[str, dict[str, Any]]:
    """Return our operations by method and path."""
    return {
        f"{method.upper()} {path}": found
        for path, item in OURS["paths"].items()
        for method, found in item.items()
    }


def of_operation(name: str, theirs: dict[str, Any], ours: dict[str, Any]) -> Iterator[str]:
    """Yield how an operation of ours differs."""
    if ours["operationId"] != theirs["id"]:
        yield f"{name}: other id"
    there = {(p["name"], p["in"], p["required"]) for p in map(followed, ours.get("parameters", []))}
    expected = {tuple(parameter) for parameter in theirs["parameters"]}
    yield from (f"{name}: no parameter {parameter[0]}" for parameter in expected - there)
    yield from (f"parameter {p[0]} ({p[1]}) added" for p in there - expected)
    yield from (f"status {status} added" for status in set(ours["responses"]) - set(theirs["statuses"]))
    yield from (f"{name}: no status {s}" for s in set(theirs["statuses"]) - set(ours["responses"]))
    for where, found in (
        ("request", body(ours.get("requestBody", {}))),
        ("response", body(ours["responses"]["200"])),
    ):
        yield from (f"{name}: {where} lacks {f}" for f in theirs[where].items() - found.items())
        yield from (f"{where} field {f} added" for f in found.keys() - theirs[where].keys())


def of_schema(name: str, theirs: dict[str, Any]) -> Iterator[str]:
    """Yield how a schema differs, in what is returned and in what is taken."""
    for ours, way in ((name, "returned"), (f"{name}Input", "taken")):
        schema = OURS["components"]["schemas"].get(ours)
        if schema is None:
            if way == "returned":
                yield f"schema {name} missing"
            continue
        found = schema["properties"]
        yield from (f"{name}.{field} not {way}" for field in theirs["fields"].keys() - found.keys())
        yield from (f"{name}.{field} added" for field in found.keys() - theirs["fields"].keys())
        required = set(schema.get("required", []))
        yield from (f"{name}.{f} may be left out where {way}" for f in set(theirs["required"]) - required)
        yield from (f"{name}.{f} has to be {way}" for f in required - set(theirs["required"]))
        for field in theirs["fields"].keys() & found.keys():
            simple = found[field].get("type")
            if theirs["fields"][field] in {"string", "boolean", "integer"}:
                if simple != theirs["fields"][field]:
                    yield f"{name}.{field} is of another type"
            elif simple not in {None, "object"}:
                yield f"{name}.{field} is of another type"


def differences() -> set[str]:
    """Return every difference between the two contracts."""
    ours = operations()
    found = {f"{name} added" for name in ours.keys() - PUBLISHED["operations"].keys()}
    for name, theirs in PUBLISHED["operations"].items():
        found |= set(of_operation(name, theirs, ours[name])) if name in ours else {f"{name} missing"}
    for name, theirs in PUBLISHED["schemas"].items():
        if name not in NOT_IN_ANY_OPERATION:
            found |= set(of_schema(name, theirs))
    return found


def listed() -> dict[str, str]:
    """Return the documented differences and their reasons."""
    rows = re.findall(r"^\| `([^`]+)` \| (.+) \|$", LISTED.read_text(), re.MULTILINE)
    assert len(rows) == len(dict(rows))
    return dict(rows)


def test_every_difference_is_listed_with_its_reason() -> None:
    """And none is listed that is not there."""
    assert differences() == set(listed())
    assert all(reason.strip() for reason in listed().values())


def test_nothing_of_the_published_contract_is_missing() -> None:
    """All its operations, parameters, status codes and fields; what we add can be left alone by its clients."""
    taken_away = {"missing", "lacks", "no parameter", "no status", "other id", "another type", "not taken"}
    assert [d for d in differences() if any(word in d for word in taken_away)] == []


def test_only_what_the_published_contract_requires_is_required() -> None:
    """A request that fits the published contract has all that ours asks for."""
    assert [d for d in differences() if d.endswith("has to be taken")] == []


def test_addresses_are_the_same_to_the_slash() -> None:
    """Base path, names and slashes."""
    assert OURS["servers"][0]["url"] == "/consent/v1"
    assert {name for name in PUBLISHED["operations"] if not name.endswith("/")} == set()
    assert PUBLISHED["operations"].keys() <= operations().keys()
    assert len(PUBLISHED["operations"]) == 42
