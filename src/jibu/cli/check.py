"""``jibu check``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from jibu.cli.options import data_option, existing_data
from jibu.usecases.health import CheckResult


@click.command()
@data_option
def command(data_dir: Path | None) -> None:
    """Check configuration and health: settings, database, index, models, keys, what waits. Code 1 when not ready."""
    from jibu.wiring.services import build

    settings = existing_data(data_dir)
    click.echo(f"settings  ok    profile {settings.profile}, data folder {settings.data_dir}")
    with build(settings) as services:
        health, diagnosis = services.health.ready(), services.diagnosis.ready()
        for check in (*health.checks, *diagnosis.checks):
            _tell(check, advisory=check.name in services.health.advisory)
        card = services.system_card.get()
        click.echo(f"content   ok    {card.collections} collections, {card.passages} passages")
        waiting = services.backlog()
        click.echo(
            f"outbox    ok    {waiting.jobs} jobs wait (oldest {waiting.oldest_job_age_s:.0f} s), "
            f"{waiting.events} events to publish"
        )
    for part in health.embedded:
        click.echo(f"warning: {part}, one machine only", err=True)
    if not (health.ready and diagnosis.ready):
        sys.exit(1)


def _tell(check: CheckResult, *, advisory: bool) -> None:
    """Print a part's line. What the service can answer without is a warning, not a failure."""
    mark = "ok  " if check.ok else "warn" if advisory else "FAIL"
    said = f"{check.detail}, " if check.detail else ""
    click.echo(f"{check.name:<9} {mark}  {said}{1000 * check.seconds:.0f} ms")
