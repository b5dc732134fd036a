"""Bearer JWTs, checked with PyJWT (https://pyjwt.readthedocs.io) by the rules of RFC 8725.

Only the algorithms of ``keys.ALGORITHMS`` pass, each only with a key of its own kind, found by ``kid`` in the
issuer's key set. Keys or addresses inside a token (``jwk``, ``jku``, ``x5u``, ``x5c``) are never looked at.
"""

from __future__ import annotations

import re
from typing import Any

from jibu.adapters.auth.keys import ALGORITHMS, KeySet, VerifyingKey
from jibu.domain.access import Caller
from jibu.domain.errors import Unauthenticated

MAX_TOKEN_CHARACTERS = 8192
MAX_SCOPES = 100
CLIENT = re.compile(r"[A-Za-z0-9._-]{1,64}(/[A-Za-z0-9._-]{1,64}){3}")
SUBJECT = re.compile(r"[\x21-\x7e]{1,255}")
SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,64}")
CLIENT_CLAIMS = ("client_id", "azp", "client")
TYPES = {"jwt", "at+jwt", "application/at+jwt"}


class JwtVerifier:
    """Checks tokens of one issuer for one audience. Safe to call from several threads."""

    def __init__(self, keys: KeySet, *, issuer: str, audience: str, leeway_s: float = 30.0) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._leeway_s = leeway_s

    def verify(self, token: str) -> Caller:
        """Return who the token speaks for. Raises: Unauthenticated; Unavailable."""
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise Unauthenticated("the token is too long")
        claims = self._claims(token, self._key(token))
        return Caller(client=_client(claims), scopes=_scopes(claims), subject=_subject(claims))

    def _key(self, token: str) -> VerifyingKey:
        header = _header(token)
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in ALGORITHMS:
            raise Unauthenticated("the token's algorithm is not allowed")
        if not isinstance(kid, str) or not kid:
            raise Unauthenticated("the token does not name its key")
        if "crit" in header or header.get("b64", True) is not True:
            raise Unauthenticated("the token's header asks for what is not supported")
        if str(header.get("typ", "JWT")).lower() not in TYPES:
            raise Unauthenticated("this is not an access token")
        found = self._keys.find(kid, algorithm)
        if len(found) != 1:
            raise Unauthenticated(
                "the token's key is not known" if not found else "the token's key is ambiguous"
            )
        return found[0]

    def _claims(self, token: str, key: VerifyingKey) -> dict[str, Any]:
        import jwt

        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key.material,
                algorithms=[key.algorithm],
                audience=self._audience,
                issuer=self._issuer,
                leeway=self._leeway_s,
                options={"require": ["exp", "iss", "aud"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise Unauthenticated("the token has expired") from error
        except jwt.ImmatureSignatureError as error:
            raise Unauthenticated("the token is not valid yet") from error
        except jwt.InvalidAudienceError as error:
            raise Unauthenticated("the token is meant for another service") from error
        except jwt.InvalidIssuerError as error:
            raise Unauthenticated("the token is from another issuer") from error
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise Unauthenticated("the token is not valid") from error
        return claims


def _header(token: str) -> dict[str, Any]:
    import jwt

    try:
        header: dict[str, Any] = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise Unauthenticated("this is not a token") from error
    return header


def _client(claims: dict[str, Any]) -> str:
    for name in CLIENT_CLAIMS:
        value = claims.get(name)
        if isinstance(value, str) and CLIENT.fullmatch(value):
            return value
    raise Unauthenticated("the token does not name its client as INSTANCE/CLASS/MEMBER/APPLICATION")


def _scopes(claims: dict[str, Any]) -> frozenset[str]:
    """Return ``scope`` (one string, RFC 9068) or ``scp`` (a list, or one string)."""
    value = claims.get("scope", claims.get("scp", ""))
    scopes = value.split(" ") if isinstance(value, str) else value
    if not isinstance(scopes, list) or len(scopes) > MAX_SCOPES:
        raise Unauthenticated("the token's scopes cannot be read")
    named = [scope for scope in scopes if scope != ""]
    if not all(isinstance(scope, str) and SCOPE.fullmatch(scope) for scope in named):
        raise Unauthenticated("the token's scopes cannot be read")
    return frozenset(named)


def _subject(claims: dict[str, Any]) -> str | None:
    subject = claims.get("sub")
    if subject is None:
        return None
    if not isinstance(subject, str) or not SUBJECT.fullmatch(subject):
        raise Unauthenticated("the token's subject cannot be read")
    return subject
