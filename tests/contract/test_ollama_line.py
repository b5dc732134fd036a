"""The connection to a model's server: its authority, its end, and what it takes from the environment."""

from __future__ import annotations

import ipaddress
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from jibu.adapters.model.failures import ModelFailed
from jibu.adapters.model.ollama.client import OllamaServer
from jibu.domain.errors import Misconfigured
from jibu.settings import Settings
from jibu.wiring.models import ollama_servers
from jibu.wiring.services import build

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.services.hostile_ollama import WRITES, Exchange, HostileOllama


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a new key and a certificate for 127.0.0.1 that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "model server")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def secure(certificate: Path) -> Iterator[HostileOllama]:
    """A server with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with HostileOllama(tls=context) as server:
        yield server


def configured(server: HostileOllama, **more: object) -> OllamaServer:
    """Return the server as the settings make it."""
    settings = Settings(ollama_hosts=server.url, **more)  # type: ignore[arg-type]
    return ollama_servers(settings).all()[0]


def test_a_private_authority_is_trusted_where_it_is_named(secure: HostileOllama, certificate: Path) -> None:
    """With JIBU_OLLAMA_CA_FILE calls go through; without it nothing is sent."""
    assert configured(secure, ollama_ca_file=certificate).version() == "0.24.0"
    before = len(secure.requests)
    with pytest.raises(ModelFailed) as raised:
        configured(secure).version()
    assert (raised.value.reason, len(secure.requests)) == ("away", before)


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_an_authority_that_cannot_be_read_is_told(tmp_path: Path, content: bytes | None) -> None:
    """At the start, with the setting's name."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Misconfigured, match="JIBU_OLLAMA_CA_FILE"):
        ollama_servers(Settings(ollama_ca_file=file))


@pytest.mark.parametrize("tls", [False, True])
def test_hanging_up_ends_a_silent_call_at_once(*, tls: bool, certificate: Path) -> None:
    """Whether the server has answered yet or not, with TLS and without."""
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    asked = threading.Event()

    def silent(exchange: Exchange) -> None:
        asked.set()
        exchange.silence(60)

    with HostileOllama({"/api/chat": silent}, tls=context) as server:
        ours = configured(server, ollama_ca_file=certificate)
        with ours.line(50.0) as line:
            hanging = threading.Thread(target=lambda: asked.wait(20) and line.hang_up())
            hanging.start()
            began = time.monotonic()
            with pytest.raises(ModelFailed) as raised:
                list(
                    ours.chat(
                        line, WRITES, [("user", "?")], schema={}, options={}, keep_alive="5m", seconds=50.0
                    )
                )
            hanging.join()
        assert raised.value.reason == "away"
        assert time.monotonic() - began < 25


def test_a_service_starts_without_its_model_server_where_the_dimension_is_told(tmp_path: Path) -> None:
    """It is not ready, and says why; without the dimension the start fails with the same words."""
    gone = HostileOllama()
    gone.close()
    settings = {"data_dir": tmp_path, "embedder": "ollama", "ollama_hosts": gone.url}
    with build(Settings(**settings, ollama_embed_dimension=256)) as services:  # type: ignore[arg-type]
        report = services.health.ready()
    assert not report.ready
    assert any("JIBU_OLLAMA_HOSTS" in (check.detail or "") for check in report.checks)
    with (
        pytest.raises(ModelFailed, match="JIBU_OLLAMA_HOSTS"),
        build(
            Settings(**settings | {"data_dir": tmp_path / "other"})  # type: ignore[arg-type]
        ),
    ):
        pass
