"""The published contract: valid, complete, and the same as what the code does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from http_support import TestServices, app_of
from openapi_spec_validator import validate

from jibu.domain.access import SCOPES
from jibu.domain.errors import JibuError
from jibu.http.contracts import Contract, load_contracts
from jibu.http.handlers import Gates, table
from jibu.http.problems import TABLE, kind_of, problem
from jibu.http.validation import check

CONTRACTS = [contract for contract in load_contracts() if contract.is_openapi]
METHODS = ("get", "put", "post", "patch", "delete")
OPERATIONS = [
    (contract, path, item[method])
    for contract in CONTRACTS
    for path, item in contract.document["paths"].items()
    for method in METHODS
    if method in item
]
IDS = [operation["operationId"] for _, _, operation in OPERATIONS]
NAMES = [contract.name for contract in CONTRACTS]


def resolved(contract: Contract, value: Any) -> Any:
    """Return a value of a contract with its references followed."""
    if isinstance(value, dict):
        if "$ref" in value:
            target: Any = contract.document
            for part in value["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            return resolved(contract, target)
        return {k: resolved(contract, v) for k, v in value.items()}
    return [resolved(contract, v) for v in value] if isinstance(value, list) else value


def examples(media: dict[str, Any]) -> list[Any]:
    """Return every example of a media type."""
    found = [one["value"] for one in media.get("examples", {}).values()]
    return [*found, media["example"]] if "example" in media else found


def all_subclasses(cls: type) -> Iterator[type]:
    """Yield a class and everything below it."""
    yield cls
    for below in cls.__subclasses__():
        yield from all_subclasses(below)


def schemas(value: Any) -> Iterator[dict[str, Any]]:
    """Yield a schema and all schemas in it."""
    yield value
    for below in [*value.get("properties", {}).values(), *value.get("oneOf", [])]:
        yield from schemas(below)
    if "items" in value:
        yield from schemas(value["items"])


@pytest.mark.parametrize("contract", load_contracts(), ids=lambda contract: contract.name)
def test_the_contract_is_valid(contract: Contract) -> None:
    """A generator or a gateway can read it."""
    if contract.is_openapi:
        validate(contract.document)


@pytest.mark.parametrize("contract", load_contracts(), ids=lambda contract: contract.name)
def test_the_contract_uses_no_yaml_aliases(contract: Contract) -> None:
    """Some tools cannot read them."""
    tokens = yaml.scan(contract.text.decode())
    assert not [t for t in tokens if isinstance(t, yaml.AliasToken | yaml.AnchorToken)]


def test_operation_ids_are_unique() -> None:
    """Connexion would take the last one without a word."""
    assert sorted(set(IDS)) == sorted(IDS)


@pytest.mark.parametrize("contract", CONTRACTS, ids=NAMES)
def test_paths_are_known_with_and_without_a_slash_at_the_end(contract: Contract) -> None:
    """As the contract has them: the same path with a slash more or less is another one."""
    for template in contract.document["paths"]:
        path = contract.base_path + template.replace("{", "").replace("}", "")
        other = path.removesuffix("/") if path.endswith("/") else path + "/"
        assert contract.allowed(path)
        assert not contract.allowed(other) or other in contract.operations().values()


def test_every_operation_has_a_handler_and_every_handler_an_operation(services: TestServices) -> None:
    """Building the app resolves each operation id."""
    gates: Any = Gates(None, None)  # type: ignore[arg-type]
    assert set(IDS) == set(table(services, gates, None))  # type: ignore[arg-type]
    app_of(services)


@pytest.mark.parametrize(("contract", "path", "operation"), OPERATIONS, ids=IDS)
class TestOperation:
    """Each operation is described in full."""

    def test_it_is_described(self, contract: Contract, path: str, operation: dict[str, Any]) -> None:
        """Tags, a summary, and security that is known."""
        assert operation["tags"]
        assert operation["summary"], path
        flows = contract.document["components"]["securitySchemes"]["oauth2"]["flows"]
        known = flows["clientCredentials"]["scopes"]
        assert set(known) <= set(SCOPES)
        for requirement in operation.get("security", contract.document["security"]):
            assert requirement, "an empty alternative would open the operation"
            assert set(requirement["oauth2"]) <= set(known)

    def test_every_response_declares_the_request_id(
        self, contract: Contract, path: str, operation: dict[str, Any]
    ) -> None:
        """It is on all of them, so a client may read it from any."""
        responses = resolved(contract, operation["responses"])
        assert [s for s, r in responses.items() if "X-Request-Id" not in r.get("headers", {})] == [], path

    def test_problems_are_declared(self, contract: Contract, path: str, operation: dict[str, Any]) -> None:
        """What can go wrong is in the contract, as a problem with an example."""
        declared = set(operation["responses"])
        needed = {"429", "500", "503"}
        if operation.get("security") != []:
            needed |= {"401", "403"}
        if "requestBody" in operation:
            needed |= {"400", "413", "415"}
        if "{" in path or "parameters" in operation:
            needed |= {"400"}
        assert needed <= declared
        for status, response in resolved(contract, operation["responses"]).items():
            if status >= "400":
                media = response["content"]["application/problem+json"]
                assert str(media["example"]["status"]) == status
                check(media["example"], media["schema"])

    def test_examples_match_their_schemas(
        self, contract: Contract, path: str, operation: dict[str, Any]
    ) -> None:
        """Every request and every response has an example, and each is right."""
        bodies = dict(resolved(contract, operation.get("requestBody", {})).get("content", {}))
        for status, response in resolved(contract, operation["responses"]).items():
            bodies |= {f"{status} {kind}": media for kind, media in response.get("content", {}).items()}
        for name, media in bodies.items():
            assert examples(media), (path, name)
            for example in examples(media):
                check(json.loads(json.dumps(example)), media["schema"])

    def test_requests_are_closed_and_bounded(
        self, contract: Contract, path: str, operation: dict[str, Any]
    ) -> None:
        """Unknown fields are refused; every string, list and number has its limits."""
        found = [
            media["schema"]
            for media in resolved(contract, operation.get("requestBody", {})).get("content", {}).values()
        ]
        parameters = [
            *operation.get("parameters", []),
            *contract.document["paths"][path].get("parameters", []),
        ]
        found += [one["schema"] for one in resolved(contract, parameters)]
        for schema in (below for top in found for below in schemas(top)):
            kind = schema.get("type")
            if kind == "object":
                assert schema["additionalProperties"] is False
            elif kind == "string" and "enum" not in schema and schema.get("format") != "binary":
                assert {"minLength", "maxLength"} <= set(schema)
            elif kind == "array":
                assert "maxItems" in schema
            elif kind in {"integer", "number"}:
                assert {"minimum", "maximum"} <= set(schema)


class TestProblemTable:
    """One table maps errors to HTTP."""

    def test_it_is_total(self) -> None:
        """Every error has its own row or one above it that is not the catch-all."""
        for cls in all_subclasses(JibuError):
            row = next(parent for parent in cls.__mro__ if parent in TABLE)
            assert cls is JibuError or row is not JibuError, f"{cls.__name__} has no row in the table"

    @pytest.mark.parametrize("contract", CONTRACTS, ids=NAMES)
    def test_it_is_declared_in_the_contract(self, contract: Contract) -> None:
        """The contract lists the same problem types."""
        declared = contract.document["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]
        assert sorted({kind.type for kind in TABLE.values()}) == sorted(declared)

    @pytest.mark.parametrize("contract", CONTRACTS, ids=NAMES)
    @pytest.mark.parametrize("cls", sorted(TABLE, key=lambda cls: cls.__name__), ids=lambda cls: cls.__name__)
    def test_its_problems_match_the_contract(self, cls: type[JibuError], contract: Contract) -> None:
        """A body made from any error is a valid Problem with the row's status."""
        found = problem(cls("what happened"), path=contract.base_path + "/x", trace_id="0" * 32)
        check(
            json.loads(found.body), resolved(contract, contract.document["components"]["schemas"]["Problem"])
        )
        assert (found.status, found.slug) == (kind_of(cls("x")).status, TABLE[cls].slug)

    def test_what_nobody_expected_says_nothing(self) -> None:
        """Internals never leak through a message."""
        for error in (RuntimeError("password=hunter2"), JibuError("path /srv/secret"), KeyError("x")):
            found = problem(error, path="/x", trace_id="0" * 32)
            assert found.status == 500
            assert "hunter2" not in found.body
            assert "secret" not in found.body


def test_contracts_are_found_in_a_source_tree() -> None:
    """The folder at the top of the tree is the one that is served."""
    top = Path(__file__).parents[2] / "openapi"
    for contract in load_contracts():
        assert (top / f"{contract.name}.yaml").read_bytes() == contract.text
