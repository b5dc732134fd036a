"""What a handler gets: one checked call, without a trace of the framework."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import FormData
from starlette.responses import Response

from jibu.domain.access import Caller
from jibu.domain.errors import Unauthenticated
from jibu.domain.live import Asked


@dataclass(frozen=True, slots=True)
class Call:
    """One call that matches the contract. ``params`` holds path and query parameters, defaults filled in."""

    params: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    form: FormData | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    identity: Caller | None = None
    asked: Asked | None = None
    """The request's ids."""

    @property
    def caller(self) -> Caller:
        """Who calls. Raises: Unauthenticated on operations that are open to everyone."""
        if self.identity is None:
            raise Unauthenticated("this needs a bearer token")
        return self.identity


Handler = Callable[[Call], Awaitable[Response]]


class Json(Response):
    """A JSON response in UTF-8, not escaped."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return the body."""
        return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def wants_stream(accept: str) -> bool:
    """Tell whether an Accept header asks for server-sent events rather than JSON."""
    weights = {"text/event-stream": 0.0, "application/json": 0.0}
    for part in accept.lower().split(","):
        name, *options = (piece.strip() for piece in part.split(";"))
        if name in weights:
            weights[name] = _weight(options)
    return weights["text/event-stream"] > 0 and weights["text/event-stream"] >= weights["application/json"]


def _weight(options: list[str]) -> float:
    for option in options:
        if option.startswith("q="):
            try:
                return float(option[2:])
            except ValueError:
                return 0.0
    return 1.0
