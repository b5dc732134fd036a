"""Who issues tokens and whose keys are trusted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from jibu.domain.errors import Misconfigured
from jibu.settings import Settings

if TYPE_CHECKING:
    from jibu.adapters.auth.keys import KeySet
    from jibu.adapters.auth.local import LocalIssuer

PAGE_CLIENT = "JIBU/DEV/PAGE/web"
PAGE_TOKEN_TTL_S = 900.0


def local_issuer(settings: Settings) -> LocalIssuer:
    """Return the dev issuer of a data folder. Raises: Misconfigured in production."""
    from jibu.adapters.auth.local import LocalIssuer

    return LocalIssuer(settings.data_dir, profile=settings.profile, audience=settings.auth_audience)


def keys_of(settings: Settings, issuer: LocalIssuer | None) -> KeySet:
    """Return the keys that tokens are checked against. Raises: Misconfigured."""
    from jibu.adapters.auth.keys import KeySet, file_loader, https_loader

    if issuer is not None:
        return KeySet(issuer.jwks)
    if settings.auth_jwks_file is not None:
        return KeySet(file_loader(settings.auth_jwks_file))
    if settings.auth_jwks_url is not None:
        return KeySet(https_loader(settings.auth_jwks_url))
    raise Misconfigured("JIBU_AUTH_ISSUER needs JIBU_AUTH_JWKS_URL or JIBU_AUTH_JWKS_FILE")


def page_minter(issuer: LocalIssuer | None) -> Callable[[], str] | None:
    """Return what makes short-lived tokens for the page, where the dev issuer runs."""
    if issuer is None:
        return None
    return lambda: issuer.issue(PAGE_CLIENT, ["rag.query"], ttl_s=PAGE_TOKEN_TTL_S)
