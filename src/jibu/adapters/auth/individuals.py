"""Checks what individuals sign, with PyJWT (https://pyjwt.readthedocs.io).

Only RS256, ES256 and EdDSA pass, each only with a key of its own kind: a secret-key algorithm can never be made to
use a public key. Keys or addresses inside a signature (``jwk``, ``jku``, ``x5u``, ``x5c``) are never looked at.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any

from jibu.adapters.auth.keys import ALGORITHMS, VerifyingKey, read_jwks
from jibu.domain.errors import InvalidInput, Unavailable

MAX_JWS_CHARACTERS = 400_000
MAX_JWK_CHARACTERS = 4096
KEY_FIELD = "individual/publicKeys"
FIELD = "signature/signature"
MEMBERS = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}
"""What a key's thumbprint is made of (RFC 7638, RFC 8037)."""


class IndividualSignatures:
    """Checks signatures. ``trusted``: keys (JWKS) of this deployment that may sign for any individual."""

    def __init__(self, trusted: bytes | None = None) -> None:
        """Raises: Unavailable when the key set cannot be read."""
        self._trusted = () if trusted is None else read_jwks(trusted)

    def read_key(self, jwk: str) -> str:
        """Return a public key as it is kept. Raises: InvalidInput."""
        entry = _entry(jwk)
        if entry.keys() & {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}:
            raise InvalidInput("is a private key: it is no secret any more; send the public one", KEY_FIELD)
        members = MEMBERS.get(str(entry.get("kty")), ())
        public = {name: entry[name] for name in members if isinstance(entry.get(name), str)}
        public["kid"] = entry.get("kid") or thumbprint(public)
        if not members or len(public) != len(members) + 1 or not isinstance(public["kid"], str):
            raise InvalidInput("is no key for RS256, ES256 or EdDSA", KEY_FIELD)
        _verifying([json.dumps(public)])
        return json.dumps(public, sort_keys=True, separators=(",", ":"))

    def check(self, jws: str, payload: str, keys: Sequence[str]) -> str:
        """Return the id of the key that signed. Raises: InvalidInput."""
        import jwt

        header = _header(jws)
        algorithm = header.get("alg")
        if algorithm not in ALGORITHMS:
            raise InvalidInput("is not signed with RS256, ES256 or EdDSA", FIELD)
        if "crit" in header or header.get("b64", True) is not True:
            raise InvalidInput("asks in its header for what is not supported", FIELD)
        whole = _attached(jws, payload)
        kid = header.get("kid")
        candidates = [key for key in (*_verifying(keys), *self._trusted) if key.algorithm == algorithm]
        if kid is not None:
            candidates = [key for key in candidates if key.kid == kid]
        for key in candidates:
            try:
                jwt.PyJWS().decode(whole, key.material, algorithms=[key.algorithm])
            except (jwt.PyJWTError, ValueError, TypeError):
                continue
            return key.kid
        raise InvalidInput("was not made over this payload with a key that is registered", FIELD)


def thumbprint(jwk: dict[str, Any]) -> str:
    """Return the SHA-256 thumbprint of a public key (RFC 7638)."""
    members = {name: jwk[name] for name in MEMBERS.get(str(jwk.get("kty")), ()) if name in jwk}
    text = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return _encode(hashlib.sha256(text.encode()).digest())


def _entry(jwk: str) -> dict[str, Any]:
    if len(jwk) > MAX_JWK_CHARACTERS:
        raise InvalidInput("is too long for a key", KEY_FIELD)
    try:
        entry = json.loads(jwk)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("is no JWK", KEY_FIELD) from error
    if not isinstance(entry, dict):
        raise InvalidInput("is no JWK", KEY_FIELD)
    return entry


def _verifying(keys: Sequence[str]) -> tuple[VerifyingKey, ...]:
    document = json.dumps({"keys": [json.loads(key) for key in keys]}).encode()
    try:
        found = read_jwks(document)
    except Unavailable as error:
        raise InvalidInput("is no key that can be read", KEY_FIELD) from error
    if len(found) != len(keys):
        raise InvalidInput("is no key for RS256 (2048 bits or more), ES256 or EdDSA", KEY_FIELD)
    return found


def _header(jws: str) -> dict[str, Any]:
    import jwt

    if len(jws) > MAX_JWS_CHARACTERS or jws.count(".") != 2:
        raise InvalidInput("is no compact JWS", FIELD)
    try:
        header: dict[str, Any] = jwt.get_unverified_header(jws)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise InvalidInput("is no compact JWS", FIELD) from error
    return header


def _attached(jws: str, payload: str) -> str:
    """Return the JWS with its payload in it, which has to be this one, byte for byte."""
    head, middle, tail = jws.split(".")
    expected = _encode(payload.encode())
    if middle not in {"", expected}:
        raise InvalidInput("is over another text than payload", FIELD)
    return f"{head}.{expected}.{tail}"


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
