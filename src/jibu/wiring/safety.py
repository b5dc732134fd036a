"""What a deployment may not do."""

from __future__ import annotations

from jibu.domain.errors import Misconfigured
from jibu.settings import Settings, database_address


def embedded_parts(settings: Settings) -> tuple[str, ...]:
    """Return the parts that are meant for one machine, as the settings choose them. Raises: Misconfigured."""
    chosen = (
        ("records: SQLite", database_address(settings) is None),
        ("index: embedded", settings.index == "embedded"),
        ("embedder: embedded", settings.embedder == "embedded"),
        ("generator: extractive", settings.generator == "extractive"),
        ("broker: local", settings.broker == "local"),
    )
    return tuple(name for name, embedded in chosen if embedded)


def refuse_unsafe(settings: Settings) -> None:
    """Raises: Misconfigured where production would run on parts or tokens that are meant for a laptop."""
    if settings.profile != "production":
        return
    embedded = embedded_parts(settings)
    if embedded and not settings.allow_embedded:
        raise Misconfigured(
            f"profile=production with embedded parts ({', '.join(embedded)}): "
            "set JIBU_ALLOW_EMBEDDED=true to run one box this way"
        )
    if not settings.auth_issuer or not (settings.auth_jwks_url or settings.auth_jwks_file):
        raise Misconfigured(
            "profile=production needs JIBU_AUTH_ISSUER and JIBU_AUTH_JWKS_URL or JIBU_AUTH_JWKS_FILE"
        )
