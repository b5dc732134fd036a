"""``jibu token``."""

from __future__ import annotations

from pathlib import Path

import click

from jibu.cli.options import data_option, settings_from
from jibu.domain.access import SCOPES
from jibu.domain.errors import InvalidInput


@click.command()
@data_option
@click.option("--client", required=True, help="Who calls: INSTANCE/CLASS/MEMBER/APPLICATION.")
@click.option("--scope", required=True, help=f"Scopes, separated by spaces: {' '.join(SCOPES)} read:NAME.")
@click.option("--subject", help="The individual on whose behalf the client calls.")
@click.option(
    "--ttl", default=3600, show_default=True, type=click.IntRange(1, 86_400), help="Seconds it is valid."
)
def command(data_dir: Path | None, client: str, scope: str, subject: str | None, ttl: int) -> None:
    """Print a bearer token of the dev issuer, and nothing else.

    The issuer's key lives in the data folder; services that run on the same folder accept the token.
    Not available with profile=production.
    """
    from jibu.wiring.tokens import local_issuer

    scopes = scope.split()
    unknown = [name for name in scopes if name not in SCOPES and not name.startswith("read:")]
    if unknown or not scopes:
        known = f"{', '.join(SCOPES)}, or read:NAME of a collection"
        raise InvalidInput(f"unknown scope {' '.join(unknown) or repr(scope)}; there are {known}", "scope")
    issuer = local_issuer(settings_from(data_dir=data_dir))
    click.echo(issuer.issue(client=client, scopes=scopes, subject=subject, ttl_s=ttl))
