"""The one place that imports Connexion (https://connexion.readthedocs.io).

It is not typed, and importing it brings a deprecation warning of Starlette's test client, which nobody here uses.
"""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from connexion import AsyncApp, request  # type: ignore[import-untyped]
    from connexion.datastructures import MediaTypeDict  # type: ignore[import-untyped]
    from connexion.exceptions import ProblemException  # type: ignore[import-untyped]
    from connexion.json_schema import Draft4RequestValidator  # type: ignore[import-untyped]
    from connexion.lifecycle import ConnexionRequest, ConnexionResponse  # type: ignore[import-untyped]
    from connexion.options import SwaggerUIOptions  # type: ignore[import-untyped]
    from connexion.resolver import Resolver  # type: ignore[import-untyped]
    from connexion.validators import JSONResponseBodyValidator, ParameterValidator  # type: ignore[import-untyped]

ROUTING = "connexion_routing"
"""Key in ``scope["extensions"]`` under which Connexion leaves the operation's id."""
CONTEXT = "connexion_context"
"""Key in ``scope["extensions"]`` of what security and validation hand to the handler."""

__all__ = [
    "CONTEXT",
    "ROUTING",
    "AsyncApp",
    "ConnexionRequest",
    "ConnexionResponse",
    "Draft4RequestValidator",
    "JSONResponseBodyValidator",
    "MediaTypeDict",
    "ParameterValidator",
    "ProblemException",
    "Resolver",
    "SwaggerUIOptions",
    "request",
]
