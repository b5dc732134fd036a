"""Write down the facts of GovStack's published consent contract: operations, parameters, fields, status codes.

    python tools/consent_facts.py PUBLISHED.yaml > tests/http/govstack_consent.json

No sentence of the published text goes along. The comparison with our contract is tests/http/test_consent_contract.py.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

METHODS = ("get", "put", "post", "delete")


def kind(schema: dict[str, Any]) -> str:
    """Return a schema's name or type; lists as ``[name]``."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if schema.get("type") == "array":
        items = schema["items"]
        return f"[{kind(items['oneOf'][0] if 'oneOf' in items else items)}]"
    return str(schema.get("type", "object"))


def fields(media: dict[str, Any] | None) -> dict[str, str]:
    """Return the fields of a body at its top."""
    if not media:
        return {}
    return {name: kind(schema) for name, schema in media["application/json"]["schema"]["properties"].items()}


def operation(found: dict[str, Any]) -> dict[str, Any]:
    """Return one operation."""
    return {
        "id": found["operationId"],
        "parameters": sorted([p["name"], p["in"], p["required"]] for p in found.get("parameters", [])),
        "request": fields(found.get("requestBody", {}).get("content")),
        "response": fields(found["responses"]["200"].get("content")),
        "statuses": sorted(found["responses"]),
    }


def facts(document: dict[str, Any]) -> dict[str, Any]:
    """Return everything."""
    return {
        "version": document["info"]["version"],
        "operations": {
            f"{method.upper()} {path}": operation(item[method])
            for path, item in document["paths"].items()
            for method in METHODS
            if method in item
        },
        "schemas": {
            name: {
                "required": sorted(schema.get("required", [])),
                "fields": {field: kind(found) for field, found in schema["properties"].items()},
            }
            for name, schema in document["components"]["schemas"].items()
        },
    }


if __name__ == "__main__":
    print(json.dumps(facts(yaml.safe_load(Path(sys.argv[1]).read_text())), indent=1, sort_keys=True))
