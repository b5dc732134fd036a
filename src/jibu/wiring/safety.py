"""What a deployment may not do."""

from __future__ import annotations

from jibu.domain.errors import Misconfigured
from jibu.settings import Settings


def refuse_unsafe(settings: Settings) -> None:
    """Raises: Misconfigured where production would run on parts or tokens that are meant for a laptop."""
    if settings.profile != "production":
        return
    if not settings.allow_embedded:
        raise Misconfigured(
            "profile=production with embedded parts (index, embedder, generator, SQLite, local broker): "
            "set JIBU_ALLOW_EMBEDDED=true to run one box this way"
        )
    if not settings.auth_issuer or not (settings.auth_jwks_url or settings.auth_jwks_file):
        raise Misconfigured(
            "profile=production needs JIBU_AUTH_ISSUER and JIBU_AUTH_JWKS_URL or JIBU_AUTH_JWKS_FILE"
        )
