"""Requests against the contract: errors name the field and the rule, and never repeat what was sent.

These stand in for Connexion's own validators. They read a body once, also when it comes in chunks without a length,
and hand the parsed value to the handler, so that what was checked is what is used.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import AsyncGenerator, Callable
from typing import Any, NoReturn

import anyio.to_thread
from jsonschema import Draft4Validator, ValidationError  # type: ignore[import-untyped]
from jsonschema.validators import extend  # type: ignore[import-untyped]
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope

from jibu.domain.errors import UnsupportedMedia
from jibu.http._connexion import CONTEXT, ConnexionRequest, Draft4RequestValidator, ParameterValidator
from jibu.http.errors import BadRequest, FieldError

BODY = "jibu_body"
FORM = "jibu_form"
MAX_ERRORS = 10
MAX_FIELD_BYTES = 65_536
IN_THREAD_BYTES = 65_536
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_CHARSET = re.compile(r"charset\s*=\s*\"?([^\s;\"]+)", re.IGNORECASE)
_RULES = {
    "pattern": "has characters or a form that are not allowed",
    "uniqueItems": "has an item twice",
    "maxLength": "is longer than {} characters",
    "minLength": "is shorter than {} characters",
    "maximum": "is greater than {}",
    "minimum": "is less than {}",
    "maxItems": "has more than {} items",
    "minItems": "has fewer than {} items",
    "type": "is not of type {}",
}


def _unless_too_long(check: Callable[..., Any]) -> Callable[..., Any]:
    """Return a keyword's check that leaves lists alone that are too long anyway: it would take longer than reading."""

    def checked(validator: Any, wanted: Any, value: Any, schema: Any) -> Any:
        if isinstance(value, list) and len(value) > schema.get("maxItems", math.inf):
            return ()
        return check(validator, wanted, value, schema)

    return checked


_Validator = extend(
    Draft4RequestValidator,
    {name: _unless_too_long(Draft4RequestValidator.VALIDATORS[name]) for name in ("items", "uniqueItems")},
)


def check(value: Any, schema: dict[str, Any]) -> None:
    """Raises: BadRequest that lists up to ten errors."""
    validator = _Validator(schema, format_checker=Draft4Validator.FORMAT_CHECKER)
    found: list[FieldError] = []
    for error in validator.iter_errors(value):
        found += _told(error)
        if len(found) >= MAX_ERRORS:
            break
    if found:
        told = sorted(dict.fromkeys(found), key=lambda one: one.field)
        refuse(*told[:MAX_ERRORS])


def refuse(*errors: FieldError) -> NoReturn:
    """Raises: BadRequest."""
    message = "; ".join(f"{one.field or 'the body'} {one.message}" for one in errors)
    raise BadRequest(message, tuple(one for one in errors if one.field))


def _told(error: ValidationError) -> list[FieldError]:
    path = "/".join(map(str, error.absolute_path))
    rule, value = str(error.validator), error.validator_value
    if rule == "required":
        return [FieldError(_join(path, name), "is missing") for name in value if name not in error.instance]
    if rule == "additionalProperties":
        known = error.schema.get("properties", {})
        return [
            FieldError(_join(path, name[:64]), "is not known") for name in error.instance if name not in known
        ]
    if rule == "enum":
        return [FieldError(path, f"is none of {', '.join(map(str, value))}")]
    if rule in {"minLength", "pattern"} and not str(error.instance).strip():
        return [FieldError(path, "is blank")]
    return [FieldError(path, _RULES.get(rule, "does not match the contract").format(value))]


