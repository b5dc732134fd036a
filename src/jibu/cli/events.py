"""``jibu events``."""

from __future__ import annotations

from pathlib import Path

import click

from jibu.cli.options import data_option, existing_data


@click.command()
@data_option
@click.option("--release", metavar="ID", help="Have this event tried again now.")
@click.option("--discard", metavar="ID", help="Give this event up for good; those behind it go on.")
@click.option("--yes", is_flag=True, help="Do not ask before discarding.")
def command(data_dir: Path | None, release: str | None, discard: str | None, *, yes: bool) -> None:
    """List events that the broker refused; each holds up later events of its key."""
    from jibu.wiring.holds import build_holds

    if release and discard:
        raise click.UsageError("give either --release or --discard")
    with build_holds(existing_data(data_dir)) as holds:
        if release:
            holds.release(release)
        if discard:
            if not yes:
                click.confirm(f"Nobody will ever be told of event {discard}. Discard it?", abort=True)
            holds.discard(discard)
        for hold in holds.all():
            state = "parked" if hold.parked else f"again at {hold.due_at.isoformat(timespec='seconds')}"
            line = f"{hold.event_id}  {hold.type}  {hold.key}  {hold.reason}, tried {hold.attempts} times, {state}"
            click.echo(line)
