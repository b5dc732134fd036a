"""Errors on their way out: logged where they are ours, told as problems always."""

from __future__ import annotations

import structlog
from starlette.responses import Response
from starlette.types import Scope

from jibu.http.logs import frames
from jibu.http.problems import MEDIA_TYPE, Problem, problem
from jibu.http.tracing import ids_of

_log = structlog.get_logger("jibu.http")


def failed(error: BaseException, scope: Scope) -> Problem:
    """Return the problem for an error; faults of the service are logged with where they came from."""
    found = problem(error, path=scope["path"], trace_id=ids_of(scope).trace_id)
    if found.status >= 500:
        _log.error("failed", problem=found.slug, status=found.status, frames=frames(error))
    return found


def problem_response(error: BaseException, scope: Scope) -> Response:
    """Return the response for an error."""
    found = failed(error, scope)
    return Response(found.body, status_code=found.status, headers=found.headers, media_type=MEDIA_TYPE)
