"""Steps that the consent handlers share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from starlette.responses import Response

from jibu.domain.errors import InvalidInput, NotFound
from jibu.http.call import Call, Handler, Json
from jibu.http.errors import BadRequest, FieldError
from jibu.http.handlers.consent import views
from jibu.ports import Page
from jibu.usecases.consent.common import Versioned
from jibu.usecases.consent.records import may_speak_for

T = TypeVar("T")
WHO = "x-consentbb-individualid"
TRUSTED = "consent.service"


def told(handler: Handler) -> Handler:
    """Return the handler with its errors as the contract tells them: what is not there is a bad request."""

    async def handle(call: Call) -> Response:
        try:
            return await handler(call)
        except BadRequest:
            raise
        except NotFound as error:
            raise BadRequest(str(error)) from error
        except InvalidInput as error:
            raise _bad(error) from error

    return handle


def _bad(error: InvalidInput) -> BadRequest:
    if error.field is None:
        return BadRequest(str(error))
    return BadRequest(f"{error.field} {error}", (FieldError(error.field, str(error)),))


def individual_of(call: Call) -> str:
    """Return whom the call is for: header, query and token have to agree.

    Raises: BadRequest; Forbidden where the caller may not speak for that individual.
    """
    caller = call.caller
    named = {name for name in (call.headers.get(WHO), call.params.get("individualId")) if name}
    if len(named) > 1:
        raise BadRequest(
            "individualId is not the individual of X-ConsentBB-IndividualId",
            (FieldError("individualId", "is not the individual of X-ConsentBB-IndividualId"),),
        )
    trusted = TRUSTED in caller.scopes
    found = named.pop() if named else caller.subject
    if found is None:
        if not trusted:
            may_speak_for(None, "", trusted=False)
        message = "is missing: the token names no individual"
        raise BadRequest(
            f"X-ConsentBB-IndividualId {message}", (FieldError("X-ConsentBB-IndividualId", message),)
        )
    may_speak_for(caller.subject, found, trusted=trusted)
    return found


def expected(call: Call) -> str | None:
    """Return the revision that a change is meant for (If-Match), None for any."""
    given = call.headers.get("if-match", "").strip()
    return None if given in {"", "*"} else given.removeprefix("W/").strip('"')


def versioned(name: str, found: Versioned[T], view: Callable[[T], dict[str, Any]]) -> Response:
    """Return a value with its revision."""
    body = {name: view(found.value), "revision": views.revision(found.revision, found.successor)}
    return Json(body, headers={"ETag": f'"{found.revision.revision_id}"'})


def listed(name: str, found: Page[T], view: Callable[[T], dict[str, Any]]) -> Response:
    """Return one page of a listing."""
    return Json({name: [view(item) for item in found.items], "total": found.total})


def window(call: Call) -> dict[str, int]:
    """Return which page is asked for."""
    return {"offset": call.params["offset"], "limit": call.params["limit"]}
