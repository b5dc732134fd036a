"""TLS with a Security Server: to it with this block's certificate, and from it with its own."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jibu.domain.errors import Misconfigured

Accepted = Callable[[ssl.SSLObject | ssl.SSLSocket | None], bool]
"""Tells whether the other end of a connection showed a certificate that is known."""
EVERYBODY = 0o007
"""A key's group may be let in: mounted secrets and key stores of systems are often shared so."""


@dataclass(frozen=True, slots=True)
class OwnCertificate:
    """A certificate (PEM, its chain may follow) and its key. ``setting`` begins the names of both settings."""

    cert: Path
    key: Path
    password: str | None
    setting: str


def client_context(own: OwnCertificate | None, trusted: Path | None, setting: str) -> ssl.SSLContext:
    """Return TLS 1.2 or later for calls to a Security Server; without ``trusted`` the system's authorities count.

    Raises: Misconfigured that names the setting.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if trusted is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        _trust(context, trusted, setting)
    if own is not None:
        _own(context, own)
    return context


def server_context(own: OwnCertificate, peers: Path, setting: str) -> tuple[ssl.SSLContext, Accepted]:
    """Return TLS 1.2 or later that asks for a certificate, and what tells whether it was one of ``peers``.

    An authority's certificate among them lets in nothing that it signed: each peer is known by its own.

    Raises: Misconfigured that names the setting.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    _own(context, own)
    _trust(context, peers, setting)
    return context, _accepts(_certificates(peers, setting))


def _trust(context: ssl.SSLContext, file: Path, setting: str) -> None:
    """A Security Server's own certificate may be in the file itself: it need not be an authority's."""
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(cafile=str(file))
    except ssl.SSLError as error:
        raise Misconfigured(f"{setting}: {file} holds no certificates (PEM)") from error
    except OSError as error:
        raise Misconfigured(f"{setting}: {file} cannot be read") from error
    if not context.cert_store_stats()["x509"]:
        raise Misconfigured(f"{setting}: {file} holds no certificates (PEM)")


def _certificates(file: Path, setting: str) -> frozenset[bytes]:
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import load_pem_x509_certificates

    try:
        found = load_pem_x509_certificates(file.read_bytes())
    except (OSError, ValueError) as error:
        raise Misconfigured(f"{setting}: {file} holds no certificates (PEM)") from error
    return frozenset(one.public_bytes(Encoding.DER) for one in found)


def _own(context: ssl.SSLContext, own: OwnCertificate) -> None:
    for file, what in ((own.cert, "CERT"), (own.key, "KEY")):
        try:
            file.read_bytes()
        except OSError as error:
            raise Misconfigured(f"{own.setting}_{what}_FILE: {file} cannot be read") from error
    if own.key.stat().st_mode & EVERYBODY:
        raise Misconfigured(
            f"{own.setting}_KEY_FILE: everybody here may read or change {own.key}; run chmod 600 on it"
        )
    asked = False

    def password() -> str:
        nonlocal asked
        asked = True
        return own.password or "\x00"  # none: without an answer the library would ask on the terminal

    try:
        context.load_cert_chain(own.cert, own.key, password)
    except (ssl.SSLError, ValueError) as error:
        raise Misconfigured(_what_is_wrong(error, own, asked=asked)) from error


def _what_is_wrong(error: Exception, own: OwnCertificate, *, asked: bool) -> str:
    reason = getattr(error, "reason", None) or ""
    if reason == "KEY_VALUES_MISMATCH":
        return f"{own.setting}_KEY_FILE: {own.key} is not the key of {own.cert}"
    if asked and own.password is None:
        return f"{own.setting}_KEY_FILE: {own.key} is encrypted: set {own.setting}_KEY_PASSWORD_FILE"
    if asked:
        return f"{own.setting}_KEY_PASSWORD_FILE: this does not open {own.key}"
    return f"{own.setting}_CERT_FILE, {own.setting}_KEY_FILE: {own.cert} and {own.key} are no certificate and key (PEM)"


def _accepts(peers: frozenset[bytes]) -> Accepted:
    def accepted(connection: ssl.SSLObject | ssl.SSLSocket | None) -> bool:
        return connection is not None and connection.getpeercert(binary_form=True) in peers

    return accepted
