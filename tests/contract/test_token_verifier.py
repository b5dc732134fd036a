"""The JWT verifier and the local issuer against the token contract, and against attacks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from jibu.adapters.auth.jwt import JwtVerifier
from jibu.adapters.auth.keys import KeySet, file_loader, https_loader, read_jwks
from jibu.adapters.auth.local import ISSUER, KEY_FILE, LocalIssuer
from jibu.domain.errors import InvalidInput, Misconfigured, Unauthenticated, Unavailable
from jibu.testing.token_contract import CLIENT, TokenSetup, TokenVerifierContract

AUDIENCE = "jibu"
RSA_KEY = rsa.generate_private_key(65537, 2048)
KEYS: dict[str, Any] = {
    "RS256": RSA_KEY,
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


def jwk(algorithm: str, kid: str, key: Any = None) -> dict[str, Any]:
    """Return the public JWK of a test key."""
    public = (key or KEYS[algorithm]).public_key()
    made: dict[str, Any] = jwt.get_algorithm_by_name(algorithm).to_jwk(public, as_dict=True)
    return {**made, "kid": kid}


def jwks(*entries: dict[str, Any]) -> bytes:
    """Return a key set document."""
    return json.dumps({"keys": entries}).encode()


ALL_KEYS = jwks(*(jwk(algorithm, f"key-{algorithm}") for algorithm in KEYS))


def claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of a good token with some changed, or left out where None."""
    now = int(time.time())
    good = {
        "iss": "https://id.example",
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + 300,
        "client_id": CLIENT,
        "scope": "rag.query",
    }
    return {k: v for k, v in {**good, **changes}.items() if v is not None}


def segment(value: Any) -> bytes:
    """Return one part of a compact JWS."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")


def sign(algorithm: str, header: dict[str, Any] | None = None, **changes: Any) -> str:
    """Return a token signed properly over any claims, also wrongly typed ones."""
    full = {"alg": algorithm, "typ": "JWT", "kid": f"key-{algorithm}", **(header or {})}
    full = {k: v for k, v in full.items() if v is not None}
    signed = segment(full) + b"." + segment(claims(**changes))
    method = jwt.get_algorithm_by_name(algorithm)
    signature = method.sign(signed, KEYS[algorithm])
    return (signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def verifier(document: bytes = ALL_KEYS) -> JwtVerifier:
    """Return a verifier over fixed keys."""
    return JwtVerifier(KeySet(lambda: document), issuer="https://id.example", audience=AUDIENCE)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
class TestJwt(TokenVerifierContract):
    """The contract, with each algorithm that is allowed."""

    @pytest.fixture
    def setup(self, algorithm: str) -> TokenSetup:
        """Return a verifier and a token maker."""
        return TokenSetup(verifier(), lambda **changes: sign(algorithm, **changes))


class TestLocalIssuer(TokenVerifierContract):
    """The contract, with the development issuer's own key."""

    @pytest.fixture
    def setup(self, tmp_path: Path) -> TokenSetup:
        """Return a verifier fed by the local issuer, and tokens signed by its key."""
        issuer = LocalIssuer(tmp_path, profile="dev", audience=AUDIENCE)
        key: Any = load_pem_private_key((tmp_path / KEY_FILE).read_bytes(), None)
        kid = json.loads(issuer.jwks())["keys"][0]["kid"]

        def mint(**changes: Any) -> str:
            signed = (
                segment({"alg": "EdDSA", "kid": kid}) + b"." + segment(claims(**{"iss": ISSUER, **changes}))
            )
            return (signed + b"." + base64.urlsafe_b64encode(key.sign(signed)).rstrip(b"=")).decode()

        return TokenSetup(JwtVerifier(KeySet(issuer.jwks), issuer=ISSUER, audience=AUDIENCE), mint)


