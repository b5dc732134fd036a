"""Headers of an exchange: who calls, and what of a message passes the mediator."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from starlette.types import Scope

from jibu.domain.mediation import Service
from jibu.http.errors import BadRequest, FieldError
from jibu.http.tracing import RequestIds

Headers = tuple[tuple[bytes, bytes], ...]

CLIENT, SYNONYM = b"x-govstack-client", b"x-road-client"
HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer trailers "
    b"transfer-encoding upgrade http2-settings".split()
)
NEVER_ON = HOP_BY_HOP | frozenset(
    b"host content-length expect authorization cookie cookie2 forwarded via x-real-ip x-road-id x-request-id "
    b"x-road-service x-http-method x-http-method-override x-method-override x-original-url x-rewrite-url "
    b"x-govstack-client x-road-client traceparent".split()
)
"""Not passed to a service: framing, credentials, what is set anew, and what would change the method or the path."""
NEVER_BACK = HOP_BY_HOP | frozenset(
    b"date server set-cookie set-cookie2 strict-transport-security alt-svc clear-site-data x-request-id x-road-id "
    b"x-road-request-id x-road-client x-road-service x-road-error x-frame-options content-security-policy "
    b"content-security-policy-report-only x-content-type-options service-worker-allowed".split()
)
"""Not passed back: framing, cookies, and what would speak for this block to a browser."""
ROAD_ID = re.compile(rb"[\x21-\x7e]{1,128}")


@dataclass(frozen=True, slots=True)
class Identity:
    """What an exchange is known by. ``request_id``: X-Road-Id, else X-Request-Id, else new."""

    message_id: str
    request_id: str
    trace_id: str


def with_client(scope: Scope) -> Scope:
    """Return a request of the directory in which a client that is named by the synonym is named by both.

    Raises: BadRequest when one of them is there twice.
    """
    if not scope["path"].startswith("/r1/"):
        return scope
    found = {name: one_value(scope, name) for name in (CLIENT, SYNONYM)}
    named = found[SYNONYM]
    if found[CLIENT] is not None or named is None:
        return scope
    return {**scope, "headers": [*scope["headers"], (CLIENT, named)]}


def one_value(scope: Scope, name: bytes) -> bytes | None:
    """Return the value of a header that may be there once. Raises: BadRequest."""
    values = [value for key, value in scope["headers"] if key == name]
    if len(values) > 1:
        title = name.decode()
        raise BadRequest(f"{title} is there twice", (FieldError(title, "is there twice"),))
    return values[0] if values else None


def text_value(scope: Scope, name: str) -> str | None:
    """Return a header's value as text. Raises: BadRequest when it is there twice or is not ASCII."""
    value = one_value(scope, name.lower().encode())
    if value is None:
        return None
    try:
        return value.decode("ascii")
    except UnicodeDecodeError as error:
        raise BadRequest(f"{name} is not ASCII", (FieldError(name, "is not ASCII"),)) from error


def identity_of(scope: Scope, ids: RequestIds, message_id: str) -> Identity:
    """Return the ids of an exchange. Raises: BadRequest for an X-Road-Id that cannot be kept."""
    road = one_value(scope, b"x-road-id")
    if road is not None and not ROAD_ID.fullmatch(road):
        raise BadRequest(
            "X-Road-Id has 1 to 128 printable characters", (FieldError("X-Road-Id", "cannot be kept"),)
        )
    return Identity(message_id, ids.request_id if road is None else road.decode(), ids.trace_id)


def check_framing(scope: Scope) -> int | None:
    """Return the body's declared length, None where it comes in chunks or there is none.

    Raises: BadRequest where two readers could see two different bodies.
    """
    length, coding = one_value(scope, b"content-length"), one_value(scope, b"transfer-encoding")
    if length is not None and coding is not None:
        raise BadRequest("Content-Length and Transfer-Encoding exclude each other")
    if coding is not None and coding.strip().lower() != b"chunked":
        raise BadRequest("only the transfer coding chunked is taken")
    return None if length is None else int(length)


def onward(scope: Scope, identity: Identity, client: str, service: Service, length: int | None) -> Headers:
    """Return the headers for the service. Raises: BadRequest."""
    named = _named_by_connection(scope["headers"])
    if not all(_is_utf8(value) for _, value in scope["headers"]):
        raise BadRequest("a header is not UTF-8")
    kept = [
        (name, value)
        for name, value in scope["headers"]
        # A name with an underscore would pass for one with a hyphen at servers that make variables of both.
        if name not in NEVER_ON
        and name not in named
        and b"_" not in name
        and not name.startswith(b"x-forwarded-")
    ]
    span = secrets.token_hex(8)
    traceparent = one_value(scope, b"traceparent") or b""
    if identity.trace_id.encode() not in traceparent:  # none, or one that cannot be
        traceparent = f"00-{identity.trace_id}-{span}-01".encode()
    kept += [
        (CLIENT, client.encode()),
        (SYNONYM, client.encode()),
        (b"x-road-service", service.service_id.encode()),
        (b"x-road-id", identity.request_id.encode()),
        (b"x-request-id", identity.request_id.encode()),
        (b"traceparent", traceparent),
    ]
    if length is not None:
        kept.append((b"content-length", str(length).encode()))
    elif one_value(scope, b"transfer-encoding") is not None:
        kept.append((b"transfer-encoding", b"chunked"))
    return tuple(kept)


def back(headers: Headers, identity: Identity, client: str, service: Service) -> Headers:
    """Return the headers for the caller; a redirect within the service is turned into one through the mediator."""
    named = _named_by_connection(headers)
    kept = [
        (name, _through(value, service) if name == b"location" else value)
        for name, value in headers
        if name not in NEVER_BACK and name not in named
    ]
    return (
        *kept,
        (b"x-road-client", client.encode()),
        (b"x-road-service", service.service_id.encode()),
        (b"x-road-id", identity.request_id.encode()),
        (b"x-road-request-id", identity.message_id.encode()),
    )


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _through(location: bytes, service: Service) -> bytes:
    base = (service.base_url or "\x00").encode()
    if location == base or location.startswith((base + b"/", base + b"?")):
        return b"/r1/" + service.service_id.encode() + location[len(base) :]
    return location


def _named_by_connection(headers: Headers | list[tuple[bytes, bytes]]) -> set[bytes]:
    """Return the names of headers that Connection declares to be for this hop alone."""
    return {
        part.strip().lower()
        for name, value in headers
        if name.lower() == b"connection"
        for part in value.split(b",")
    }
