"""The configuration of an instance as one document: who takes part, with what, and who may call it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class ConfiguredRight:
    """A consumer. ``member``: the name of a member where one alone has it, else INSTANCE/CLASS/MEMBER."""

    member: str
    application: str


@dataclass(frozen=True, slots=True)
class ConfiguredService:
    """A service. None stands for what the document does not say."""

    code: str
    spec_url: str
    base_url: str
    rights: tuple[ConfiguredRight, ...] | None = None
    private_host: bool | None = None


@dataclass(frozen=True, slots=True)
class ConfiguredApplication:
    """An application. None stands for what the document does not say."""

    code: str
    connection: str | None = None
    services: tuple[ConfiguredService, ...] | None = None


@dataclass(frozen=True, slots=True)
class ConfiguredMember:
    """A member. None stands for what the document does not say."""

    name: str
    member_class: str
    code: str
    applications: tuple[ConfiguredApplication, ...] | None = None


@dataclass(frozen=True, slots=True)
class Configuration:
    """A document. None stands for what it does not say."""

    domain: str
    instance: str
    members: tuple[ConfiguredMember, ...] | None = None


class Mode(Enum):
    """What becomes of what the document does not describe: there is nothing yet, it stays, or it goes."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
