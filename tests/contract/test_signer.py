"""The block's key against the signer contract, and its files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from jibu.adapters.auth.block_key import KEY_FILE, BlockKey, PublicKeys, rotate
from jibu.adapters.auth.keyfile import new_pem
from jibu.domain.errors import InvalidInput, Misconfigured
from jibu.ports import Signer
from jibu.testing.signer_contract import SignerContract


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    """The key of a data folder."""
    return BlockKey.in_folder(tmp_path / "one")


@pytest.fixture
def other(tmp_path: Path) -> Signer:
    """The key of another data folder."""
    return BlockKey.in_folder(tmp_path / "two")


class TestBlockKey(SignerContract):
    """The contract."""


def test_the_key_stays_and_is_private(tmp_path: Path) -> None:
    """Opened again it is the same; nobody else may read it, nor what stands beside it."""
    first = BlockKey.in_folder(tmp_path)
    path = tmp_path / KEY_FILE
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert first.kid == BlockKey.in_folder(tmp_path).kid
    assert [path.name] == [each.name for each in path.parent.iterdir()]


def test_processes_that_start_at_once_share_one_key(tmp_path: Path) -> None:
    """Workers and relay race for the first key; all end with the same."""
    script = (
        "import sys; from pathlib import Path; from jibu.adapters.auth.block_key import BlockKey;"
        "sys.stdin.read(1); print(BlockKey.in_folder(Path(sys.argv[1])).kid)"
    )
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    kids = {run.communicate("x", timeout=30)[0].strip() for run in runs}
    assert {BlockKey.in_folder(tmp_path).kid} == kids


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """A loose mode is a mistake to be told."""
    BlockKey.in_folder(tmp_path)
    (tmp_path / KEY_FILE).chmod(0o644)
    with pytest.raises(Misconfigured, match="chmod 600"):
        BlockKey.in_folder(tmp_path)


def test_replicas_share_a_given_file(tmp_path: Path) -> None:
    """A secret mounted by an orchestrator may have any mode."""
    file = tmp_path / "key.pem"
    file.write_bytes(new_pem())
    file.chmod(0o444)
    one, two = BlockKey.from_file(file), BlockKey.from_file(file)
    assert two.verify(one.sign(b"x")) == b"x"


def test_a_new_key_in_front_signs_and_the_old_one_still_verifies(tmp_path: Path) -> None:
    """What was signed before a change of keys stays good."""
    old = BlockKey.in_folder(tmp_path)
    signed = old.sign(b"before")
    kid = rotate(tmp_path / KEY_FILE)
    new = BlockKey.in_folder(tmp_path)
    assert [kid, old.kid] == [key["kid"] for key in json.loads(new.jwks())["keys"]]
    assert (kid, b"before", b"after") == (new.kid, new.verify(signed), new.verify(new.sign(b"after")))
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600


def test_an_old_key_may_be_kept_as_its_public_half(tmp_path: Path) -> None:
    """Who wants to destroy an old private key keeps what verifies."""
    first, second = new_pem(), new_pem()
    old = BlockKey(first, "old")
    public = (
        load_pem_private_key(first, None)
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    file = tmp_path / "keys.pem"
    file.write_bytes(second + public)
    assert BlockKey.from_file(file).verify(old.sign(b"x")) == b"x"


def _rsa_pem() -> bytes:
    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    "content",
    [b"", b"nonsense", new_pem()[:60], _rsa_pem(), new_pem() + _rsa_pem()],
    ids=["empty", "nonsense", "cut", "rsa", "rsa-behind"],
)
def test_a_file_without_usable_keys_is_refused(tmp_path: Path, content: bytes) -> None:
    """The message names the file."""
    file = tmp_path / "bad.pem"
    file.write_bytes(content)
    with pytest.raises(Misconfigured, match=r"bad\.pem"):
        BlockKey.from_file(file)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """A given file is never made."""
    with pytest.raises(Misconfigured, match=r"none\.pem"):
        BlockKey.from_file(tmp_path / "none.pem")
    assert not (tmp_path / "none.pem").exists()


def test_a_key_set_verifies_without_the_service(signer: Signer, other: Signer) -> None:
    """Offline, the public keys are enough; other keys are not."""
    token = signer.sign(b"x", "a+jws")
    assert PublicKeys(signer.jwks()).verify(token, "a+jws") == b"x"
    with pytest.raises(InvalidInput):
        PublicKeys(other.jwks()).verify(token, "a+jws")


@pytest.mark.parametrize("document", [b"", b"[]", b'{"keys":[]}', b'{"keys":[{"kty":"RSA"}]}', b"\xff"])
def test_what_is_no_key_set_is_refused(document: bytes) -> None:
    """A clear error, no crash."""
    with pytest.raises(InvalidInput) as caught:
        PublicKeys(document)
    assert caught.value.field == "keys"


def test_only_eddsa_passes(signer: Signer) -> None:
    """A token of another algorithm with a key of the same name is refused."""
    headers = {"typ": "JOSE", "kid": signer.kid}
    forged = jwt.PyJWS().encode(b"x", b"k" * 32, algorithm="HS256", headers=headers)
    with pytest.raises(InvalidInput):
        signer.verify(forged)
