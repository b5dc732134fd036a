"""Private Ed25519 keys in files: made once, however many processes start, and read by their own user alone."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from jibu.domain.errors import Misconfigured

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


def private_pem(path: Path) -> bytes:
    """Return the key file's content; make it with a new key where it is missing.

    Raises: Misconfigured where it cannot be read or others may read it.
    """
    try:
        if not path.exists():
            _put_first(path, new_pem())
        if path.stat().st_mode & 0o077:
            raise Misconfigured(f"others may read {path.name}; run chmod 600 on it")
        return path.read_bytes()
    except OSError as error:
        raise Misconfigured(f"the key file {path.name} cannot be used") from error


def new_pem() -> bytes:
    """Return a new private key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def read_private(pem: bytes, name: str) -> Ed25519PrivateKey:
    """Return the key. Raises: Misconfigured that names the file."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise Misconfigured(f"the key file {name} cannot be used") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise Misconfigured(f"the key file {name} does not hold an Ed25519 key")
    return key


def replace_file(path: Path, content: bytes) -> None:
    """Write a file so that it appears whole, in place of the one before."""
    draft = _draft(path, content)
    try:
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    _sync(path.parent)


def _put_first(path: Path, content: bytes) -> None:
    """Write a new file so that it appears whole; where another process was quicker, theirs stays."""
    draft = _draft(path, content)
    try:
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)
    _sync(path.parent)


def _draft(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return draft


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def public_jwk(key: Ed25519PublicKey) -> dict[str, str]:
    """Return a public key as a JWK; its ``kid`` is the RFC 7638 thumbprint."""
    required = {"crv": "Ed25519", "kty": "OKP", "x": _b64(key.public_bytes_raw())}
    thumbprint = hashlib.sha256(json.dumps(required, separators=(",", ":"), sort_keys=True).encode())
    return {**required, "kid": _b64(thumbprint.digest()), "alg": "EdDSA", "use": "sig"}


def _b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
