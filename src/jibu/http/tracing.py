"""Request ids and W3C trace context (https://www.w3.org/TR/trace-context/)."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import Scope

STATE = "jibu.request"
_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+/=@-]{0,127}")
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")


@dataclass(frozen=True, slots=True)
class RequestIds:
    """What a request is known by."""

    request_id: str
    trace_id: str


def is_request_id(text: str) -> bool:
    """Tell whether a text can be kept as a request's id."""
    return _REQUEST_ID.fullmatch(text) is not None


def ids_from(headers: Headers) -> RequestIds:
    """Return the caller's ids where they are sane, else new ones."""
    given = headers.get("x-request-id", "")
    return RequestIds(
        given if is_request_id(given) else secrets.token_hex(16),
        _trace_id(headers.get("traceparent", "").strip()) or secrets.token_hex(16),
    )


def ids_of(scope: Scope) -> RequestIds:
    """Return the ids that the outermost layer gave this request."""
    ids = scope.get("extensions", {}).get(STATE)
    return ids if isinstance(ids, RequestIds) else ids_from(Headers(scope=scope))


def _trace_id(traceparent: str) -> str | None:
    match = _TRACEPARENT.fullmatch(traceparent)
    if match is None or (traceparent.startswith("00") and match.group(3)):
        return None
    if set(match.group(1)) == {"0"} or set(match.group(2)) == {"0"}:
        return None
    return match.group(1)
