"""The block's own key: it signs receipts, chains and logs, so that anybody can check them with the public keys."""

from __future__ import annotations

import fcntl
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jibu.adapters.auth.keyfile import new_pem, private_pem, public_jwk, read_private, replace_file
from jibu.adapters.auth.keys import VerifyingKey, read_jwks
from jibu.domain.errors import InvalidInput, Misconfigured, Unavailable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

KEY_FILE = Path("keys") / "block-signing.pem"
PLAIN = "JOSE"
MAX_JWS_CHARACTERS = 4_194_304
TYPE = re.compile(r"[A-Za-z0-9.+-]{1,64}")
BLOCK = re.compile(rb"-----BEGIN ([A-Z ]+)-----.*?-----END \1-----\s*", re.DOTALL)


class PublicKeys:
    """Checks signatures by a key set alone, without the service. Only EdDSA passes."""

    def __init__(self, jwks: bytes) -> None:
        """Raises: InvalidInput when this is no key set or it holds no key that can be used."""
        try:
            found = read_jwks(jwks)
        except Unavailable as error:
            raise InvalidInput("this is no JSON Web Key Set", "keys") from error
        self._keys: dict[str, VerifyingKey] = {key.kid: key for key in found if key.algorithm == "EdDSA"}
        if not self._keys:
            raise InvalidInput("the key set holds no Ed25519 key", "keys")

    def verify(self, token: str, typ: str = PLAIN) -> bytes:
        """Return the payload. Raises: InvalidInput (field ``signature``) for anything that is not to be trusted."""
        import jwt

        if len(token) > MAX_JWS_CHARACTERS:
            raise InvalidInput("the signed text is too long", "signature")
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError as error:
            raise InvalidInput("this is no signed text (JWS)", "signature") from error
        key = self._keys.get(str(header.get("kid")))
        if key is None:
            raise InvalidInput("it was signed with a key that is not known", "signature")
        if header.get("typ") != typ or "crit" in header or header.get("b64", True) is not True:
            raise InvalidInput("it was signed for another purpose", "signature")
        try:
            payload: bytes = jwt.PyJWS().decode(token, key.material, algorithms=["EdDSA"])
        except jwt.PyJWTError as error:
            raise InvalidInput("the signature does not match: the text was changed", "signature") from error
        return payload


class BlockKey:
    """Signs with the first key of a PEM file; the public halves of all keys in it verify.

    So a key is changed by putting the new one in front of the old ones. Safe to call from several threads.
    """

    def __init__(self, pem: bytes, name: str) -> None:
        """Raises: Misconfigured that names the file."""
        blocks = [match.group(0) for match in BLOCK.finditer(pem)]
        if not blocks:
            raise Misconfigured(f"the key file {name} holds no PEM key")
        self._key: Ed25519PrivateKey = read_private(blocks[0], name)
        publics = [self._key.public_key(), *(_public(block, name) for block in blocks[1:])]
        entries = {entry["kid"]: entry for entry in map(public_jwk, publics)}
        self._kid = public_jwk(publics[0])["kid"]
        self._jwks = json.dumps({"keys": list(entries.values())}, separators=(",", ":")).encode()
        self._public = PublicKeys(self._jwks)

    @classmethod
    def in_folder(cls, folder: Path) -> BlockKey:
        """Open the key of a data folder; make one where there is none. Raises: Misconfigured."""
        path = folder / KEY_FILE
        return cls(private_pem(path), path.name)

    @classmethod
    def from_file(cls, path: Path) -> BlockKey:
        """Open a key that several machines share. Raises: Misconfigured."""
        try:
            return cls(path.read_bytes(), path.name)
        except OSError as error:
            raise Misconfigured(f"the key file {path.name} cannot be read") from error

    @property
    def kid(self) -> str:
        """The id of the key that signs."""
        return self._kid

    def jwks(self) -> bytes:
        """Return the public keys, the one that signs first."""
        return self._jwks

    def sign(self, payload: bytes, typ: str = PLAIN) -> str:
        """Return a compact JWS. Raises: InvalidInput (a ``typ`` that cannot stand in a header)."""
        import jwt

        if not TYPE.fullmatch(typ):
            raise InvalidInput("a type has 1 to 64 letters, digits, '.', '+' and '-'", "typ")
        headers: dict[str, Any] = {"typ": typ, "kid": self._kid}
        return jwt.PyJWS().encode(payload, self._key, algorithm="EdDSA", headers=headers)

    def verify(self, token: str, typ: str = PLAIN) -> bytes:
        """Return the payload. Raises: InvalidInput."""
        return self._public.verify(token, typ)


def rotate(path: Path) -> str:
    """Put a new key in front of those in a file; return its id. Running processes use it after a restart.

    Raises: Misconfigured.
    """
    private_pem(path)
    with path.with_name(f"{path.name}.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        pem = new_pem() + private_pem(path)
        key = BlockKey(pem, path.name)
        try:
            replace_file(path, pem)
        except OSError as error:
            raise Misconfigured(f"the key file {path.name} cannot be written") from error
    return key.kid


def _public(block: bytes, name: str) -> Ed25519PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    if b"PUBLIC" not in block:
        return read_private(block, name).public_key()
    try:
        key = load_pem_public_key(block)
    except (ValueError, TypeError) as error:
        raise Misconfigured(f"the key file {name} holds a key that cannot be read") from error
    if not isinstance(key, Ed25519PublicKey):
        raise Misconfigured(f"the key file {name} holds a key that is not Ed25519")
    return key
