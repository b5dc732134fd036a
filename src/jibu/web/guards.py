"""What keeps the page and its token to the people in front of it."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address

from flask import Request, Response
from werkzeug.exceptions import Forbidden

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def protect(response: Response) -> Response:
    """Add the security headers to any response of the pages."""
    response.headers.update(HEADERS)
    return response


def refuse_foreign(request: Request) -> None:
    """Let only the page itself, in a browser on this machine, pass.

    The host name is checked because another site can point its own name at this machine (DNS rebinding);
    the peer's address because anyone on the network can write any host name.

    Raises: Forbidden.
    """
    if not _is_loopback(_host_name(request.host)) or not _is_loopback(request.remote_addr or ""):
        raise Forbidden("tokens are given out on this machine only")
    own = f"{request.scheme}://{request.host}"
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site not in (None, "same-origin") or origin not in (None, own) or (site is None and origin is None):
        raise Forbidden("tokens are given to the page of this service only")


def _host_name(host: str) -> str:
    """Return a Host header's name without port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _is_loopback(name: str) -> bool:
    if name.lower() == "localhost":
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    inner = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (inner or address).is_loopback
