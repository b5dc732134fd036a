"""Tokens at the door."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from http_support import ALL_SCOPES, TestServices, app_of, client_of, make_services
from starlette.requests import Request
from starlette.types import ASGIApp

from jibu.adapters.auth.local import LocalIssuer
from jibu.domain.access import Caller
from jibu.domain.errors import Unavailable
from jibu.http.contracts import load_contracts
from jibu.http.security import REMEMBER_S, BearerSecurity

pytestmark = pytest.mark.anyio
OPERATIONS = [
    (method, contract.base_path + path, operation, operation.get("security", contract.document["security"]))
    for contract in load_contracts()
    if contract.is_openapi
    for path, item in contract.document["paths"].items()
    for method, operation in item.items()
    if method in {"get", "put", "post", "delete"}
]
CLOSED = [(method, path, operation, security) for method, path, operation, security in OPERATIONS if security]
QUERY = "/rag/v1/query"


def concrete(path: str) -> str:
    """Return a path with something in its holes."""
    return "/".join("x" if part.startswith("{") else part for part in path.split("/"))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestServices, ASGIApp]]:
    """Return services and their app, for tests that keep nothing."""
    services = make_services(tmp_path_factory.mktemp("security"))
    yield services, app_of(services)
    services.mediation_records.close()


@pytest.mark.parametrize(
    ("method", "path", "security"),
    [(method, path, security) for method, path, _, security in CLOSED],
    ids=[operation["operationId"] for _, _, operation, _ in CLOSED],
)
async def test_every_closed_operation_wants_a_token_and_its_scope(
    shared: tuple[TestServices, ASGIApp], method: str, path: str, security: list[dict[str, list[str]]]
) -> None:
    """No token is 401, a token without the scope is 403; both before the body is looked at.

    Operations that name no scope (an individual's own records) are tested where their rule is.
    """
    services, app = shared
    async with client_of(app) as client:
        response = await client.request(method, concrete(path), content=b"{")
    assert (response.status_code, response.json()["type"]) == (401, "urn:problem-type:jibu:unauthenticated")
    assert response.headers["www-authenticate"] == 'Bearer realm="jibu"'
    needed = {scope for option in security for scope in option["oauth2"]}
    if not needed:
        return
    others = [scope for scope in ALL_SCOPES if scope not in needed]
    async with client_of(app, services.token(*others)) as client:
        response = await client.request(method, concrete(path), content=b"{")
    assert (response.status_code, response.json()["type"]) == (403, "urn:problem-type:jibu:forbidden")
    assert "insufficient_scope" in response.headers["www-authenticate"]
    for scope in needed:
        async with client_of(app, services.token(scope)) as client:
            response = await client.request(method, concrete(path), content=b"{")
        assert response.status_code not in {401, 403}


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic dXNlcjpwYXNz",
        "bearer",
        "Token abc",
        "Bearer a b",
        "Bearer \xff",
        "Bearer " + "x" * 9000,
    ],
)
async def test_strange_authorization_headers(services: TestServices, header: str) -> None:
    """What is not a good bearer token is 401."""
    async with client_of(app_of(services)) as client:
        response = await client.post(
            QUERY,
            json={"question": "passport"},
            headers={b"Authorization": header.encode("latin-1")},  # type: ignore[dict-item]
        )
    assert response.status_code == 401


async def test_two_tokens_are_none(services: TestServices) -> None:
    """Nobody has to guess which one counts."""
    token = f"Bearer {services.token()}"
    async with client_of(app_of(services)) as client:
        headers = [("Authorization", token), ("Authorization", token)]
        assert (await client.post(QUERY, json={"question": "passport"}, headers=headers)).status_code == 401


async def test_expired_and_foreign_tokens(services: TestServices, tmp_path: Path) -> None:
    """Expired, for another audience, or signed by another issuer: 401 that says why, and no answer is kept."""
    other = make_services(tmp_path / "other")
    tokens = {"expired": _expired(tmp_path), "key is not known": other.token()}
    async with client_of(app_of(services)) as client:
        for why, token in tokens.items():
            response = await client.post(
                QUERY, json={"question": "passport"}, headers={"Authorization": f"Bearer {token}"}
            )
            assert response.status_code == 401
            assert 'error="invalid_token"' in response.headers["www-authenticate"]
            assert why in response.json()["detail"]
    assert services.store.answers == {}


def _expired(folder: Path) -> str:
    issuer = LocalIssuer(folder, profile="dev", audience="jibu", now=lambda: time.time() - 3600)
    return issuer.issue("ZZ/GOV/portal-agency/portal", ["rag.query"], ttl_s=60)


async def test_an_unsigned_token(services: TestServices) -> None:
    """``alg: none`` opens nothing."""

    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    claims = {"iss": "urn:jibu:local-issuer", "aud": "jibu", "exp": 2**31, "scope": "rag.query"}
    token = f"{part({'alg': 'none'})}.{part(claims)}."
    async with client_of(app_of(services), token) as client:
        assert (await client.post(QUERY, json={"question": "passport"})).status_code == 401


async def test_the_issuer_being_away_is_503_never_an_open_door(services: TestServices) -> None:
    """Without keys nobody can be known."""

    class Away:
        def verify(self, token: str) -> Caller:  # noqa: ARG002
            raise Unavailable("the token issuer does not answer", retry_after=7.2)

    services.verifier = Away()
    async with client_of(app_of(services), "any.token.x") as client:
        response = await client.post(QUERY, json={"question": "passport"})
    assert (response.status_code, response.headers["retry-after"]) == (503, "8")


async def test_checking_tokens_never_blocks_the_event_loop(services: TestServices) -> None:
    """A verifier that waits for its issuer holds up its own callers alone."""
    inner, loop_thread = services.verifier, threading.current_thread()
    seen: list[threading.Thread] = []

    class Watched:
        def verify(self, token: str) -> Caller:
            seen.append(threading.current_thread())
            caller: Caller = inner.verify(token)
            return caller

    services.verifier = Watched()
    async with client_of(app_of(services), services.token()) as client:
        for _ in range(5):
            assert (await client.post(QUERY, json={"question": "passport"})).status_code == 200
    assert loop_thread not in seen
    assert len(seen) == 1, "a token that was good is remembered for a few seconds"


async def test_a_remembered_token_is_looked_at_again(services: TestServices) -> None:
    """Remembering is short, and only for tokens that were good."""
    seen: list[str] = []

    class Counting:
        def verify(self, token: str) -> Caller:
            seen.append(token)
            return Caller("a/b/c/d", frozenset())

    clock = [0.0]
    security = BearerSecurity(Counting(), monotonic=lambda: clock[0])

    async def ask(token: str) -> None:
        await security.caller(
            Request({"type": "http", "headers": [(b"authorization", f"Bearer {token}".encode())]})
        )

    await ask("one")
    await ask("one")
    await ask("two")
    clock[0] += REMEMBER_S
    await ask("one")
    assert seen == ["one", "two", "one"]


async def test_open_endpoints(services: TestServices) -> None:
    """Probes, contracts, documentation and the system card are for everyone."""
    async with client_of(app_of(services)) as client:
        for path in ("/health/live", "/health/ready", "/openapi/rag.yaml", "/docs", "/rag/v1/system-card"):
            assert (await client.get(path)).status_code == 200, path
