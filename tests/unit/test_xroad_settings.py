"""Settings for X-Road: what is missing or wrong is told before anything starts."""

from __future__ import annotations

import ssl
import sys
from pathlib import Path
from typing import Any

import pytest

from jibu.domain.errors import Misconfigured
from jibu.settings import Settings
from jibu.wiring.mediation import upstream_maker
from jibu.wiring.safety import embedded_parts, refuse_unsafe
from jibu.wiring.xroad import check_inbound, inbound_tls

sys.path.insert(0, str(Path(__file__).parents[2]))  # not that folder itself: it holds a module called kafka

from tests.services.certificates import Authority


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return files, good and bad."""
    folder = tmp_path_factory.mktemp("files")
    authority = Authority(folder, "authority")
    block, locked = authority.issue("block"), authority.issue("locked", password=b"open sesame")
    found = {"ca": authority.cert, "cert": block.cert, "key": block.key, "locked": locked.key}
    found |= {"locked_cert": locked.cert, "absent": folder / "absent"}
    found["shown"] = folder / "shown"
    found["shown"].write_bytes(block.key.read_bytes())
    found["shown"].chmod(0o644)
    for name, text in (
        ("junk", "no PEM"),
        ("password", "open sesame\n"),
        ("wrong", "shut"),
        ("clients", "ZZ/* rag.query"),
        ("bad_clients", "ZZ rag.query"),
    ):
        found[name] = folder / name
        found[name].write_text(text)
    return found


def settings_of(files: dict[str, Path], changes: dict[str, Any]) -> Settings:
    """Return settings that would do, with changes; names of files stand for them."""
    given: dict[str, Any] = {
        "mediator": "xroad",
        "xroad_url": "https://server.example:8443",
        "xroad_ca_file": "ca",
        "xroad_cert_file": "cert",
        "xroad_key_file": "key",
        "xroad_inbound_port": 20443,
        "xroad_inbound_cert_file": "cert",
        "xroad_inbound_key_file": "key",
        "xroad_inbound_peers_file": "cert",
        "xroad_inbound_clients_file": "clients",
    } | changes
    return Settings(
        **{name: files[value] if name.endswith("_file") and value else value for name, value in given.items()}
    )


def test_what_will_do(files: dict[str, Path]) -> None:
    """Also with a key that has a password, over TLS without a certificate, and in the clear where that is said."""
    locked = {
        "xroad_cert_file": "locked_cert",
        "xroad_key_file": "locked",
        "xroad_key_password_file": "password",
    }
    plain = {"xroad_url": "http://server", "xroad_security": "none"}
    bare = {"xroad_security": "tls", "xroad_cert_file": None, "xroad_key_file": None}
    for changes in ({}, locked, plain, bare):
        settings = settings_of(files, changes)
        upstream_maker(settings)()
        check_inbound(settings)
    tls, _ = inbound_tls(settings_of(files, {}))
    assert (tls.verify_mode, tls.minimum_version) == (ssl.CERT_REQUIRED, ssl.TLSVersion.TLSv1_2)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"xroad_url": None}, "needs JIBU_XROAD_URL"),
        ({"xroad_url": "http://server.example"}, "JIBU_XROAD_SECURITY=mutual-tls means https"),
        ({"xroad_url": "https://server.example", "xroad_security": "none"}, "means http"),
        ({"xroad_url": "https://server.example/r1"}, "has no path"),
        ({"xroad_url": "https://a:b@server.example"}, "JIBU_XROAD_URL: a base URL has no user"),
        ({"xroad_url": "https://169.254.169.254"}, "JIBU_XROAD_URL"),
        ({"xroad_cert_file": None}, "needs JIBU_XROAD_CERT_FILE and JIBU_XROAD_KEY_FILE"),
        ({"xroad_key_file": "absent"}, "JIBU_XROAD_KEY_FILE: .* cannot be read"),
        ({"xroad_key_file": "shown"}, "JIBU_XROAD_KEY_FILE: everybody here may read"),
        ({"xroad_cert_file": "junk"}, "are no certificate and key"),
        ({"xroad_cert_file": "locked_cert"}, "JIBU_XROAD_KEY_FILE: .* is not the key of"),
        ({"xroad_key_file": "locked"}, "is encrypted: set JIBU_XROAD_KEY_PASSWORD_FILE"),
        ({"xroad_key_file": "locked", "xroad_key_password_file": "wrong"}, "this does not open"),
        ({"xroad_key_file": "locked", "xroad_key_password_file": "absent"}, "cannot be read"),
        ({"xroad_ca_file": "absent"}, "JIBU_XROAD_CA_FILE: .* cannot be read"),
        ({"xroad_ca_file": "junk"}, "JIBU_XROAD_CA_FILE: .* holds no certificates"),
    ],
)
def test_what_will_not_do(files: dict[str, Path], changes: dict[str, Any], what: str) -> None:
    """The message names the setting; nobody is asked for a password on a terminal."""
    with pytest.raises(Misconfigured, match=what):
        upstream_maker(settings_of(files, changes))


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"xroad_inbound_clients_file": None}, "JIBU_XROAD_INBOUND_CLIENTS_FILE"),
        ({"xroad_inbound_clients_file": "bad_clients"}, "JIBU_XROAD_INBOUND_CLIENTS_FILE: line 1"),
        ({"xroad_inbound_peers_file": None}, "JIBU_XROAD_INBOUND_PEERS_FILE"),
        ({"xroad_inbound_peers_file": "junk"}, "JIBU_XROAD_INBOUND_PEERS_FILE: .* holds no certificates"),
        ({"xroad_inbound_key_file": None}, "JIBU_XROAD_INBOUND_CERT_FILE and JIBU_XROAD_INBOUND_KEY_FILE"),
        ({"xroad_inbound_key_file": "shown"}, "JIBU_XROAD_INBOUND_KEY_FILE: everybody here may read"),
        ({"xroad_inbound_key_file": "locked"}, "JIBU_XROAD_INBOUND_KEY_FILE"),
    ],
)
def test_what_will_not_do_for_the_door(files: dict[str, Path], changes: dict[str, Any], what: str) -> None:
    """A port without a list of clients, peers or a key opens nothing."""
    with pytest.raises(Misconfigured, match=what):
        check_inbound(settings_of(files, changes))


@pytest.mark.parametrize("mediator", ["local", "xroad"])
def test_both_mediators_are_for_production(mediator: str) -> None:
    """Neither is an embedded part."""
    settings = Settings(
        profile="production",
        mediator=mediator,  # type: ignore[arg-type]
        allow_embedded=True,
        auth_issuer="https://id.example",
        auth_jwks_file=Path("keys.json"),
    )
    refuse_unsafe(settings)
    assert not [one for one in embedded_parts(settings) if "mediator" in one]
