"""The fixed phrases that people see, one JSON catalogue for each language.

A language is asked for with a BCP 47 tag and found by RFC 4647 lookup: ``sw-TZ``, then ``sw``, then English.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Literal

DEFAULT_LANGUAGE = "en"

_RTL_LANGUAGES = frozenset(
    ["ar", "arc", "ckb", "dv", "fa", "he", "ks", "nqo", "ps", "sd", "syr", "ug", "ur", "yi"]
)
_RTL_SCRIPTS = frozenset(["adlm", "arab", "aran", "hebr", "mand", "nkoo", "rohg", "samr", "syrc", "thaa"])
_SCRIPT = re.compile(r"-([a-z]{4})(?:-|$)")


class Catalogue:
    """All shipped phrases. Files are read once for each process, when a language is first used."""

    def languages(self) -> tuple[str, ...]:
        """Return the tags of the languages that have a catalogue, sorted."""
        return _languages()

    def resolve(self, language: str) -> str:
        """Return the catalogue tag that serves `language`; English where none does."""
        known = {tag.lower(): tag for tag in _languages()}
        return next((known[tag] for tag in _lookup(language) if tag in known), DEFAULT_LANGUAGE)

    def message(self, key: str, language: str, **values: str | int) -> str:
        """Return the phrase `key` in `language` with its placeholders filled.

        Raises:
            KeyError: no such phrase, or a placeholder has no value.
        """
        return self.messages(language)[key].format_map(values)

    def messages(self, language: str) -> Mapping[str, str]:
        """Return every phrase of the catalogue that serves `language`, placeholders unfilled; read-only."""
        return _load(self.resolve(language))

    def direction(self, language: str) -> Literal["ltr", "rtl"]:
        """Return the direction in which text in `language` is written, whether or not it has a catalogue."""
        tag = _normal(language)
        script = _SCRIPT.search(tag)
        if script:
            return "rtl" if script.group(1) in _RTL_SCRIPTS else "ltr"
        return "rtl" if tag.partition("-")[0] in _RTL_LANGUAGES else "ltr"


def _normal(tag: str) -> str:
    return tag.strip().replace("_", "-").lower()


def _lookup(tag: str) -> Iterator[str]:
    """Yield `tag` and its ever shorter forms, as RFC 4647 section 3.4 removes subtags."""
    subtags = _normal(tag).split("-")
    while subtags and subtags[0]:
        yield "-".join(subtags)
        subtags.pop()
        if subtags and len(subtags[-1]) == 1:  # a singleton means nothing without what followed it
            subtags.pop()


@cache
def _languages() -> tuple[str, ...]:
    names = (entry.name for entry in files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".json") for name in names if name.endswith(".json")))


@cache
def _load(tag: str) -> Mapping[str, str]:
    text = files(__name__).joinpath(f"{tag}.json").read_text(encoding="utf-8")
    phrases: dict[str, str] = json.loads(text)
    return MappingProxyType(phrases)
