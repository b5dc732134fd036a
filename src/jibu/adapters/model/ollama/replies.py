"""What an Ollama server says, as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Embedded:
    """Vectors as they came, one for each text, not checked; ``tokens`` is what the server counted."""

    vectors: list[list[float]]
    tokens: int


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a server says of a model. ``can`` is empty where an old server does not say."""

    can: frozenset[str]
    context: int | None
    parameters: str | None
    quantisation: str | None


@dataclass(frozen=True, slots=True)
class Present:
    """A model that a server has. ``size`` in bytes."""

    name: str
    size: int
    parameters: str | None


@dataclass(frozen=True, slots=True)
class Pulling:
    """How far a download is: bytes of one part of the model."""

    status: str
    part: str | None
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class ChatPart:
    """A piece of what a model writes. The last one tells the tokens, and whether it was cut off."""

    text: str
    last: bool = False
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cut_off: bool = False
