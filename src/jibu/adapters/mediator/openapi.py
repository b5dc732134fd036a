"""OpenAPI documents of strangers: read once, bounded in every way, never followed anywhere."""

from __future__ import annotations

import re
from typing import Any

from jibu.adapters.mediator.individuals import individual_of
from jibu.domain.errors import InvalidInput
from jibu.domain.mediation import Endpoint
from jibu.domain.shapes import one_line
from jibu.domain.targets import MAX_SEGMENTS
from jibu.ports.mediation import ApiDescription

FIELD = "openapi"
MAX_CHARACTERS = 300_000
MAX_NODES = 100_000
MAX_DEPTH = 64
MAX_ENDPOINTS = 2000
METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@{}-]*(?:/[A-Za-z0-9._~!$&'()*+,;=:@{}-]+)*/?")
VERSION = re.compile(r"3\.[0-9]+\.[0-9]+.*|2\.0")


class OpenApiReader:
    """Reads OpenAPI 2.0, 3.0 and 3.1 in YAML or JSON. References lead nowhere outside; aliases are refused."""

    def read(self, text: str) -> ApiDescription:
        """Return the title, version, methods and paths. Raises: InvalidInput (field ``openapi``)."""
        document = _parse(text)
        version = str(document.get("openapi") or document.get("swagger") or "")
        if not VERSION.fullmatch(version):
            raise InvalidInput("this is no OpenAPI 2.0, 3.0 or 3.1 document", FIELD)
        info, paths = document.get("info"), document.get("paths")
        if not isinstance(info, dict) or not isinstance(paths, dict):
            raise InvalidInput("an OpenAPI document has info and paths", FIELD)
        endpoints = tuple(
            Endpoint(_path(path), method.upper())
            for path, item in paths.items()
            if isinstance(item, dict) and not path.startswith("x-")
            for method in METHODS
            if method in item
        )
        if not 1 <= len(endpoints) <= MAX_ENDPOINTS:
            raise InvalidInput(f"the document has no operation, or more than {MAX_ENDPOINTS}", FIELD)
        individual = individual_of(document, METHODS)
        return ApiDescription(_line(info.get("title")), _line(info.get("version")), endpoints, individual)


def _parse(text: str) -> dict[str, Any]:
    """Return the document with every scalar as text: no tag, number or date of it is ever interpreted."""
    import yaml  # type: ignore[import-untyped]

    if len(text) > MAX_CHARACTERS:
        raise InvalidInput(f"the document has more than {MAX_CHARACTERS} characters", FIELD)
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        _measure(yaml.parse(text, Loader=loader), yaml)
        document = yaml.load(text, Loader=_strict(loader))  # noqa: S506 - the base loader makes text, lists and maps only
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise InvalidInput("the document is neither YAML nor JSON that can be read", FIELD) from error
    if not isinstance(document, dict) or not all(isinstance(key, str) for key in document):
        raise InvalidInput("the document is no object", FIELD)
    return document


def _strict(loader: Any) -> Any:
    """Return a loader that refuses a name that is there twice: another reader would take the other one."""

    class Strict(loader):  # type: ignore[misc]
        def construct_mapping(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT001 - the library's
            names = [name.value for name, _ in node.value]
            if len(set(names)) < len(names):
                raise InvalidInput("the document has a name twice in one object", FIELD)
            return super().construct_mapping(node, deep)

    return Strict


def _measure(events: Any, yaml: Any) -> None:
    """Look at the text as a stream before anything is built from it. Raises: InvalidInput."""
    depth = documents = 0
    for nodes, event in enumerate(events):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        documents += isinstance(event, yaml.DocumentStartEvent)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise InvalidInput("the document uses YAML anchors or aliases; write it out", FIELD)
        if depth > MAX_DEPTH or nodes > MAX_NODES or documents > 1:
            raise InvalidInput(
                f"the document is deeper than {MAX_DEPTH}, has more than {MAX_NODES} nodes or is several",
                FIELD,
            )


def _path(path: str) -> str:
    if not PATH.fullmatch(path) or len(path) > 1000 or path.count("/") > MAX_SEGMENTS or ".." in path:
        raise InvalidInput("a path of the document cannot be called", FIELD)
    return path


def _line(value: object) -> str:
    """Return a stranger's words as one line without controls: they are stored, listed and shown in terminals."""
    return one_line(str(value or ""))[:200].strip()