class TestAttacks:
    """What RFC 8725 warns of."""

    def refused(self, token: str, message: str | None = None, document: bytes = ALL_KEYS) -> None:
        """Check that a token is refused."""
        with pytest.raises(Unauthenticated, match=message):
            verifier(document).verify(token)

    @pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", "", None, 7, ["RS256"], {}])
    def test_unsigned_tokens(self, name: object) -> None:
        """``alg: none`` in any spelling, and other nonsense, is refused."""
        header = {"alg": name, "kid": "key-RS256"}
        for signature in (b"", b"AAAA"):
            self.refused((segment(header) + b"." + segment(claims()) + b"." + signature).decode())

    @pytest.mark.parametrize("name", ["HS256", "HS384", "HS512"])
    @pytest.mark.parametrize("form", ["pem", "der", "jwk"])
    def test_hmac_with_the_public_key(self, name: str, form: str) -> None:
        """A public key is never taken for a shared secret."""
        public = RSA_KEY.public_key()
        secret = {
            "pem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            "der": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            "jwk": json.dumps(jwk("RS256", "key-RS256")).encode(),
        }[form]
        signed = segment({"alg": name, "kid": "key-RS256"}) + b"." + segment(claims())
        digest = hmac.new(secret, signed, getattr(hashlib, "sha" + name[2:])).digest()
        self.refused((signed + b"." + base64.urlsafe_b64encode(digest).rstrip(b"=")).decode(), "not allowed")

    @pytest.mark.parametrize("name", ["PS256", "RS512", "ES384", "ES256K"])
    def test_other_algorithms(self, name: str) -> None:
        """Only the three named algorithms pass."""
        token = sign("RS256", {"alg": name})
        self.refused(token, "not allowed")

    def test_a_key_of_another_kind(self) -> None:
        """A key serves its own algorithm only, even under the same id."""
        self.refused(sign("RS256", {"kid": "key-ES256"}), "not known")

    def test_no_key_id(self) -> None:
        """A token has to name its key."""
        for kid in (None, "", 7):
            self.refused(sign("EdDSA", {"kid": kid}))

    def test_an_unknown_key_id(self) -> None:
        """An unknown key id is refused."""
        self.refused(sign("EdDSA", {"kid": "../../etc/passwd"}), "not known")

    def test_a_key_id_that_stands_twice(self) -> None:
        """Two keys of one id and kind are ambiguous, so neither is used."""
        other = ed25519.Ed25519PrivateKey.generate()
        document = jwks(jwk("EdDSA", "key-EdDSA"), jwk("EdDSA", "key-EdDSA", other))
        self.refused(sign("EdDSA"), "ambiguous", document)

    def test_keys_inside_the_token(self) -> None:
        """``jwk``, ``jku``, ``x5u`` and ``x5c`` in a header are never looked at."""
        mine = ed25519.Ed25519PrivateKey.generate()
        header = {
            "alg": "EdDSA",
            "kid": "key-EdDSA",
            "jwk": jwk("EdDSA", "key-EdDSA", mine),
            "jku": "https://evil.example/keys",
            "x5u": "https://evil.example/cert",
            "x5c": ["AAAA"],
        }
        signed = segment(header) + b"." + segment(claims())
        self.refused((signed + b"." + base64.urlsafe_b64encode(mine.sign(signed)).rstrip(b"=")).decode())
        assert verifier().verify(sign("EdDSA", {"jku": "https://evil.example/keys"})).client == CLIENT

    def test_critical_headers_and_detached_payloads(self) -> None:
        """What the verifier does not understand it must not accept."""
        self.refused(sign("EdDSA", {"crit": ["exp"]}))
        self.refused(sign("EdDSA", {"b64": False}))

    def test_tokens_of_another_kind(self) -> None:
        """A logout or event token is no access token."""
        self.refused(sign("EdDSA", {"typ": "logout+jwt"}), "access token")

    def test_a_changed_payload(self) -> None:
        """The signature covers the claims."""
        head, _, signature = sign("EdDSA").split(".")
        self.refused(".".join([head, segment(claims(scope="rag.admin")).decode(), signature]))

    def test_a_stripped_signature(self) -> None:
        """No signature, no entry."""
        self.refused(sign("RS256").rsplit(".", 1)[0] + ".")


