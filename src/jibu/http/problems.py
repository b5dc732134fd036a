"""The one table from domain errors to HTTP, and the RFC 9457 bodies made from it."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass

from starlette.exceptions import HTTPException

from jibu.domain import errors as domain
from jibu.http.errors import BadRequest, FieldError, MethodNotAllowed, NoToken

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:problem-type:jibu:"
INTERNAL = "the service failed; quote the trace id when you report this"
AUTHENTICATE = 'Bearer realm="jibu"'
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")


@dataclass(frozen=True, slots=True)
class Kind:
    """How one class of errors is told over HTTP."""

    status: int
    slug: str
    title: str

    @property
    def type(self) -> str:
        """The problem's stable type URI."""
        return TYPE_PREFIX + self.slug


TABLE: dict[type[domain.JibuError], Kind] = {
    domain.JibuError: Kind(500, "internal-error", "Internal error"),
    domain.InvalidInput: Kind(422, "invalid-input", "Invalid input"),
    domain.NotFound: Kind(404, "not-found", "Not found"),
    domain.Conflict: Kind(409, "conflict", "Conflict"),
    domain.TooLarge: Kind(413, "too-large", "Too large"),
    domain.UnsupportedMedia: Kind(415, "unsupported-media-type", "Unsupported media type"),
    domain.Unauthenticated: Kind(401, "unauthenticated", "Not authenticated"),
    domain.Forbidden: Kind(403, "forbidden", "Forbidden"),
    domain.ConsentRequired: Kind(403, "consent-required", "Consent required"),
    domain.ParseFailed: Kind(422, "parse-failed", "Document cannot be read"),
    domain.TemporaryError: Kind(503, "unavailable", "Unavailable"),
    domain.Overloaded: Kind(429, "overloaded", "Overloaded"),
    domain.Unavailable: Kind(503, "unavailable", "Unavailable"),
    domain.Misconfigured: Kind(500, "misconfigured", "Misconfigured"),
    domain.IndexMismatch: Kind(500, "index-mismatch", "Index was built by another model"),
    domain.IndexBusy: Kind(503, "index-busy", "Index is busy"),
    domain.UnknownProvider: Kind(400, "unknown-provider", "Unknown member, application or service"),
    domain.UpstreamError: Kind(502, "upstream-bad-answer", "Bad answer from the service"),
    domain.UpstreamDenied: Kind(
        502, "upstream-denied", "The provider does not let the client call the service"
    ),
    domain.UpstreamRefused: Kind(502, "upstream-refused", "The service refused the connection"),
    domain.UpstreamUnreachable: Kind(502, "upstream-unreachable", "The service cannot be reached"),
    domain.UpstreamTimeout: Kind(504, "upstream-timeout", "The service took too long"),
    domain.UpstreamBadAnswer: Kind(502, "upstream-bad-answer", "Bad answer from the service"),
    BadRequest: Kind(400, "bad-request", "Bad request"),
    NoToken: Kind(401, "unauthenticated", "Not authenticated"),
    MethodNotAllowed: Kind(405, "method-not-allowed", "Method not allowed"),
}

_BY_STATUS: dict[int, type[domain.JibuError]] = {
    400: BadRequest,
    401: domain.Unauthenticated,
    403: domain.Forbidden,
    404: domain.NotFound,
    405: MethodNotAllowed,
    413: domain.TooLarge,
    415: domain.UnsupportedMedia,
    429: domain.Overloaded,
    503: domain.Unavailable,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem ready to be sent. ``body`` is the JSON object's text."""

    status: int
    headers: dict[str, str]
    body: str
    slug: str


def kind_of(error: domain.JibuError) -> Kind:
    """Return the row of the nearest class in the table."""
    return next(TABLE[cls] for cls in type(error).__mro__ if cls in TABLE)


def as_domain(error: BaseException) -> domain.JibuError:
    """Return the error in the words of the domain; what nobody expected becomes an internal error."""
    if isinstance(error, domain.JibuError):
        return error
    if isinstance(error, HTTPException):
        if error.status_code == 405:
            return MethodNotAllowed(_detail(error), tuple((error.headers or {}).get("Allow", "").split(", ")))
        cls = _BY_STATUS.get(error.status_code, BadRequest if error.status_code < 500 else domain.JibuError)
        return cls(_detail(error))
    return domain.JibuError(INTERNAL)


def problem(error: BaseException, *, path: str, trace_id: str) -> Problem:
    """Return the problem for any error. ``path`` is what was asked for."""
    known = as_domain(error)
    kind = kind_of(known)
    body: dict[str, object] = {
        "type": kind.type,
        "title": kind.title,
        "status": kind.status,
        "detail": INTERNAL if type(known) is domain.JibuError else str(known) or kind.title,
        "instance": path,
        "traceId": trace_id,
    }
    if isinstance(known, domain.ConsentRequired) and known.link is not None:
        body["consent"] = known.link
    found = _field_errors(known)
    if found:
        body["field"] = found[0].field
        body["errors"] = [{"field": one.field, "message": one.message} for one in found]
    if isinstance(known, domain.UpstreamError) and known.service:
        body |= {"service": known.service, "stage": known.stage}
        said = {"xRoadError": known.road_error, "xRoadDetail": known.road_detail}
        body |= {name: value for name, value in said.items() if value}
    return Problem(kind.status, _headers(known, kind), json.dumps(body, separators=(",", ":")), kind.slug)


def _headers(error: domain.JibuError, kind: Kind) -> dict[str, str]:
    headers: dict[str, str] = {"Cache-Control": "no-store"}
    if isinstance(error, domain.UpstreamError) and error.road_error:
        headers["X-Road-Error"] = error.road_error
    if isinstance(error, domain.TemporaryError):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    elif kind.status == 401:
        tried = not isinstance(error, NoToken)
        headers["WWW-Authenticate"] = f'{AUTHENTICATE}, error="invalid_token"' if tried else AUTHENTICATE
    elif kind.status == 403 and not isinstance(error, domain.ConsentRequired):
        headers["WWW-Authenticate"] = f'{AUTHENTICATE}, error="insufficient_scope"'
    elif isinstance(error, MethodNotAllowed) and error.allowed:
        headers["Allow"] = ", ".join(error.allowed)
    return headers


def _field_errors(error: domain.JibuError) -> tuple[FieldError, ...]:
    if isinstance(error, BadRequest) and error.errors:
        return error.errors
    if isinstance(error, domain.InvalidInput) and error.field:
        return (FieldError(error.field.lstrip("/"), str(error)),)
    return ()


def not_taken(sent: str, taken: list[str]) -> str:
    """Return the sentence for a body of a media type that an operation does not take."""
    name = sent.partition(";")[0].strip().lower()
    known = name if _MEDIA_TYPE.fullmatch(name) else "such a body"
    return f"{known} is not taken here" + (f"; send {' or '.join(taken)}" if taken else "")


def _detail(error: HTTPException) -> str:
    if error.status_code == 415:
        named = re.fullmatch(
            r"Invalid Content-type \((.*)\), expected \[(.*)\]", str(error.detail), re.DOTALL
        )
        sent, taken = named.groups() if named else ("", "")
        return not_taken(sent, re.findall(r"'([^']+)'", taken))
    return {
        404: "there is nothing at this address",
        405: "this address does not take this method",
    }.get(error.status_code, str(error.detail))
