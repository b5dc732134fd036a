"""Which operation of a service answers about one individual, and what the parts of its answer are called."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jibu.adapters.mediator.openapi import OpenApiReader
from jibu.domain.errors import InvalidInput
from jibu.domain.shapes import UNKNOWN
from jibu.ports.mediation import ApiDescription

MARKED = {"x-jibu-individual": True}


def read(paths: dict[str, Any], **more: Any) -> ApiDescription:
    """Read a document with these paths."""
    document = {"openapi": "3.0.3", "info": {"title": "R", "version": "1"}, "paths": paths, **more}
    return OpenApiReader().read(json.dumps(document))


def answering(schema: object, **more: Any) -> ApiDescription:
    """Read a document whose marked operation answers with this schema."""
    content = {"text/plain": {}, "application/json; charset=utf-8": {"schema": schema}}
    return read({"/me": {"get": {**MARKED, "responses": {"200": {"content": content}}}}}, **more)


def test_the_marked_operation_is_found() -> None:
    """With a template parameter or without; a mark that says false is none."""
    for path in ("/me", "/persons/{id}", "/persons/{id}/record.json"):
        found = read({path: {"get": MARKED, "delete": {}}, "/other": {"get": {"x-jibu-individual": False}}})
        assert found.individual is not None
        assert (found.individual.path, found.individual.endpoint.method) == (path, "GET")
    assert read({"/me": {"get": {}}}).individual is None


def test_the_name_of_a_document_is_one_plain_line() -> None:
    """It is stored, listed, cited and shown in terminals: no controls, nothing that turns the writing."""
    hostile = "Civil\x1b[31m \u202eregistry\x00\n of\u2028Kalindra"
    found = read({"/me": {"get": MARKED}}, info={"title": hostile, "version": "1\x07"})
    assert (found.title, found.version) == ("Civil [31m registry of Kalindra", "1")


@pytest.mark.parametrize(
    "paths",
    [
        {"/a": {"get": MARKED}, "/b": {"get": MARKED}},
        {"/a": {"get": MARKED, "post": MARKED}},
        {"/a": {"post": MARKED}},
        {"/a": {"head": MARKED}},
        {"/{a}/{b}": {"get": MARKED}},
        {"/a": {"get": {"x-jibu-individual": "maybe"}}},
        {"/a": {"post": {"x-jibu-individual": []}}},
        {"/a": {"get": {**MARKED, "parameters": [{"in": "query", "name": "year", "required": True}]}}},
        {"/a": {"parameters": [{"$ref": "#/components/parameters/key"}], "get": MARKED}},
    ],
)
def test_marks_that_cannot_be_meant_are_refused(paths: dict[str, Any]) -> None:
    """Two, no GET, two parameters, a mark that is neither, a call that needs more than the individual."""
    key = {"in": "header", "name": "X-Key", "required": True}
    with pytest.raises(InvalidInput) as caught:
        read(paths, components={"parameters": {"key": key}})
    assert caught.value.field == "openapi"


def test_what_is_sent_anyway_may_be_asked_for() -> None:
    """The individual in the path or the header, the names of this block, and what is not required."""
    parameters = [
        {"in": "path", "name": "id", "required": True},
        {"in": "header", "name": "X-Individual-Id", "required": True},
        {"in": "header", "name": "X-Road-Client", "required": True},
        {"in": "query", "name": "verbose", "required": False},
        {"in": "query", "name": "page"},
    ]
    assert read({"/p/{id}": {"get": {**MARKED, "parameters": parameters}}}).individual is not None


def test_labels_come_from_titles_then_descriptions() -> None:
    """A description gives its first sentence; what is longer than 80 characters is no label."""
    said = {
        "a": {"title": "Date of\n birth", "description": "Other."},
        "b": {"description": "Where the person lives. Since when is another matter."},
        "c": {"title": "t" * 81, "description": "d" * 81},
        "d": {"title": 7, "description": "تاريخ الميلاد؟ نعم"},
        "e": {},
    }
    found = answering({"properties": said}).individual
    assert found is not None
    labels = {name: shape.label for name, shape in found.shape.members}
    assert labels == {
        "a": "Date of birth",
        "b": "Where the person lives",
        "c": None,
        "d": "7",
        "e": None,
    }


def test_references_within_the_document_are_followed() -> None:
    """To schemas and responses, through parts and alternatives; a title beside a reference is the nearer one."""
    schemas = {
        "Person": {
            "allOf": [{"$ref": "#/components/schemas/Named"}, {"properties": {"born": {"title": "Born"}}}]
        },
        "Named": {"oneOf": [{"properties": {"a/b~c": {"title": "Name"}}}, {"type": "null"}]},
        "Address": {"title": "Address", "properties": {"town": {"title": "Town"}}},
    }
    schema = {
        "allOf": [{"$ref": "#/components/schemas/Person"}],
        "properties": {
            "home": {"$ref": "#/components/schemas/Address"},
            "work": {"$ref": "#/components/schemas/Address", "title": "At work"},
            "past": {"items": {"$ref": "#/components/schemas/Address"}},
        },
    }
    responses = {"P": {"content": {"application/problem+json": {}, "application/json": {"schema": schema}}}}
    operation = {**MARKED, "responses": {"2XX": {"$ref": "#/components/responses/P"}}}
    found = read(
        {"/me": {"get": operation}}, components={"schemas": schemas, "responses": responses}
    ).individual
    assert found is not None
    shape = found.shape
    assert shape.member("a/b~c").label == "Name"
    assert shape.member("born").label == "Born"
    assert (shape.member("home").label, shape.member("work").label) == ("Address", "At work")
    assert shape.member("past").item().member("town").label == "Town"


def test_openapi_2_keeps_its_schema_elsewhere() -> None:
    """Right in the response."""
    operation = {**MARKED, "responses": {"200": {"schema": {"properties": {"a": {"title": "A"}}}}}}
    text = {"swagger": "2.0", "info": {}, "paths": {"/me": {"get": operation}}}
    found = OpenApiReader().read(json.dumps(text)).individual
    assert found is not None
    assert found.shape.member("a").label == "A"


LOOP: dict[str, Any] = {"$ref": "#/components/schemas/L"}
WIDE = {f"p{n}": LOOP for n in range(3000)}


@pytest.mark.parametrize(
    "loop",
    [
        LOOP,
        {"properties": {"a": LOOP, "b": LOOP}},
        {"items": LOOP},
        {"allOf": [LOOP] * 100, "oneOf": [LOOP] * 100, "anyOf": [LOOP] * 100},
        {"properties": WIDE, "allOf": [LOOP] * 32},
        {"$ref": "#/components/schemas/" + "L/" * 5000},
        {"$ref": "https://example.org/schema.json"},
        {"$ref": "#/%zz"},
        {"$ref": ["L"]},
        ["L"],
    ],
)
def test_references_that_lead_nowhere_or_round_and_round_end(loop: object) -> None:
    """A description is a help, never a trap: what it does not say is unknown."""
    found = answering(LOOP, components={"schemas": {"L": loop}}).individual
    assert found is not None
    seen, waiting = 0, [found.shape]
    while waiting:
        shape = waiting.pop()
        seen += 1
        waiting += [one for _, one in shape.members] + ([shape.items] if shape.items else [])
    assert seen <= 1100


@pytest.mark.parametrize("responses", [{}, [], "x", {"200": {}}, {"200": {"content": {"text/html": {}}}}])
def test_an_operation_without_a_schema_has_an_unknown_shape(responses: object) -> None:
    """Names of members are its labels then."""
    found = read({"/me": {"get": {**MARKED, "responses": responses}}}).individual
    assert found is not None
    assert found.shape == UNKNOWN