class TestKeys:
    """Where keys come from."""

    def test_weak_private_and_foreign_keys_are_left_out(self) -> None:
        """Short RSA keys, shared secrets, encryption keys and keys without id are not used."""
        weak = rsa.generate_private_key(65537, 1024)  # noqa: S505 - the point of the test
        secret = {"kty": "oct", "k": "AAAA", "kid": "s", "alg": "HS256"}
        document = jwks(
            jwk("RS256", "weak", weak),
            secret,
            {**jwk("ES256", "enc"), "use": "enc"},
            {**jwk("RS256", "ps"), "alg": "PS256"},
            {**jwk("EdDSA", ""), "kid": ""},
            {"kty": "OKP", "crv": "Ed25519", "kid": "broken", "x": "!"},
        )
        assert read_jwks(document) == ()

    @pytest.mark.parametrize("document", [b"", b"[]", b"{}", b'{"keys": 7}', b'{"keys": [7]}', b"\xff"])
    def test_an_unreadable_key_set_is_unavailable(self, document: bytes) -> None:
        """A broken key set is the issuer's fault, not the caller's."""
        with pytest.raises(Unavailable):
            verifier(document).verify(sign("EdDSA"))

    def test_a_new_key_is_fetched_when_a_token_names_it(self) -> None:
        """Rotation needs no restart."""
        served = [jwks(jwk("RS256", "old")), ALL_KEYS]
        keys = KeySet(lambda: served.pop(0), min_interval_s=0)
        caller = JwtVerifier(keys, issuer="https://id.example", audience=AUDIENCE)
        with pytest.raises(Unauthenticated):
            caller.verify(sign("EdDSA", {"kid": ""}))
        keys.ping()
        assert caller.verify(sign("EdDSA")).client == CLIENT

    def test_made_up_key_ids_do_not_flood_the_issuer(self) -> None:
        """Between two fetches there is a least time."""
        fetched: list[int] = []

        def load() -> bytes:
            fetched.append(1)
            return ALL_KEYS

        keys = KeySet(load, monotonic=lambda: 1000.0)
        assert [keys.find(f"made-up-{n}", "EdDSA") for n in range(50)] == [[]] * 50
        assert len(fetched) == 1

    def test_known_keys_outlive_an_issuer_that_is_away(self) -> None:
        """Old keys stay in use; without any, the call is unavailable."""
        clock, up = [0.0], [True]

        def load() -> bytes:
            if not up[0]:
                raise Unavailable("away")
            return ALL_KEYS

        keys = KeySet(load, monotonic=lambda: clock[0])
        assert keys.find("key-EdDSA", "EdDSA")
        clock[0], up[0] = 10_000.0, False
        assert keys.find("key-EdDSA", "EdDSA")
        with pytest.raises(Unavailable):
            KeySet(load).find("key-EdDSA", "EdDSA")

    def test_many_threads_cause_one_fetch(self) -> None:
        """A cold start under load asks the issuer once."""
        fetched: list[int] = []

        def load() -> bytes:
            fetched.append(1)
            time.sleep(0.05)
            return ALL_KEYS

        keys = KeySet(load)
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: keys.find("key-EdDSA", "EdDSA"), range(16)))
        assert all(found)
        assert len(fetched) == 1

    def test_a_missing_key_file_is_unavailable(self, tmp_path: Path) -> None:
        """The file is read when it is needed."""
        with pytest.raises(Unavailable):
            KeySet(file_loader(tmp_path / "none.json")).ping()
        (tmp_path / "keys.json").write_bytes(ALL_KEYS)
        assert KeySet(file_loader(tmp_path / "keys.json")).find("key-RS256", "RS256")

    @pytest.mark.parametrize(
        "url", ["http://id.example/keys", "file:///etc/passwd", "id.example", "https://"]
    )
    def test_keys_come_over_https_only(self, url: str) -> None:
        """Keys over an open line could be anybody's."""
        with pytest.raises(Misconfigured):
            https_loader(url)

    def test_an_issuer_that_does_not_answer_is_unavailable(self) -> None:
        """Connection errors are translated, and soon."""
        started = time.monotonic()
        with pytest.raises(Unavailable):
            https_loader("https://127.0.0.1:9/keys", timeout_s=1.0)()
        assert time.monotonic() - started < 5


