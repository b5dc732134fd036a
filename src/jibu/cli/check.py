"""``jibu check``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from jibu.cli.options import data_option, existing_data


@click.command()
@data_option
def command(data_dir: Path | None) -> None:
    """Check configuration and health: settings, database, index, models, keys, what waits. Code 1 when not ready."""
    from jibu.wiring import build

    settings = existing_data(data_dir)
    click.echo(f"settings  ok    profile {settings.profile}, data folder {settings.data_dir}")
    with build(settings) as services:
        health = services.health.ready()
        for check in health.checks:
            mark = "ok  " if check.ok else "look" if health.ready else "FAIL"
            click.echo(f"{check.name:<9} {mark}  {check.detail or ''} {1000 * check.seconds:.0f} ms")
        card = services.system_card.get()
        click.echo(f"content   ok    {card.collections} collections, {card.passages} passages")
        waiting = services.backlog()
        click.echo(
            f"outbox    {'ok  ' if not waiting.parked else 'look'}  {waiting.jobs} jobs wait (oldest "
            f"{waiting.oldest_job_age_s:.0f} s), {waiting.parked} parked, {waiting.events} events to publish"
        )
    for warning in health.warnings:
        click.echo(f"warning: {warning}", err=True)
    if not health.ready:
        sys.exit(1)
