"""What can be wrong with a request before any use case sees it."""

from __future__ import annotations

from dataclasses import dataclass

from jibu.domain.errors import InvalidInput, JibuError, Unauthenticated


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that is wrong. ``field`` is a path with slashes (``turns/0/text``) or a parameter's name."""

    field: str
    message: str


class BadRequest(InvalidInput):
    """The request does not match the contract."""

    code = "bad-request"

    def __init__(self, message: str, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(message, errors[0].field if errors else None)
        self.errors = errors


class NoToken(Unauthenticated):
    """The call did not try to authenticate with a bearer token, so no token of it can be wrong (RFC 6750, 3.1)."""


class MethodNotAllowed(JibuError):
    """The path exists, but not with this method. ``allowed`` lists those that do."""

    code = "method-not-allowed"

    def __init__(self, message: str, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.allowed = allowed
