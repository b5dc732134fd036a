"""openapi/events.yaml: a whole AsyncAPI document, with every type that the code knows, and no other."""

from __future__ import annotations

import ast
import copy
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator  # type: ignore[import-untyped]
from pydantic import ValidationError
from pydantic_asyncapi.v3 import AsyncAPI

from jibu.domain.cloudevents import structured
from jibu.domain.event_types import EMITTED, TAKEN_IN, aggregate_of, topic_of
from jibu.domain.events import Event
from jibu.testing.event_contract import check_event, contract, faults, messages
from jibu.testing.records_samples import NOW

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.services.unrun import LEFT_OUT

SRC = Path(__file__).parents[2] / "src" / "jibu"
HASH = "0" * 64


def document() -> dict[str, Any]:
    """Return the contract as the models of pydantic-asyncapi can read it."""
    found = copy.deepcopy(contract())
    for server in found["servers"].values():
        server.pop("security")  # a list in AsyncAPI 3; the models still want version 2's mapping
    return found


def test_it_is_an_asyncapi_3_document() -> None:
    """By the models of a library that generators use; a wrong one is refused."""
    assert AsyncAPI.model_validate(document()).asyncapi == "3.0.0"
    wrong = document()
    wrong["operations"]["tellOfRooms"]["action"] = "shout"
    with pytest.raises(ValidationError):
        AsyncAPI.model_validate(wrong)


SPECS = "@asyncapi/specs@6.11.1"
FETCH_S = 60.0


@pytest.fixture
def schema(tmp_path: Path) -> dict[str, Any]:
    """Return AsyncAPI's own JSON Schema, fetched by npm for this test."""
    npm = shutil.which("npm")
    quiet = ("--no-save", "--ignore-scripts", "--no-audit", "--no-fund")
    try:
        if npm is not None:
            command = [npm, "install", *quiet, "--prefix", str(tmp_path), SPECS]
            subprocess.run(command, check=True, timeout=FETCH_S, capture_output=True)
            folder = tmp_path / "node_modules" / "@asyncapi" / "specs" / "schemas"
            found: dict[str, Any] = json.loads((folder / "3.0.0.json").read_text(encoding="utf-8"))
            return found
    except (OSError, subprocess.SubprocessError):
        pass
    assert not os.environ.get("JIBU_TEST_REQUIRE_ASYNCAPI"), f"npm is asked for {SPECS} and did not bring it"
    LEFT_OUT["AsyncAPI's schema"] = f"npm has to be there and reach {SPECS}"
    pytest.skip("AsyncAPI's schema cannot be fetched")


def test_it_fits_the_schema_of_asyncapi(schema: dict[str, Any]) -> None:
    """The one that AsyncAPI's own tools use; a wrong document does not fit it."""
    check = Draft7Validator(schema)
    assert [error.message for error in check.iter_errors(contract())] == []
    wrong = copy.deepcopy(contract())
    wrong["operations"]["tellOfRooms"]["action"] = "shout"
    assert list(check.iter_errors(wrong))


def references(value: Any) -> Iterator[str]:
    """Yield every reference in a document."""
    if isinstance(value, dict):
        for key, below in value.items():
            if key == "$ref":
                yield below
            else:
                yield from references(below)
    elif isinstance(value, list):
        for below in value:
            yield from references(below)


def test_every_reference_leads_somewhere_and_nothing_is_left_over() -> None:
    """Messages and schemas are all used."""
    found = set(references(contract()))
    assert found
    for reference in found:
        value: Any = contract()
        for step in reference.removeprefix("#/").split("/"):
            value = value[step]
    for kind in ("messages", "schemas"):
        for name in contract()["components"][kind]:
            assert f"#/components/{kind}/{name}" in found


def test_it_has_each_type_of_the_code_once_in_the_topic_of_its_aggregate() -> None:
    """What is told is sent, what is taken in is received."""
    assert sorted(messages("send")) == sorted((topic_of("jibu", name), name) for name in EMITTED)
    assert sorted(messages("receive")) == sorted((topic_of("jibu", name), name) for name in TAKEN_IN)


def test_the_code_names_no_other_type() -> None:
    """Every constant that looks like a type, and every kind of change that is told of documents."""
    named: set[str] = set()
    for path in SRC.rglob("*.py"):
        if path.name == "event_types.py" or "testing" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                named.update(re.findall(r"jibu\.[a-z]+(?:\.[a-z]+)+\.v\d+", node.value))
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "tell_document":
                kind = node.args[1]
                assert isinstance(kind, ast.Constant), f"{path}:{node.lineno}"
                named.add(f"jibu.document.{kind.value}.v1")
    assert named - set(TAKEN_IN) == set(EMITTED)


def event(event_type: str, **data: str | int | bool | None) -> Event:
    """Return an event of a type."""
    return Event("e1", event_type, "d1", "d1", NOW, tuple(data.items()))


def test_an_event_that_is_not_as_described_would_be_noticed() -> None:
    """A missing field, one too many, a wrong value; and in the envelope too."""
    right: dict[str, Any] = {"documentId": "d1", "collectionId": "c", "version": 1, "sha256": HASH}
    check_event(event("jibu.document.indexed.v1", **right))
    for wrong in (right | {"title": "secret"}, right | {"version": 0}, right | {"sha256": None}):
        with pytest.raises(AssertionError):
            check_event(event("jibu.document.indexed.v1", **wrong))
    for name in right:
        with pytest.raises(AssertionError):
            check_event(event("jibu.document.indexed.v1", **{k: v for k, v in right.items() if k != name}))
    with pytest.raises(ValueError, match="not enough values"):
        check_event(event("jibu.document.lost.v1", **right))
    envelope = json.loads(structured(event("jibu.document.indexed.v1", **right), "urn:test"))
    for name in ("specversion", "id", "source", "type", "time", "data"):
        assert faults("jibu.document.indexed.v1", {k: v for k, v in envelope.items() if k != name})


def test_names_of_types_are_checked() -> None:
    """What is no type of this block has no topic."""
    assert aggregate_of("jibu.document.indexed.v1") == "document"
    for wrong in ("", "jibu", "other.document.indexed.v1", "jibu..indexed.v1", "jibu.document.v1"):
        with pytest.raises(ValueError, match="not a type"):
            aggregate_of(wrong)
