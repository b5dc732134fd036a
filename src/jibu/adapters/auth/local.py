"""A token issuer for development: its Ed25519 key lives in the data folder. Never for production."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from jibu.adapters.auth.jwt import CLIENT, SCOPE, SUBJECT
from jibu.domain.errors import InvalidInput, Misconfigured

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ISSUER = "urn:jibu:local-issuer"
KEY_FILE = Path("auth") / "local-issuer.pem"
MAX_TTL_S = 30 * 24 * 3600


class LocalIssuer:
    """Issues tokens that ``JwtVerifier`` takes when it is given ``jwks`` as its loader.

    Several processes may start at once on one folder: all end up with the same key.
    """

    def __init__(
        self, folder: Path, *, profile: str, audience: str, now: Callable[[], float] = time.time
    ) -> None:
        """Read or make the key. Raises: Misconfigured in production or where the key file is not safe."""
        if profile == "production":
            raise Misconfigured(
                "the local token issuer is for development; set JIBU_AUTH_ISSUER and JIBU_AUTH_JWKS_URL"
            )
        self._key = _load_or_create(folder / KEY_FILE)
        self._audience = audience
        self._now = now
        self._public = _public_jwk(self._key)

    def jwks(self) -> bytes:
        """Return the public key set."""
        return json.dumps({"keys": [self._public]}).encode()

    def issue(
        self, client: str, scopes: Iterable[str], subject: str | None = None, ttl_s: float = 3600.0
    ) -> str:
        """Return a token. ``client`` is INSTANCE/CLASS/MEMBER/APPLICATION. Raises: InvalidInput."""
        import jwt

        named = sorted(set(scopes))
        if not CLIENT.fullmatch(client):
            raise InvalidInput("client is INSTANCE/CLASS/MEMBER/APPLICATION", "client")
        if not all(SCOPE.fullmatch(scope) for scope in named):
            raise InvalidInput("a scope has characters that are not allowed", "scope")
        if subject is not None and not SUBJECT.fullmatch(subject):
            raise InvalidInput("subject is up to 255 printable ASCII characters", "subject")
        if not 0 < ttl_s <= MAX_TTL_S:
            raise InvalidInput("a token lives up to 30 days", "ttl")
        issued = int(self._now())
        claims: dict[str, object] = {
            "iss": ISSUER,
            "aud": self._audience,
            "iat": issued,
            "nbf": issued,
            "exp": issued + int(ttl_s),
            "jti": secrets.token_hex(8),
            "client_id": client,
            "scope": " ".join(named),
        }
        if subject is not None:
            claims["sub"] = subject
        headers = {"kid": self._public["kid"], "typ": "at+jwt"}
        return jwt.encode(claims, self._key, algorithm="EdDSA", headers=headers)


def _load_or_create(path: Path) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey as PrivateKey,
    )
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        if not path.exists():
            _create(path)
        if path.stat().st_mode & 0o077:
            raise Misconfigured(f"others may read {path.name}; run chmod 600 on it")
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError) as error:
        raise Misconfigured(f"the key file {path.name} cannot be used") from error
    if not isinstance(key, PrivateKey):
        raise Misconfigured(f"the key file {path.name} does not hold an Ed25519 key")
    return key


def _create(path: Path) -> None:
    """Write a new key so that it appears whole; where another process was quicker, theirs stays."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)


def _public_jwk(key: Ed25519PrivateKey) -> dict[str, str]:
    """Return the public key as a JWK; its ``kid`` is the RFC 7638 thumbprint."""
    raw = key.public_key().public_bytes_raw()
    required = {"crv": "Ed25519", "kty": "OKP", "x": _b64(raw)}
    thumbprint = hashlib.sha256(json.dumps(required, separators=(",", ":"), sort_keys=True).encode())
    return {**required, "kid": _b64(thumbprint.digest()), "alg": "EdDSA", "use": "sig"}


def _b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
