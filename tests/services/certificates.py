"""Certificates made for a test: authorities, and what they issue."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)
LOOPBACK = x509.SubjectAlternativeName(
    [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
)


@dataclass(frozen=True)
class Pair:
    """A certificate and its key as files, and the certificate's bytes."""

    cert: Path
    key: Path
    der: bytes


class Authority:
    """Issues certificates into a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        made = _builder(self._name, self._name, self._key, expired=False).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        self.cert = folder / f"{name}.pem"
        self.cert.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def issue(
        self, name: str, *, expired: bool = False, itself: bool = False, password: bytes | None = None
    ) -> Pair:
        """Return a certificate for 127.0.0.1 and localhost; ``itself``: signed by its own key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = _builder(subject, subject if itself else self._name, key, expired=expired)
        made = made.add_extension(LOOPBACK, critical=False)
        signed = made.sign(key if itself else self._key, hashes.SHA256())
        pair = Pair(
            self._folder / f"{name}.crt", self._folder / f"{name}.key", signed.public_bytes(Encoding.DER)
        )
        pair.cert.write_bytes(signed.public_bytes(Encoding.PEM))
        lock = NoEncryption() if password is None else BestAvailableEncryption(password)
        pair.key.touch(mode=0o600)
        pair.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))
        return pair


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, expired: bool
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 9 * DAY)
        .not_valid_after(now - DAY if expired else now + DAY)
    )
