"""Reads what the settings say of X-Road."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from jibu.domain.errors import InvalidInput, Misconfigured
from jibu.domain.guests import Guests, read_guests
from jibu.domain.targets import check_base_url
from jibu.ports.mediation import Upstream
from jibu.settings import Settings, secret_in

if TYPE_CHECKING:
    from jibu.adapters.mediator.tls import Accepted, OwnCertificate

SCHEME = {"mutual-tls": "https", "tls": "https", "none": "http"}


def road_maker(settings: Settings) -> Callable[[], Upstream]:
    """Return what makes the adapter. Everything in the settings and files is checked now. Raises: Misconfigured."""
    from jibu.adapters.mediator.xroad import RoadUpstream

    url, tls = _address(settings), _tls(settings)
    return lambda: RoadUpstream(
        url,
        settings.mediator_id,
        tls=tls,
        connections=settings.mediator_max_exchanges,
        connect_s=settings.xroad_connect_timeout_s,
    )


def _address(settings: Settings) -> str:
    if not settings.xroad_url:
        raise Misconfigured("JIBU_MEDIATOR=xroad needs JIBU_XROAD_URL, such as https://security-server:8443")
    try:
        url = check_base_url(settings.xroad_url, private=True, field="JIBU_XROAD_URL")
    except InvalidInput as error:
        raise Misconfigured(f"JIBU_XROAD_URL: {error}") from error
    scheme, wanted = urlsplit(url).scheme, SCHEME[settings.xroad_security]
    if scheme != wanted:
        raise Misconfigured(
            f"JIBU_XROAD_URL begins with {scheme}://, but JIBU_XROAD_SECURITY={settings.xroad_security} means {wanted}://"
        )
    if urlsplit(url).path:
        raise Misconfigured("JIBU_XROAD_URL has no path: /r1/… is added to it")
    return url


def _tls(settings: Settings) -> ssl.SSLContext | None:
    from jibu.adapters.mediator.tls import client_context

    if settings.xroad_security == "none":
        return None
    own = None
    if settings.xroad_security == "mutual-tls":
        pair = settings.xroad_cert_file, settings.xroad_key_file, settings.xroad_key_password_file
        own = _own(*pair, "JIBU_XROAD")
    return client_context(own, settings.xroad_ca_file, "JIBU_XROAD_CA_FILE")


def _own(cert: Path | None, key: Path | None, password: Path | None, setting: str) -> OwnCertificate:
    from jibu.adapters.mediator.tls import OwnCertificate

    if cert is None or key is None:
        raise Misconfigured(f"X-Road needs {setting}_CERT_FILE and {setting}_KEY_FILE")
    secret = None if password is None else secret_in(password, f"{setting}_KEY_PASSWORD_FILE")
    return OwnCertificate(cert, key, secret, setting)


def guests_of(settings: Settings) -> Guests:
    """Return who may call through X-Road. Raises: Misconfigured."""
    file = settings.xroad_inbound_clients_file
    if file is None:
        raise Misconfigured(
            "JIBU_XROAD_INBOUND_PORT needs JIBU_XROAD_INBOUND_CLIENTS_FILE: who may call as what"
        )
    try:
        return read_guests(secret_in(file, "JIBU_XROAD_INBOUND_CLIENTS_FILE"))
    except InvalidInput as error:
        raise Misconfigured(f"JIBU_XROAD_INBOUND_CLIENTS_FILE: {error}") from error


def inbound_tls(settings: Settings) -> tuple[ssl.SSLContext, Accepted]:
    """Return TLS for calls from a Security Server, and what tells whose may come. Raises: Misconfigured."""
    from jibu.adapters.mediator.tls import server_context

    if settings.xroad_inbound_peers_file is None:
        raise Misconfigured(
            "JIBU_XROAD_INBOUND_PORT needs JIBU_XROAD_INBOUND_PEERS_FILE: whose calls are taken"
        )
    own = _own(
        settings.xroad_inbound_cert_file,
        settings.xroad_inbound_key_file,
        settings.xroad_inbound_key_password_file,
        "JIBU_XROAD_INBOUND",
    )
    return server_context(own, settings.xroad_inbound_peers_file, "JIBU_XROAD_INBOUND_PEERS_FILE")


def check_inbound(settings: Settings) -> None:
    """Raises: Misconfigured where there is to be a door for X-Road and something for it is missing or wrong."""
    if settings.xroad_inbound_port is not None:
        guests_of(settings)
        inbound_tls(settings)
