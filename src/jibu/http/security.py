"""Bearer tokens at the door of every operation."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import anyio.to_thread
from starlette.requests import HTTPConnection

from jibu.domain.access import Caller
from jibu.domain.errors import Forbidden, Unauthenticated
from jibu.http.errors import NoToken
from jibu.ports import TokenVerifier

CALLER = "caller"
THREADS = 8
REMEMBERED = 2048
REMEMBER_S = 5.0
"""How long a token that was good counts as good without a look; less than the clock difference allowed in `exp`."""


class BearerSecurity:
    """Checks tokens in threads of its own: a verifier may have to fetch keys. Good ones are remembered shortly."""

    def __init__(self, verifier: TokenVerifier, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._verifier = verifier
        self._threads = anyio.CapacityLimiter(THREADS)
        self._monotonic = monotonic
        self._good: OrderedDict[bytes, tuple[float, Caller]] = OrderedDict()

    async def caller(self, request: HTTPConnection) -> Caller:
        """Return who calls. Raises: Unauthenticated; Unavailable."""
        known = request.scope.setdefault("extensions", {}).get(CALLER)
        if isinstance(known, Caller):
            return known
        caller = await self._verified(bearer_token(request.headers.getlist("authorization")))
        request.scope["extensions"][CALLER] = caller
        return caller

    async def _verified(self, token: str) -> Caller:
        key = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        until, caller = self._good.get(key, (0.0, None))
        if caller is not None and self._monotonic() < until:
            return caller
        caller = await anyio.to_thread.run_sync(self._verifier.verify, token, limiter=self._threads)
        self._good[key] = (self._monotonic() + REMEMBER_S, caller)
        self._good.move_to_end(key)
        while len(self._good) > REMEMBERED:
            self._good.popitem(last=False)
        return caller

    async def require(self, request: HTTPConnection, scopes: list[str]) -> Caller:
        """Return who calls. Raises: Unauthenticated; Unavailable; Forbidden without these scopes."""
        caller = await self.caller(request)
        missing = sorted(set(scopes) - caller.scopes)
        if missing:
            raise Forbidden(f"this needs the scope {' '.join(missing)}")
        return caller

    def get_fn(
        self, _scheme: dict[str, Any], required_scopes: list[str]
    ) -> Callable[[HTTPConnection], Awaitable[dict[str, Any]]]:
        """Return the check of one operation, as Connexion asks for it."""

        async def check(request: HTTPConnection) -> dict[str, Any]:
            caller = await self.require(request, required_scopes)
            return {"sub": caller.subject, CALLER: caller}

        return check


def bearer_token(values: list[str]) -> str:
    """Return the token of an Authorization header. Raises: Unauthenticated."""
    scheme, _, token = (values or [""])[0].strip().partition(" ")
    if len(values) < 2 and scheme.lower() != "bearer":
        raise NoToken("no bearer token came with the request")
    if len(values) > 1 or not token.strip():
        raise Unauthenticated("the Authorization header is not one bearer token")
    return token.strip()
