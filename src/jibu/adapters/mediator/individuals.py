"""Finds the operation of an OpenAPI document that answers about one individual, and what its answer's parts are called.

The document was parsed by ``openapi``: every scalar is text. References within it are followed a few steps, never out.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from jibu.domain.errors import InvalidInput
from jibu.domain.live_reading import MAX_DEPTH
from jibu.domain.shapes import UNKNOWN, Shape, label_of
from jibu.ports.mediation import IndividualOperation

FIELD = "openapi"
MARK = "x-jibu-individual"
MAX_SHAPES = 1000
MAX_STEPS = 8
MAX_PARTS = 32
GIVEN = frozenset(
    {"accept", "accept-encoding", "traceparent", "x-govstack-client", "x-individual-id", "x-request-id"}
    | {"x-road-client", "x-road-id", "x-road-represented-party", "x-road-service"}
)
"""Headers that are sent: an operation may ask for them."""
JSON = "application/json"
Node = dict[str, Any]


def individual_of(document: Node, methods: tuple[str, ...]) -> IndividualOperation | None:
    """Return the marked operation. Raises: InvalidInput (field ``openapi``) where it cannot be one."""
    found = [
        (path, method, item)
        for path, item in document["paths"].items()
        if isinstance(item, dict) and not path.startswith("x-")
        for method in methods
        if _marked(item.get(method), f"{method.upper()} {path}")
    ]
    if not found:
        return None
    if len(found) > 1:
        raise InvalidInput(f"{len(found)} operations are marked {MARK}; mark one", FIELD)
    path, method, item = found[0]
    if method != "get":
        raise InvalidInput(
            f"{MARK} marks {method.upper()} {path}; only a GET can be asked for an individual", FIELD
        )
    if path.count("{") > 1:
        raise InvalidInput(f"{path} has more than one template parameter; one can be the individual", FIELD)
    here = _Document(document)
    here.check_parameters(item, path)
    return IndividualOperation(path, here.answer_of(item["get"]))


def _marked(operation: object, name: str) -> bool:
    mark = str(_dict(operation).get(MARK, "false")).lower()
    if mark not in {"true", "false"}:
        raise InvalidInput(f"{MARK} of {name} is neither true nor false", FIELD)
    return mark == "true"


class _Document:
    """A document whose local references can be followed."""

    def __init__(self, document: Node) -> None:
        self._document = document
        self._left = MAX_SHAPES

    def check_parameters(self, item: Node, path: str) -> None:
        """Raises: InvalidInput where the call would need more than the individual."""
        for given in (*_list(item.get("parameters")), *_list(item["get"].get("parameters"))):
            one = self._at(given)
            name, place = str(one.get("name", "")), one.get("in")
            known = place == "path" or (place == "header" and name.lower() in GIVEN)
            if one.get("required") == "true" and not known:
                raise InvalidInput(
                    f"GET {path} needs the parameter {name[:64]!r}; only the individual can be told", FIELD
                )

    def answer_of(self, operation: Node) -> Shape:
        """Return the shape of what the operation answers with when all is well."""
        responses = _dict(operation.get("responses"))
        answer = self._at(
            next((responses[one] for one in ("200", "2XX", "default") if one in responses), None)
        )
        if "schema" in answer:
            return self._shape(answer["schema"], MAX_DEPTH)
        content = _dict(answer.get("content"))
        kinds = sorted(content, key=lambda kind: kind.partition(";")[0].strip().lower() != JSON)
        named = next((kind for kind in kinds if "json" in kind), None)
        return UNKNOWN if named is None else self._shape(_dict(content[named]).get("schema"), MAX_DEPTH)

    def _at(self, node: object) -> Node:
        """Return a node, or what it refers to within the document; an empty one for what leads nowhere."""
        for _ in range(MAX_STEPS):
            reference = node.get("$ref") if isinstance(node, dict) else None
            if not isinstance(reference, str):
                return _dict(node)
            node = self._resolved(reference)
        return {}

    def _resolved(self, reference: str) -> object:
        node: object = self._document
        if not reference.startswith("#/"):
            return None
        for part in reference[2:].split("/", 2 * MAX_STEPS):
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            node = node.get(name) if isinstance(node, dict) else None
        return node

    def _shape(self, schema: object, depth: int) -> Shape:
        """Return what is known of a value: of an alternative or a part of a schema, what the first of them says."""
        self._left -= 1
        if self._left < 0 or depth < 0:
            return UNKNOWN
        said = _dict(schema)
        parts = self._parts(schema, MAX_STEPS)
        members: dict[str, Shape] = {}
        for part in parts:
            for name, inner in _dict(part.get("properties")).items():
                if self._left <= 0:
                    break
                if name not in members:
                    members[name] = self._shape(inner, depth - 1)
        items = next((part["items"] for part in parts if "items" in part), None)
        label = next(filter(None, (_label(one) for one in (said, *parts))), None)
        return Shape(label, tuple(members.items()), None if items is None else self._shape(items, depth - 1))

    def _parts(self, schema: object, steps: int) -> list[Node]:
        """Return a schema and those that it is made of, at most so many steps away."""
        self._left -= 1
        node = self._at(schema) if steps and self._left > 0 else {}
        if not node:
            return []
        inner = [one for word in ("allOf", "oneOf", "anyOf") for one in _list(node.get(word))[:MAX_PARTS]]
        return [node, *(part for one in inner for part in self._parts(one, steps - 1))]


def _label(node: Node) -> str | None:
    title, description = node.get("title"), node.get("description")
    return label_of(
        title if isinstance(title, str) else "", description if isinstance(description, str) else ""
    )


def _dict(node: object) -> Node:
    return node if isinstance(node, dict) else {}


def _list(node: object) -> list[Any]:
    return node if isinstance(node, list) else []
