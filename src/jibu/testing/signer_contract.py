"""What every signer has to do.

A subclass gives the fixtures ``signer`` and ``other``: two signers with different keys.
"""

from __future__ import annotations

import base64
import json

import pytest

from jibu.domain.errors import InvalidInput
from jibu.ports import Signer

PAYLOADS = [b"", b"{}", "Jibu: ქართული".encode(), bytes(range(256)) * 64]


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _changed(part: str) -> str:
    """Return a base64url part with its first bits changed."""
    return ("A" if part[0] != "A" else "B") + part[1:]


class SignerContract:
    """Tests that each adapter of ``Signer`` runs."""

    @pytest.mark.parametrize("payload", PAYLOADS, ids=["empty", "json", "unicode", "bytes"])
    def test_what_is_signed_comes_back(self, signer: Signer, payload: bytes) -> None:
        """Any bytes pass through unchanged."""
        assert payload == signer.verify(signer.sign(payload))

    def test_a_compact_jws_names_its_key_and_purpose(self, signer: Signer) -> None:
        """Anybody's library reads it: three parts, EdDSA, kid, typ, the payload itself."""
        header, payload, signature = signer.sign(b"hello", "test+jws").split(".")
        expected = {"alg": "EdDSA", "kid": signer.kid, "typ": "test+jws"}
        assert expected == json.loads(_decoded(header))
        assert (_decoded(payload), len(_decoded(signature))) == (b"hello", 64)

    def test_the_public_keys_hold_the_signing_key_first_and_no_secret(self, signer: Signer) -> None:
        """The key set is safe to publish."""
        keys = json.loads(signer.jwks())["keys"]
        assert keys[0]["kid"] == signer.kid
        assert {"alg", "crv", "kid", "kty", "use", "x"} == {name for key in keys for name in key}

    def test_a_stranger_checks_it_with_pyjwt_and_the_key_set(self, signer: Signer) -> None:
        """The published keys are enough."""
        jwt = pytest.importorskip("jwt")
        keys = jwt.PyJWKSet.from_dict(json.loads(signer.jwks()))
        token = signer.sign(b"hello")
        assert jwt.PyJWS().decode(token, keys[signer.kid].key, algorithms=["EdDSA"]) == b"hello"

    @pytest.mark.parametrize("part", [0, 1, 2], ids=["header", "payload", "signature"])
    def test_a_changed_part_is_refused(self, signer: Signer, part: int) -> None:
        """No bit of it may differ."""
        parts = signer.sign(b"hello world").split(".")
        parts[part] = _changed(parts[part])
        with pytest.raises(InvalidInput) as caught:
            signer.verify(".".join(parts))
        assert caught.value.field == "signature"

    def test_another_purpose_is_refused(self, signer: Signer) -> None:
        """A receipt is never taken for a log entry."""
        with pytest.raises(InvalidInput, match="another purpose"):
            signer.verify(signer.sign(b"x", "a+jws"), "b+jws")

    def test_another_key_is_refused(self, signer: Signer, other: Signer) -> None:
        """What a stranger signed is not ours, also under our key's name."""
        assert signer.kid != other.kid
        with pytest.raises(InvalidInput, match="not known"):
            signer.verify(other.sign(b"x"))
        ours, theirs = signer.sign(b"x").split("."), other.sign(b"x").split(".")
        with pytest.raises(InvalidInput, match="does not match"):
            signer.verify(".".join((ours[0], ours[1], theirs[2])))

    @pytest.mark.parametrize("token", ["", "a", "a.b.c", "..", "\x00", "é.é.é", "." * 10_000])
    def test_nonsense_is_refused(self, signer: Signer, token: str) -> None:
        """Anything at all may be handed in."""
        with pytest.raises(InvalidInput):
            signer.verify(token)

    def test_no_signature_is_refused(self, signer: Signer) -> None:
        """``alg: none`` is no way in."""
        _, payload, _ = signer.sign(b"x").split(".")
        head = json.dumps({"alg": "none", "kid": signer.kid, "typ": "JOSE"}).encode()
        bare = base64.urlsafe_b64encode(head).rstrip(b"=").decode()
        with pytest.raises(InvalidInput):
            signer.verify(f"{bare}.{payload}.")

    @pytest.mark.parametrize("typ", ["", "a b", "é", "x" * 65, "a\n"])
    def test_a_purpose_that_cannot_stand_in_a_header_is_refused(self, signer: Signer, typ: str) -> None:
        """Our own mistakes are found at once."""
        with pytest.raises(InvalidInput):
            signer.sign(b"x", typ)
