"""Public keys of the token issuer (JWKS), kept in memory and fetched again when they are old or a key is missing."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jibu.domain.errors import Misconfigured, Unavailable

ALGORITHMS = ("RS256", "ES256", "EdDSA")
MAX_JWKS_BYTES = 1_048_576
FETCH_TIMEOUT_S = 5.0
MIN_RSA_BITS = 2048
_BY_KIND = {("RSA", None): "RS256", ("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}

Loader = Callable[[], bytes]
"""Returns a JWKS document. Raises: Unavailable."""


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A public key and the one algorithm that it may be used with. ``material`` is what PyJWT takes."""

    kid: str
    algorithm: str
    material: Any


def read_jwks(document: bytes) -> tuple[VerifyingKey, ...]:
    """Return the usable keys of a JWKS; keys of other kinds, uses or sizes are left out. Raises: Unavailable."""
    try:
        entries = json.loads(document)["keys"]
        found = [_key(entry) for entry in entries]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unavailable("the token issuer's key set cannot be read") from error
    return tuple(key for key in found if key is not None)


def _key(entry: dict[str, Any]) -> VerifyingKey | None:
    from jwt import PyJWK
    from jwt.exceptions import PyJWTError

    kid, curve = entry.get("kid"), entry.get("crv")
    algorithm = _BY_KIND.get((str(entry.get("kty")), None if curve is None else str(curve)))
    usable = (
        isinstance(kid, str)
        and kid != ""
        and algorithm is not None
        and entry.get("alg", algorithm) == algorithm
        and entry.get("use", "sig") == "sig"
        and "verify" in entry.get("key_ops", ["verify"])
    )
    if not usable or algorithm is None or not isinstance(kid, str):
        return None
    public = {k: v for k, v in entry.items() if k not in {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}}
    try:
        material = PyJWK(public, algorithm=algorithm).key
    except (PyJWTError, ValueError, KeyError, TypeError):
        return None
    if algorithm == "RS256" and material.key_size < MIN_RSA_BITS:
        return None
    return VerifyingKey(kid, algorithm, material)


class KeySet:
    """Keys from a loader. Old keys stay in use while the issuer is away; a missing key asks again, seldom.

    ``max_age_s``: after this the keys are fetched anew; ``min_interval_s``: least time between two fetches,
    so that made-up key ids cannot be used to flood the issuer.
    """

    def __init__(
        self,
        load: Loader,
        *,
        max_age_s: float = 600.0,
        min_interval_s: float = 10.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load = load
        self._max_age_s = max_age_s
        self._min_interval_s = min_interval_s
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._keys: tuple[VerifyingKey, ...] | None = None
        self._loaded_at = self._tried_at = float("-inf")

    def find(self, kid: str, algorithm: str) -> list[VerifyingKey]:
        """Return the keys with this id and algorithm. Raises: Unavailable where no keys were ever had."""
        if self._monotonic() - self._loaded_at > self._max_age_s:
            self._refresh(seen=self._loaded_at, wait=self._keys is None)
        found = self._matching(kid, algorithm)
        if not found:
            self._refresh(seen=self._loaded_at, wait=True)
            found = self._matching(kid, algorithm)
        return found

    def ping(self) -> None:
        """Raises: Unavailable where the keys cannot be had, or none of them can be used."""
        if self._keys is None:
            self._refresh(seen=self._loaded_at, wait=True)
        if not self._keys:
            raise Unavailable("the token issuer's key set holds no key that can be used")

    def _matching(self, kid: str, algorithm: str) -> list[VerifyingKey]:
        return [key for key in self._keys or () if key.kid == kid and key.algorithm == algorithm]

    def _refresh(self, *, seen: float, wait: bool) -> None:
        """Fetch once, however many threads ask; without ``wait`` the others go on with the keys they have."""
        if not self._lock.acquire(blocking=wait):
            return
        try:
            if self._loaded_at == seen:
                self._fetch()
        finally:
            self._lock.release()

    def _fetch(self) -> None:
        now = self._monotonic()
        if now - self._tried_at < self._min_interval_s:
            if self._keys is None:
                raise Unavailable("the token issuer's keys cannot be had", self._min_interval_s)
            return
        self._tried_at = now
        try:
            self._keys = read_jwks(self._load())
        except Unavailable:
            if self._keys is None:
                raise
        else:
            self._loaded_at = self._monotonic()


def file_loader(path: Path) -> Loader:
    """Load keys from a file."""

    def load() -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise Unavailable("the token issuer's key file cannot be read") from error

    return load


def https_loader(url: str, *, timeout_s: float = FETCH_TIMEOUT_S) -> Loader:
    """Load keys over HTTPS; redirects are not followed. Raises: Misconfigured for any other kind of address."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise Misconfigured("JIBU_AUTH_JWKS_URL must be an https:// address")

    def load() -> bytes:
        import httpx

        try:
            with httpx.stream("GET", url, timeout=timeout_s, follow_redirects=False) as response:
                response.raise_for_status()
                return _bounded(response.iter_bytes())
        except httpx.HTTPError as error:
            raise Unavailable("the token issuer does not answer") from error

    return load


def _bounded(chunks: Any) -> bytes:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > MAX_JWKS_BYTES:
            raise Unavailable("the token issuer's key set is too large")
    return bytes(body)
