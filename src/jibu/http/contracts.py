"""The published contracts: where they are, and what the service has to know of them."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

import jibu
from jibu.domain.errors import Misconfigured

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@dataclass(frozen=True, slots=True)
class Contract:
    """One file. ``document`` is its content; ``base_path`` is where its operations are."""

    name: str
    text: bytes
    document: dict[str, Any]

    @property
    def is_openapi(self) -> bool:
        """Whether it describes HTTP (the other kind is AsyncAPI)."""
        return "openapi" in self.document

    @property
    def title(self) -> str:
        """What people call it."""
        return str(self.document["info"]["title"])

    @property
    def base_path(self) -> str:
        """Path of the first server, without a slash at the end; empty where the contract has roots of its own."""
        return str(self.document["servers"][0]["url"]).rstrip("/")

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Paths that this contract has for itself, with all that is below them."""
        if self.base_path:
            return (self.base_path,)
        return tuple(sorted({"/" + path.split("/")[1] for path in self.document["paths"]}))

    def operations(self) -> dict[str, str]:
        """Return the path template of every operation id."""
        return {
            operation["operationId"]: self.base_path + path
            for path, item in self.document["paths"].items()
            for method, operation in item.items()
            if method in METHODS
        }

    def allowed(self, path: str) -> tuple[str, ...]:
        """Return the methods that a concrete path takes; none where it is not one of the contract's.

        A slash at the end counts: a path has one where the contract says so, and only there.
        """
        return _methods(self._item(path))

    def answers(self, method: str, path: str) -> tuple[str, ...]:
        """Return the statuses that the operation at a concrete path may answer with; none where there is none."""
        operation = self._item(path).get(method.lower(), {})
        return tuple(operation.get("responses", ()))

    def _item(self, path: str) -> dict[str, Any]:
        if not path.startswith(self.base_path + "/"):
            return {}
        paths: dict[str, dict[str, Any]] = self.document["paths"]
        own = path.removeprefix(self.base_path)
        if own in paths:  # one without holes is meant before any with holes that it would fit
            return paths[own]
        for template, item in paths.items():
            if _pattern(self.base_path + template).fullmatch(path):
                return item
        return {}


def folder() -> Path:
    """Return where the contracts are: in the installed package, or at the top of a source tree."""
    package = Path(jibu.__file__).parent
    for candidate in (package / "openapi", package.parents[1] / "openapi"):
        if candidate.is_dir():
            return candidate
    raise Misconfigured("the contracts (openapi/) are missing from this installation")


@functools.cache
def load_contracts() -> tuple[Contract, ...]:
    """Return every contract, by name. Raises: Misconfigured."""
    found = []
    for path in sorted(folder().glob("*.yaml")):
        text = path.read_bytes()
        found.append(Contract(path.stem, text, yaml.safe_load(text)))
    return tuple(found)


def published(contract: Contract, public_url: str | None) -> Contract:
    """Return the contract with the server's address as callers see it, where that is set."""
    if not public_url or not contract.is_openapi:
        return contract
    here = f"- url: {contract.base_path or '/'}\n"
    there = f"- url: {public_url.rstrip('/')}{contract.base_path}\n"
    return replace(contract, text=contract.text.replace(here.encode(), there.encode(), 1))


def _methods(item: dict[str, Any]) -> tuple[str, ...]:
    return tuple(method.upper() for method in METHODS if method in item)


@functools.cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile("[^/]+".join(re.escape(part) for part in re.split(r"\{[^}]*\}", template)))
