"""Which network addresses may be called. A name is resolved once, checked, and the checked address is the one used."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from jibu.domain.errors import Forbidden, InvalidInput, Unavailable
from jibu.domain.targets import is_address, may_connect

FIELD = "webhook/payloadUrl"


def allowed_addresses(host: str, port: int, *, allow_private: bool) -> list[str]:
    """Return the addresses of a host, in the order to try them.

    Without ``allow_private`` every one has to be a public unicast address: a name that also leads inside is refused.
    Link-local ones, where clouds keep their credentials, are refused with it too.
    Raises: Forbidden, Unavailable (no such name).
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unavailable(f"the name {host!r} cannot be resolved") from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not addresses:
        raise Unavailable(f"the name {host!r} has no address")
    if not all(may_connect(address, private=allow_private) for address in addresses):
        raise Forbidden(f"{host!r} leads to an address inside a private network")
    return addresses


def check_address(url: str, *, allow_private: bool) -> None:
    """Check an address that somebody registers; where its name leads is checked whenever it is called.

    Raises: InvalidInput for what is never called: other schemes, names and passwords in it, addresses inside.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise InvalidInput("is no web address", FIELD) from error
    if parts.scheme != "https" and not (allow_private and parts.scheme == "http"):
        raise InvalidInput("has to begin with https://", FIELD)
    if not host or parts.username is not None or parts.password is not None or parts.fragment:
        raise InvalidInput("is a web address without name, password and fragment", FIELD)
    if not allow_private and _inside(host):
        raise InvalidInput("leads into a private network", FIELD)


def _inside(host: str) -> bool:
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith((".localhost", ".local", ".internal")):
        return True
    return is_address(name) and not may_connect(name, private=False)
