"""YAML bodies, read as the JSON that they stand for: no tags, no aliases, no guesses beyond the words of JSON."""

from __future__ import annotations

import re
from typing import Any

import yaml  # type: ignore[import-untyped]

from jibu.http.errors import BadRequest
from jibu.http.validation import JsonBody

MAX_NODES = 200_000
MAX_DEPTH = 32
TAG = "tag:yaml.org,2002:"


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """A scalar is text but for the words of JSON: `no` is Norway, `1:20` a place, a date a date."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - the library's own name and kind

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> Any:  # noqa: FBT001
        """Raises: BadRequest for an object that two readers could read in two ways."""
        names = [name.value for name, _ in node.value if isinstance(name, yaml.ScalarNode)]
        if len(set(names)) < len(names):
            raise BadRequest("an object of the body has a name twice")
        return super().construct_mapping(node, deep)


for _kind, _pattern, _first in (
    ("bool", "true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", "~|null|Null|NULL|", ("~", "n", "N", "")),
    ("int", "[-+]?(?:0|[1-9][0-9]{0,17})", "-+0123456789"),
    ("float", r"[-+]?[0-9]{1,17}\.[0-9]{1,17}", "-+0123456789"),
):
    _Loader.add_implicit_resolver(TAG + _kind, re.compile(f"^(?:{_pattern})$"), list(_first))


class YamlBody(JsonBody):
    """Reads and checks a YAML body."""

    kind = "YAML"

    def _read(self, raw: bytes) -> Any:
        return parse_yaml(raw)


def parse_yaml(raw: bytes) -> Any:
    """Return what a document stands for. Raises: BadRequest."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeError as error:
        raise BadRequest("the body is not valid UTF-8 text") from error
    try:
        _measure(text)
        value = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader, and no tag passes _measure
        _check_names(value)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise BadRequest("the body is not YAML that this service takes") from error
    return value


def _measure(text: str) -> None:
    """Look at the text as a stream before anything is built from it. Raises: BadRequest."""
    depth = documents = 0
    for nodes, event in enumerate(yaml.parse(text, Loader=_Loader)):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        documents += isinstance(event, yaml.DocumentStartEvent)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise BadRequest("the body uses YAML anchors or aliases; write it out")
        if getattr(event, "tag", None) is not None:
            raise BadRequest("the body uses YAML tags")
        if depth > MAX_DEPTH or nodes > MAX_NODES or documents > 1:
            raise BadRequest(
                f"the body is deeper than {MAX_DEPTH}, has more than {MAX_NODES} nodes or is several"
            )


def _check_names(value: Any) -> None:
    """Raises: ValueError where a name in an object is no text."""
    if isinstance(value, dict):
        if not all(isinstance(name, str) for name in value):
            raise ValueError("a name is no text")
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            _check_names(one)
