"""Our mediator's contract against the facts of GovStack's three: every difference is listed with its reason."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mediator_facts import facts

from jibu.http.contracts import load_contracts

HERE = Path(__file__).parent
PUBLISHED: dict[str, dict[str, Any]] = {
    name: operation
    for document in json.loads((HERE / "govstack_mediator.json").read_text()).values()
    for name, operation in document.items()
}
LISTED = HERE.parents[1] / "docs" / "reference" / "mediator-differences.md"
OURS = facts(next(one for one in load_contracts() if one.name == "mediator").document)
OWN = "/mediator/v1/"
"""Below this is what only Jibu has."""
R1 = "/r1/{instanceId}/{memberClass}/{memberCode}/{applicationCode}"


def short(name: str) -> str:
    """Return an operation's name as the table has it."""
    return name.replace(R1, "/r1/…")


def of_fields(way: str, theirs: dict[str, Any], ours: dict[str, Any]) -> Iterator[str]:
    """Yield how the fields of a body differ. ``way``: "taken" or "returned"."""
    yield from (f"field {name} not {way}" for name in theirs.keys() - ours.keys())
    added = ours.keys() - theirs.keys()
    within = {name for name in added if any(name.startswith((f"{one}.", f"{one}[]")) for one in added)}
    yield from (f"field {name.removeprefix('[].')} added where {way}" for name in added - within)
    for name in theirs.keys() & ours.keys():
        (their_kind, required), (our_kind, needed) = theirs[name], ours[name]
        if their_kind != our_kind:
            yield f"field {name} is {our_kind}, not {their_kind}, where {way}"
        if needed != required:
            yield f"field {name.removeprefix('[].')} {'has to be' if needed else 'may be left out where'} {way}"


def of_bodies(way: str, theirs: dict[str, Any], ours: dict[str, Any]) -> Iterator[str]:
    """Yield how requests or responses differ."""
    yield from (f"{media} not {way}" for media in theirs.keys() - ours.keys())
    yield from (f"{media} {way} too" for media in ours.keys() - theirs.keys())
    for media in theirs.keys() & ours.keys():
        yield from of_fields(way, theirs[media], ours[media])


def of_operation(theirs: dict[str, Any], ours: dict[str, Any]) -> Iterator[str]:
    """Yield how an operation of ours differs."""
    if ours["id"] != theirs["id"]:
        yield "other id"
    there, here = {tuple(one) for one in theirs["parameters"]}, {tuple(one) for one in ours["parameters"]}
    yield from (f"no parameter {one[1]} ({one[0]}, {one[3]})" for one in there - here)
    yield from (f"parameter {one[1]} ({one[0]}) added" for one in here - there)
    if ours["body required"] != theirs["body required"]:
        yield "the body has to be there" if ours["body required"] else "the body may be missing"
    yield from of_bodies("taken", theirs["request"], ours["request"])
    statuses = theirs["responses"].keys()
    yield from (f"no status {status}" for status in statuses - ours["responses"].keys())
    yield from (f"status {status} added" for status in ours["responses"].keys() - statuses)
    for status in statuses & ours["responses"].keys():
        yield from of_bodies("returned", theirs["responses"][status], ours["responses"][status])
    if ours["scopes"] != theirs["scopes"]:
        yield f"asks for {' or '.join(ours['scopes'])}, not {' or '.join(theirs['scopes']) or 'a token'}"


GENERAL = re.compile(
    r"status \d+ added|asks for .*|parameter .* added|field .* (added where \w+|has to be returned)"
    r"|the body has to be there|application/json returned too"
)
"""What is added or promised, told once for all operations; what is taken away or changed names its operation."""


def differences() -> set[str]:
    """Return every difference."""
    found = {f"{short(name)} missing" for name in PUBLISHED.keys() - OURS.keys()}
    for name in OURS.keys() - PUBLISHED.keys():
        found.add(f"operations at {OWN} added" if f" {OWN}" in name else f"{short(name)} added")
    for name in PUBLISHED.keys() & OURS.keys():
        for one in of_operation(PUBLISHED[name], OURS[name]):
            found.add(one if GENERAL.fullmatch(one) else f"{short(name)}: {one}")
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


def test_nothing_of_the_published_contracts_is_missing() -> None:
    """All their operations, parameters, fields, media types and statuses are there."""
    taken_away = ("missing", "not taken", "not returned", "no parameter", "no status", "other id", ", not ")
    found = {one for one in differences() if any(word in one for word in taken_away)}
    assert {one for one in found if not one.startswith("asks for ")} == set()
    assert len(PUBLISHED) == 8 + 4 + 14


def test_only_what_the_published_contracts_require_is_required() -> None:
    """A request that fits them has all that ours asks for, but for what the table says of the body as a whole."""
    assert {one for one in differences() if "has to be taken" in one} == set()


def test_the_facts_are_read_from_references_lists_and_parts() -> None:
    """The comparison sees a field that is missing, of another type or required, however deep it is."""
    document: dict[str, Any] = {
        "paths": {
            "/x": {
                "parameters": [{"$ref": "#/p"}],
                "get": {
                    "operationId": "x",
                    "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/s"}}}}},
                },
            }
        },
        "p": {"name": "a", "in": "query", "schema": {"type": "string", "enum": ["b", "c"]}},
        "s": {
            "allOf": [
                {"properties": {"d": {"type": "array", "items": {"$ref": "#/t"}}}},
                {"required": ["e"], "properties": {"e": {"type": "integer"}}},
            ]
        },
        "t": {"type": "object", "required": ["f"], "properties": {"f": {"type": "string"}}},
    }
    found = facts(document)["GET /x"]
    assert found["parameters"] == [("query", "a", False, "string of b, c")]
    assert found["responses"]["200"]["application/json"] == {
        "": ["object", True],
        "d": ["array", False],
        "d[]": ["object", False],
        "d[].f": ["string", True],
        "e": ["integer", True],
    }
    other = json.loads(json.dumps(found))
    other["parameters"] = [["query", "a", True, "string"]]
    other["responses"]["200"]["application/json"]["d[].f"] = ["integer", False]
    del other["responses"]["200"]["application/json"]["e"]
    assert set(of_operation(other, found)) == {
        "field d[].f is string, not integer, where returned",
        "field d[].f has to be returned",
        "field e added where returned",
        "no parameter a (query, string)",
        "parameter a (query) added",
    }
