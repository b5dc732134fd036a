"""The contracts as a Connexion ``AsyncApp``: routing, security, validation, then our handlers."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, cast

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp

from jibu.domain.errors import JibuError, UnsupportedMedia
from jibu.domain.live import Asked
from jibu.http._connexion import (
    AsyncApp,
    ConnexionRequest,
    ConnexionResponse,
    JSONResponseBodyValidator,
    MediaTypeDict,
    ProblemException,
    Resolver,
    SwaggerUIOptions,
)
from jibu.http._connexion import (
    request as current_request,
)
from jibu.http.call import Call, Handler
from jibu.http.contracts import Contract
from jibu.http.errors import MethodNotAllowed
from jibu.http.failures import failed
from jibu.http.problems import MEDIA_TYPE
from jibu.http.security import CALLER, BearerSecurity
from jibu.http.tracing import ids_of
from jibu.http.validation import BODY, FORM, JsonBody, MultipartBody, Parameters
from jibu.http.yaml_body import YamlBody

Lifespan = Callable[[Any], AbstractAsyncContextManager[None]]
_NOT_PARAMETERS = {"body", "user", "token_info", BODY, FORM}


def build_api(
    contracts: tuple[Contract, ...],
    handlers: Mapping[str, Handler],
    *,
    security: BearerSecurity,
    lifespan: Lifespan,
    validate_responses: bool,
) -> ASGIApp:
    """Return the app that serves these contracts. Raises: ResolverError for an operation without handler."""
    endpoints = {name: _endpoint(handler) for name, handler in handlers.items()}
    app = AsyncApp(
        __name__,
        lifespan=lifespan,
        strict_validation=True,
        validate_responses=validate_responses,
        swagger_ui_options=SwaggerUIOptions(serve_spec=False, swagger_ui=False),
        resolver=Resolver(_resolve(endpoints)),
        security_map={"oauth2": lambda: security},
        validator_map={
            "parameter": Parameters,
            "body": MediaTypeDict(
                {"*/*json": JsonBody, "text/yaml": YamlBody, "multipart/form-data": MultipartBody}
            ),
            "response": MediaTypeDict({"*/*json": JSONResponseBodyValidator}),
        },
    )
    # The first base path that fits wins: one that is empty fits always.
    for contract in sorted(contracts, key=lambda one: not one.base_path):
        app.add_api(copy.deepcopy(contract.document), base_path=contract.base_path)
    on_error = _on_error(contracts)
    for kind in (JibuError, ProblemException, HTTPException, Exception):
        app.add_error_handler(kind, on_error)
    return cast("ASGIApp", app)


def _resolve(endpoints: Mapping[str, Any]) -> Callable[[str], Any]:
    def resolve(operation_id: str) -> Any:
        try:
            return endpoints[operation_id]
        except KeyError as error:
            raise ValueError(f"no handler for operation {operation_id}") from error

    return resolve


def _endpoint(handler: Handler) -> Callable[..., Any]:
    """Return what Connexion calls: it gathers one ``Call`` and closes the form afterwards."""

    async def endpoint(**found: Any) -> Response:
        headers, ids = current_request.headers, ids_of(current_request.scope)
        form = found.get(FORM)
        if BODY not in found and form is None and int(headers.get("content-length", "0")) > 0:
            raise UnsupportedMedia("this operation takes no body")
        call = Call(
            params={name: value for name, value in found.items() if name not in _NOT_PARAMETERS},
            body=found.get(BODY),
            form=form,
            headers=headers,
            identity=found.get("token_info", {}).get(CALLER),
            asked=Asked(ids.request_id, ids.trace_id),
        )
        try:
            return await handler(call)
        finally:
            if form is not None:
                await form.close()

    return endpoint


def _on_error(contracts: tuple[Contract, ...]) -> Callable[[ConnexionRequest, Exception], Any]:
    async def on_error(request: ConnexionRequest, error: Exception) -> ConnexionResponse:
        scope = request.scope
        if isinstance(error, HTTPException) and error.status_code == 405:
            allowed = tuple(m for contract in contracts for m in contract.allowed(scope["path"]))
            error = MethodNotAllowed("this address does not take this method", allowed)
        found = failed(error, scope)
        return ConnexionResponse(
            status_code=found.status, mimetype=MEDIA_TYPE, body=found.body, headers=found.headers
        )

    return on_error
