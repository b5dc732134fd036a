"""A token issuer for development: its Ed25519 key lives in the data folder. Never for production."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from jibu.adapters.auth.jwt import CLIENT, SCOPE, SUBJECT
from jibu.adapters.auth.keyfile import private_pem, public_jwk, read_private
from jibu.domain.errors import InvalidInput, Misconfigured

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
        self._key = read_private(private_pem(folder / KEY_FILE), KEY_FILE.name)
        self._audience = audience
        self._now = now
        self._public = public_jwk(self._key.public_key())

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
