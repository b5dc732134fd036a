"""``jibu migrate``."""

from __future__ import annotations

from pathlib import Path

import click

from jibu.cli.options import data_option, settings_from


@click.command()
@data_option
@click.option("--show", is_flag=True, help="Only show which steps the database has.")
@click.option(
    "--down", type=click.IntRange(min=1), help="Undo this many of the newest steps; their data is lost."
)
@click.option("--yes", is_flag=True, help="Do not ask before undoing.")
def command(data_dir: Path | None, down: int | None, *, show: bool, yes: bool) -> None:
    """Make the database's tables, or bring them to this version.

    With PostgreSQL (JIBU_DATABASE_URL) run this before the first start and after each update. SQLite's tables
    are brought up to date by themselves.
    """
    from jibu.wiring.parts import build_migrations

    if show and down:
        raise click.UsageError("--show changes nothing: leave out --down")
    with build_migrations(settings_from(data_dir=data_dir)) as migrations:
        if down:
            if not yes:
                click.confirm(f"Undo {down} steps and lose what their tables hold?", abort=True)
            migrations.down(down)
        elif not show:
            migrations.up()
        for step in migrations.steps():
            click.echo(f"{step.revision}  {'done   ' if step.done else 'missing'}  {step.title}")