class TestLocalIssuerKey:
    """The development issuer's key file."""

    def test_production_refuses_it(self, tmp_path: Path) -> None:
        """Nobody runs a ministry on a key in a data folder."""
        with pytest.raises(Misconfigured):
            LocalIssuer(tmp_path, profile="production", audience=AUDIENCE)
        assert list(tmp_path.iterdir()) == []

    def test_the_key_is_private_and_stays(self, tmp_path: Path) -> None:
        """The file is readable by its owner alone, and a restart keeps it."""
        first = LocalIssuer(tmp_path, profile="dev", audience=AUDIENCE).jwks()
        assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
        assert first == LocalIssuer(tmp_path, profile="dev", audience=AUDIENCE).jwks()
        assert b'"d"' not in first

    def test_a_key_that_others_may_read_is_refused(self, tmp_path: Path) -> None:
        """A leaked key is not used silently."""
        LocalIssuer(tmp_path, profile="dev", audience=AUDIENCE)
        (tmp_path / KEY_FILE).chmod(0o644)
        with pytest.raises(Misconfigured, match="chmod"):
            LocalIssuer(tmp_path, profile="dev", audience=AUDIENCE)

    def test_a_broken_key_file_is_named(self, tmp_path: Path) -> None:
        """What is wrong with the file is told, and it is not replaced."""
        path = tmp_path / KEY_FILE
        path.parent.mkdir()
        path.write_text("not a key")
        path.chmod(0o600)
        with pytest.raises(Misconfigured, match="local-issuer"):
            LocalIssuer(tmp_path, profile="dev", audience=AUDIENCE)
        assert path.read_text() == "not a key"

    def test_processes_that_start_together_share_one_key(self, tmp_path: Path) -> None:
        """The key appears whole and once."""
        code = (
            "import pathlib, sys; from jibu.adapters.auth.local import LocalIssuer as L;"
            "print(L(pathlib.Path(sys.argv[1]), profile='dev', audience='a').jwks())"
        )
        command = [sys.executable, "-c", code, str(tmp_path)]
        started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
        found = {process.communicate(timeout=60)[0] for process in started}
        assert [process.returncode for process in started] == [0] * 4
        assert len(found) == 1
        assert [KEY_FILE.name] == [path.name for path in (tmp_path / KEY_FILE.parent).iterdir()]

    def test_bad_requests_for_tokens(self, tmp_path: Path) -> None:
        """A token that the verifier would refuse is not issued."""
        issuer = LocalIssuer(tmp_path, profile="dev", audience=AUDIENCE)
        for call in (
            lambda: issuer.issue("portal", ["rag.query"]),
            lambda: issuer.issue(CLIENT, ["rag query"]),
            lambda: issuer.issue(CLIENT, ["rag.query"], subject="a b"),
            lambda: issuer.issue(CLIENT, ["rag.query"], ttl_s=0),
        ):
            with pytest.raises(InvalidInput):
                call()

    def test_issued_tokens_pass(self, tmp_path: Path) -> None:
        """What ``jibu token`` prints opens the door."""
        issuer = LocalIssuer(tmp_path, profile="dev", audience=AUDIENCE)
        caller = JwtVerifier(KeySet(issuer.jwks), issuer=ISSUER, audience=AUDIENCE).verify(
            issuer.issue(CLIENT, ["rag.query", "metrics.read"], "person-1")
        )
        assert (CLIENT, {"rag.query", "metrics.read"}, "person-1") == (
            caller.client,
            set(caller.scopes),
            caller.subject,
        )
