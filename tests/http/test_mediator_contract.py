"""The mediator's contract against the published directory services: facts of theirs, compared one by one."""

from __future__ import annotations

from typing import Any

import pytest

from jibu.http.contracts import load_contracts

OURS = next(one for one in load_contracts() if one.name == "mediator").document
AT = "/r1/{instanceId}/{memberClass}/{memberCode}/{applicationCode}"
PATH = ("instanceId", "memberClass", "memberCode", "applicationCode")
HEADER = ("header", "X-GovStack-Client", True)
WITHIN = [HEADER, *(("path", name, True) for name in PATH)]
PUBLISHED: dict[str, tuple[str, list[tuple[str, str, bool]], set[str], set[str]]] = {
    # operation: path, (place, parameter, required), media types of 200, statuses
    "listClients": (
        "/listClients",
        [("query", "instanceId", False)],
        {"application/json"},
        {"200", "400", "500"},
    ),
    "listMethods": (
        f"{AT}/listMethods",
        [*WITHIN, ("query", "serviceId", False)],
        {"application/json"},
        {"200", "400", "500"},
    ),
    "allowedMethods": (
        f"{AT}/allowedMethods",
        [*WITHIN, ("query", "serviceId", False)],
        {"application/json"},
        {"200", "400", "500"},
    ),
    "getOpenAPI": (
        f"{AT}/getOpenAPI",
        [*WITHIN, ("query", "serviceCode", True)],
        {"application/json", "text/yaml"},
        {"200", "400", "500"},
    ),
}
FIELDS: dict[str, dict[str, Any]] = {
    "Clients": {
        "member": [
            {
                "name": "string",
                "id": {
                    "objectType": ["MEMBER", "APPLICATION", "SERVICE"],
                    "instanceId": "string",
                    "memberClass": "string",
                    "memberCode": "string",
                    "applicationCode": "string",
                },
            }
        ]
    },
    "Methods": {
        "member": [
            {
                "objectType": ["MEMBER", "APPLICATION", "SERVICE"],
                "serviceType": "string",
                "instanceId": "string",
                "memberClass": "string",
                "memberCode": "string",
                "applicationCode": "string",
                "serviceCode": "string",
                "serviceVersion": "string",
                "endpointList": {"member": [{"method": "string", "path": "string"}]},
            }
        ]
    },
}
DELIBERATE = {
    "security": "the published contract asks for no credential; Jibu wants a token with mediator.client",
    "codes": "the published codes are any text; Jibu's fit into a path as they are and have 1 to 62 characters",
    "problems": "401, 403, 429 and 503 are told beside 400 and 500, all as application/problem+json",
}


def followed(value: dict[str, Any]) -> dict[str, Any]:
    """Return what a reference leads to."""
    if "$ref" not in value:
        return value
    target: Any = OURS
    for part in value["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    return followed(target)


def shape(schema: dict[str, Any]) -> Any:
    """Return a schema without its words: names, types and choices."""
    schema = followed(schema)
    if schema.get("type") == "object":
        return {name: shape(one) for name, one in schema["properties"].items()}
    if schema.get("type") == "array":
        return [shape(schema["items"])]
    return schema.get("enum", schema["type"])


@pytest.mark.parametrize("name", PUBLISHED)
def test_an_operation_is_as_published(name: str) -> None:
    """Address, method, parameters and where they stand, media types and statuses."""
    path, parameters, media, statuses = PUBLISHED[name]
    item = OURS["paths"][path]
    operation = item["get"]
    assert set(item) <= {"get", "parameters"}
    assert operation["operationId"] == name
    found = [followed(one) for one in [*item.get("parameters", []), *operation.get("parameters", [])]]
    assert [(one["in"], one["name"], one.get("required", False)) for one in found] == parameters
    assert set(operation["responses"]["200"]["content"]) == media
    assert set(operation["responses"]) - statuses == {"401", "403", "429", "503"}
    assert statuses <= set(operation["responses"])
    assert operation["security"] == [{"oauth2": ["mediator.client"]}], DELIBERATE["security"]


@pytest.mark.parametrize("name", FIELDS)
def test_fields_are_as_published(name: str) -> None:
    """Names, nesting, types and choices of both lists."""
    assert shape(OURS["components"]["schemas"][name]) == FIELDS[name]


def test_an_openapi_document_is_text() -> None:
    """In both media types the schema is a string, as published."""
    content = OURS["paths"][f"{AT}/getOpenAPI"]["get"]["responses"]["200"]["content"]
    assert {kind: one["schema"] for kind, one in content.items()} == {
        "application/json": {"type": "string"},
        "text/yaml": {"type": "string"},
    }
