"""X-Road's error codes in the mediator's words.

Codes come in two spellings, ``Server.ServerProxy.AccessDenied`` (X-Road 6 and 7) and
``server.serverproxy.access_denied`` (8). The text of an error names hosts and addresses of others' networks, so it is
looked at and never passed on; of the body only the id passes by which the Security Server's log knows the case.
"""

from __future__ import annotations

import re

from jibu.domain.errors import (
    UpstreamBadAnswer,
    UpstreamDenied,
    UpstreamError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)

CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,199}")
_DETAIL = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
_LATE = re.compile(r"tim(?:ed|e)[ -]?out", re.IGNORECASE)
_PLACES = (
    (("server", "serverproxy"), "the provider's Security Server"),
    (("server", "clientproxy"), "this block's Security Server"),
)
FAMILIES: tuple[tuple[frozenset[str], type[UpstreamError], str, str], ...] = (
    (frozenset({"accessdenied"}), UpstreamDenied, "does not let this client call the service", "send"),
    (
        frozenset({"sslauthenticationfailed", "invalidclientidentifier"}),
        UpstreamRefused,
        "did not accept who connects to it",
        "connect",
    ),
    (
        frozenset({"unknownservice", "unknownmember", "servicetype", "invalidsecurityserver"}),
        UpstreamUnreachable,
        "knows no such member or service",
        "connect",
    ),
    (
        frozenset({"servicedisabled", "maintenancemode"}),
        UpstreamUnreachable,
        "has switched the service off",
        "connect",
    ),
    (
        frozenset({"servicemissingurl", "servicemalformedurl"}),
        UpstreamUnreachable,
        "does not know where the service is",
        "connect",
    ),
    (
        frozenset({"networkerror", "unknownhost"}),
        UpstreamUnreachable,
        "cannot reach the next host",
        "connect",
    ),
    (
        frozenset({"servicefailed", "ioerror", "httperror"}),
        UpstreamBadAnswer,
        "got no whole answer from the next host",
        "answer",
    ),
    (
        frozenset({"badrequest", "invalidrequest"}),
        UpstreamBadAnswer,
        "takes the call for malformed",
        "send",
    ),
)
"""What each family of codes means. What is in none is X-Road's own trouble: keys, configuration, its log."""
MAY_BE_LATE = frozenset({"networkerror", "ioerror", "servicefailed"})
"""X-Road has no code for what took too long: these are, where their text says so."""


def told(code: str, body: str, service: str) -> UpstreamError:
    """Return the error for a code in X-Road-Error and the body that came with it."""
    if not CODE.fullmatch(code):
        return UpstreamBadAnswer("X-Road failed and said so in no code that is one", service, "answer")
    parts = tuple(code.lower().replace("_", "").split("."))
    where = next((name for begin, name in _PLACES if parts[:2] == begin), "the X-Road Security Server")
    kind, what, stage = _meant(parts, body)
    detail = _DETAIL.search(body)
    return kind(
        f"{where} {what} ({code})",
        service,
        stage,
        road_error=code,
        road_detail="" if detail is None else detail.group(),
    )


def _meant(parts: tuple[str, ...], body: str) -> tuple[type[UpstreamError], str, str]:
    if not MAY_BE_LATE.isdisjoint(parts) and _LATE.search(body):
        stage = "connect" if "networkerror" in parts else "answer"
        return UpstreamTimeout, "waited too long for the next host", stage
    for names, kind, what, stage in FAMILIES:
        if not names.isdisjoint(parts):
            return kind, what, stage
    if parts[0] == "client":
        return UpstreamBadAnswer, "takes the call for malformed", "send"
    return UpstreamBadAnswer, "failed", "answer"
