"""Headers of an exchange: who calls, and what of a message passes the mediator."""

from __future__ import annotations

from starlette.types import Scope

from jibu.http.errors import BadRequest, FieldError

CLIENT, SYNONYM = b"x-govstack-client", b"x-road-client"


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
