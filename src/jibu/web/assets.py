"""The page's own files, read once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

MEDIA_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent."""

    content: bytes
    media_type: str


class Assets:
    """All files under one version: scripts import each other by relative URL, so they change together."""

    def __init__(self, assets: Mapping[str, Asset]) -> None:
        self._assets = dict(assets)
        digest = hashlib.sha256()
        for name in sorted(self._assets):
            digest.update(name.encode() + b"\0" + self._assets[name].content + b"\0")
        self.version = digest.hexdigest()[:16]

    def get(self, version: str, name: str) -> Asset | None:
        """Return a file of this version, None where there is none."""
        return self._assets.get(name) if version == self.version else None


def load_assets() -> Assets:
    """Read every file of the page."""
    found = _walk(files("jibu.web").joinpath("static"), "")
    return Assets({name: Asset(file.read_bytes(), MEDIA_TYPES[_suffix(name)]) for name, file in found})


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        name = f"{prefix}{entry.name}"
        if entry.is_dir():
            yield from _walk(entry, f"{name}/")
        elif _suffix(name) in MEDIA_TYPES:
            yield name, entry


def _suffix(name: str) -> str:
    return name[name.rfind(".") :] if "." in name else ""
