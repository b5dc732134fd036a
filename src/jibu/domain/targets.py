"""Addresses: what a relayed path means, and which base URLs a service may have. Nothing here is guessed or mended."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

from jibu.domain.errors import InvalidInput
from jibu.domain.mediation import METASERVICES, ApplicationId, application_id, check_code

PREFIX = "/r1/"
MAX_TARGET = 8192
MAX_SEGMENTS = 64
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")
SITE_LOCAL = ipaddress.IPv6Network("fec0::/10")
NEVER = frozenset(
    map(
        ipaddress.ip_address,
        ("fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"),
    )
)
"""Where clouds keep their credentials besides link-local addresses; one of them looks public."""
_RAW = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%/-]*")
_QUERY = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%/?\[\]|{}^`\"<>\\-]*")
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HIDDEN = re.compile(r"%(?:2e|2f|5c|00|0a|0d)", re.IGNORECASE)
_HOST = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}))*\.?"
)


@dataclass(frozen=True, slots=True)
class Target:
    """What a relayed request asks for. ``path`` and ``query`` are as they came; ``segments`` are decoded."""

    provider: ApplicationId
    service: str
    path: str
    query: str
    segments: tuple[str, ...]

    @property
    def service_id(self) -> str:
        """INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE."""
        return f"{self.provider}/{self.service}"


def read_target(raw_path: str, query: str) -> Target:
    """Read ``/r1/INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE/PATH…`` as it came over the wire.

    Raises: InvalidInput for anything that two readers could take for two different paths.
    """
    if len(raw_path) + len(query) > MAX_TARGET:
        raise InvalidInput(f"the address is longer than {MAX_TARGET} characters", "path")
    parts = raw_path.removeprefix(PREFIX).split("/", 5)
    if not raw_path.startswith(PREFIX) or len(parts) < 5:
        raise InvalidInput(
            "a service is called at /r1/INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE/PATH", "path"
        )
    provider = application_id("/".join(parts[:4]), "path")
    service = check_code(parts[4], "path")
    if service in METASERVICES:
        raise InvalidInput(f"{service} takes no path and only GET", "path")
    path = f"/{parts[5]}" if len(parts) == 6 else ""
    if not _QUERY.fullmatch(query) or _ESCAPE.search(query):
        raise InvalidInput("the query string has characters that must be escaped", "query")
    return Target(provider, service, path, query, _segments(path))


def _segments(path: str) -> tuple[str, ...]:
    if not _RAW.fullmatch(path) or _ESCAPE.search(path):
        raise InvalidInput("the path has characters that must be escaped", "path")
    raw = path.split("/")[1:] if path else []
    if len(raw) > MAX_SEGMENTS:
        raise InvalidInput(f"the path has more than {MAX_SEGMENTS} segments", "path")
    return tuple(_segment(part, last=number == len(raw) - 1) for number, part in enumerate(raw))


def _segment(part: str, *, last: bool) -> str:
    try:
        text = unquote_to_bytes(part).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput("the path is not UTF-8", "path") from error
    if not part and not last:
        raise InvalidInput("the path has an empty segment", "path")
    if text.partition(";")[0] in {".", ".."}:
        raise InvalidInput("the path has a step up or to itself", "path")
    if _HIDDEN.search(text) or re.search(r"[/\\\x00-\x1f\x7f]", text):
        raise InvalidInput("the path hides a separator, a dot or a control character", "path")
    return text


def check_base_url(url: str, *, private: bool, field: str = "baseUrl") -> str:
    """Return a base URL without a slash at its end. Raises: InvalidInput."""
    parts = _split(url, field)
    if parts.scheme not in {"http", "https"}:
        raise InvalidInput("a base URL begins with https:// or http://", field)
    if "@" in parts.netloc or "?" in url or "#" in url:
        raise InvalidInput("a base URL has no user, password, query or fragment", field)
    host = parts.hostname or ""
    literal = _address(host)
    if literal is None and not _HOST.fullmatch(host):
        raise InvalidInput("a base URL names a host by its ASCII name or its address", field)
    # A name of digits alone is an address in disguise (0x7f.1, 2130706433): no public name ends in a digit.
    if literal is None and re.fullmatch(
        r"0x[0-9a-f]*|\d+", host.rstrip(".").rpartition(".")[2], re.IGNORECASE
    ):
        raise InvalidInput("write the address as four decimal numbers", field)
    if literal is not None and not may_connect(host, private=private):
        raise InvalidInput("this address is not on the public internet; an administrator can allow it", field)
    try:
        _segments(parts.path.rstrip("/"))
    except InvalidInput as error:
        raise InvalidInput(str(error), field) from error
    return url.rstrip("/")


def check_document_url(url: str, *, private: bool, field: str) -> None:
    """Check where a document may be fetched from: as a base URL, and a query may follow. Raises: InvalidInput."""
    base, _, query = url.partition("?")
    check_base_url(base, private=private, field=field)
    if not _QUERY.fullmatch(query) or _ESCAPE.search(query):
        raise InvalidInput("the query string has characters that must be escaped", field)


def _split(url: str, field: str) -> SplitResult:
    if len(url) > 2048 or not re.fullmatch(r"[\x21-\x7e]+", url) or "\\" in url:
        raise InvalidInput("a base URL has at most 2048 printable ASCII characters and no backslash", field)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidInput("this is no URL", field) from error
    if port == 0:
        raise InvalidInput("no service is at port 0", field)
    return parts


def may_connect(address: str, *, private: bool) -> bool:
    """Tell whether this IP address may be called. ``private`` also allows internal and loopback networks.

    Link-local addresses and others where clouds keep their credentials, multicast, reserved ones and the
    unspecified one never are. An IPv6 address that wraps an IPv4 one (6to4, NAT64, Teredo) is refused without
    ``private``; with it every address inside has to be allowed too.
    """
    found = _address(address.partition("%")[0])
    if found is None or found in LOCAL_NAT64:
        return False
    if isinstance(found, ipaddress.IPv4Address):
        return _plain(found, private=private)
    if found.ipv4_mapped is not None:
        return _plain(found.ipv4_mapped, private=private)
    inner = _inner(found)
    if inner:
        return private and all(_plain(one, private=True) for one in inner)
    return _plain(found, private=private)


def is_address(host: str) -> bool:
    """Tell whether a host is an IP address, not a name."""
    return _address(host) is not None


def _plain(address: ipaddress.IPv4Address | ipaddress.IPv6Address, *, private: bool) -> bool:
    """Judge an address by itself."""
    if address in NEVER or address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    if address.is_loopback or address.is_private or address in SITE_LOCAL:
        return private
    return address.is_global and not address.is_reserved  # such as ::127.0.0.1


def _inner(address: ipaddress.IPv6Address) -> tuple[ipaddress.IPv4Address, ...]:
    """Return the IPv4 addresses that a 6to4, NAT64 or Teredo address leads to."""
    if address in NAT64:
        return (ipaddress.IPv4Address(int(address) & 0xFFFFFFFF),)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    return address.teredo or ()


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