def _join(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


class Parameters(ParameterValidator):  # type: ignore[misc]
    """Checks path, query and header parameters."""

    @staticmethod
    def validate_parameter(
        kind: str, value: Any, param: dict[str, Any], param_name: str | None = None
    ) -> None:
        """Raises: BadRequest that names the parameter."""
        name = str(param_name or param["name"])
        if value is None:
            if param.get("required"):
                refuse(FieldError(name, f"is missing ({kind})"))
            return
        errors = list(Draft4Validator(param["schema"]).iter_errors(value))
        if errors:
            refuse(*(FieldError(name, one.message) for error in errors for one in _told(error)))

    def validate_request(self, request: ConnexionRequest) -> None:
        """Raises: BadRequest, also for query parameters that the contract does not know."""
        unknown = sorted(self.validate_query_parameter_list(request))
        if unknown:
            refuse(*(FieldError(name[:64], "is not a known parameter") for name in unknown[:MAX_ERRORS]))
        super().validate_request(request)


class JsonBody:
    """Reads and checks a JSON body."""

    kind = "JSON"

    def __init__(self, *, schema: dict[str, Any], required: bool, **_others: Any) -> None:
        self._schema = schema
        self._required = required

    async def wrap_receive(self, receive: Receive, *, scope: Scope) -> tuple[Receive, Scope]:
        """Leave the parsed body for the handler. Raises: BadRequest; UnsupportedMedia; TooLarge."""
        _as_it_is(Headers(scope=scope), self.kind)
        raw = b"".join([chunk async for chunk in body_of(receive)])
        context = scope["extensions"].setdefault(CONTEXT, {})
        if len(raw) > IN_THREAD_BYTES:
            context[BODY] = await anyio.to_thread.run_sync(self._parse, raw)
        else:
            context[BODY] = self._parse(raw)
        return _replayed(b"", receive), scope

    def _parse(self, raw: bytes) -> Any:
        if not raw:
            if self._required:
                raise BadRequest(f"a {self.kind} body is needed")
            return {}
        value = self._read(raw)
        check(value, self._schema)
        return value

    def _read(self, raw: bytes) -> Any:
        return parse_json(raw)


def _as_it_is(headers: Headers, what: str) -> None:
    """Raise UnsupportedMedia for compressed bodies, and other encodings: some of Python's take very long to decode."""
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMedia(f"{what} is sent as it is, without Content-Encoding")
    kind = headers.get("content-type", "")
    named = _CHARSET.search(kind)
    if named is None:
        if "charset" not in kind.lower():
            return
    elif named.group(1).lower() in {"utf-8", "utf8", "us-ascii"}:
        return
    raise UnsupportedMedia(f"{what} is sent in UTF-8")


def parse_json(raw: bytes) -> Any:
    """Return strict JSON: UTF-8, no NaN, no name twice, no halves of characters, no endless nesting.

    Raises: BadRequest.
    """
    try:
        text = raw.decode("utf-8")
        value = json.loads(
            text, parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_no_name_twice
        )
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeError as error:
        raise BadRequest("the body is not valid UTF-8 text") from error
    except json.JSONDecodeError as error:
        raise BadRequest(f"the body is not JSON: {error.msg} at character {error.pos}") from error
    except (ValueError, RecursionError) as error:
        raise BadRequest("the body is not JSON that this service takes") from error
    return value


class _FormParser(MultiPartParser):
    """A form of one file and some fields that has to have an end."""

    def __init__(self, headers: Headers, stream: AsyncGenerator[bytes, None]) -> None:
        super().__init__(headers, stream, max_files=1, max_fields=32, max_part_size=MAX_FIELD_BYTES)
        self._ended = False

    def on_end(self) -> None:
        self._ended = True

    async def parse(self) -> FormData:
        form = await super().parse()
        if not self._ended:
            for file in self._files_to_close_on_error:
                file.close()
            raise MultiPartException("it ends early")
        return form


class MultipartBody:
    """Streams a form to spooled temporary files and checks its fields."""

    def __init__(self, *, schema: dict[str, Any], **_others: Any) -> None:
        self._schema = schema

    async def wrap_receive(self, receive: Receive, *, scope: Scope) -> tuple[Receive, Scope]:
        """Leave the form for the handler, which closes it. Raises: BadRequest; TooLarge."""
        headers = Headers(scope=scope)
        _as_it_is(headers, "a form")
        parser = _FormParser(headers, body_of(receive))
        try:
            form = await parser.parse()
        except MultiPartException as error:
            raise BadRequest(f"the form cannot be read: {error.message}") from error
        except (ValueError, LookupError, UnicodeError) as error:
            raise BadRequest("the form cannot be read") from error
        try:
            check_form(form, self._schema)
        except BadRequest:
            await form.close()
            raise
        scope["extensions"].setdefault(CONTEXT, {})[FORM] = form
        return _replayed(_empty_form(headers["content-type"]), receive), scope


def check_form(form: FormData, schema: dict[str, Any]) -> None:
    """Raises: BadRequest."""
    keys = [key for key, _ in form.multi_items()]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        refuse(*(FieldError(key[:64], "is given twice") for key in twice))
    upload = form.get("file")
    if upload is not None and not (isinstance(upload, UploadFile) and upload.filename):
        refuse(FieldError("file", "has no file name"))
    for key, value in form.multi_items():
        if key != "file" and isinstance(value, UploadFile):
            refuse(FieldError(key[:64], "is a file where text is expected"))
    check({key: "" if isinstance(value, UploadFile) else value for key, value in form.multi_items()}, schema)


async def body_of(receive: Receive) -> AsyncGenerator[bytes, None]:
    """Yield a body's chunks."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        more = message.get("more_body", False)
        yield message.get("body", b"")


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return a channel that gives ``body`` as the whole body and then what ``receive`` gives."""
    left = [body]

    async def replay() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return await receive()

    return replay


def _empty_form(content_type: str) -> bytes:
    """Return the end of a form: Connexion parses it again, and finds nothing."""
    match = re.search(r'boundary=(?:"([^"]+)"|([^;\s]+))', content_type, re.IGNORECASE)
    boundary = (match.group(1) or match.group(2)) if match else ""
    return f"--{boundary}--\r\n".encode("latin-1")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _finite(digits: str) -> float:
    """Return a number. Raises: ValueError for one that would become infinite and could not be written again."""
    found = float(digits)
    if math.isinf(found):
        raise ValueError(digits)
    return found


def _no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object. Raises: BadRequest for one that two readers could read in two ways (RFC 8259, 4)."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadRequest("an object of the body has a name twice")
    return found
