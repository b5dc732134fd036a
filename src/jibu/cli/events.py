"""``jibu events``: what was given up on its way out or put aside on its way in."""

from __future__ import annotations

from pathlib import Path

import click

from jibu.cli.options import data_option, existing_data
from jibu.domain.parked import Kind, Parked

PAGE = 200
kind_option = click.option(
    "--kind",
    type=click.Choice([kind.value for kind in Kind]),
    default=Kind.EVENT.value,
    show_default=True,
    help="event: to the broker; push: of a room to a subscriber; webhook: of consent; message: of another block.",
)


@click.group(name="events", short_help="List, retry or drop what was given up.")
def command() -> None:
    """Events, pushes, webhook messages and messages of others that wait for you to decide.

    An event that the broker refused holds up later events of its key. A push or a webhook message that was given
    up has let later ones pass. A message of another block that could not be dealt with is not kept, only its place.
    """


@command.command("parked")
@data_option
@kind_option
@click.option("--key", help="Only of this key: of an event, a room, a webhook, a place.")
@click.option("--limit", type=click.IntRange(1), help="Show at most so many.")
def parked(data_dir: Path | None, kind: str, key: str | None, limit: int | None) -> None:
    """List what is parked, oldest first; of events also those that are tried again by themselves."""
    from jibu.usecases.parking import OPERATOR
    from jibu.wiring.holds import build_parking

    shown = 0
    with build_parking(existing_data(data_dir)) as parking:
        while limit is None or shown < limit:
            most = PAGE if limit is None else min(PAGE, limit - shown)
            found = parking.page(OPERATOR, Kind(kind), key=key, offset=shown, limit=most)
            for item in found.items:
                click.echo(_line(item))
            shown += len(found.items)
            if shown >= found.total or not found.items:
                break
    if shown == 0:
        click.echo(f"nothing of kind {kind} is parked", err=True)
    elif found.total > shown:
        click.echo(f"{found.total - shown} more", err=True)


@command.command("retry")
@data_option
@kind_option
@click.argument("item_id", metavar="[ID]", required=False)
@click.option("--all", "everything", is_flag=True, help="Retry all of the kind instead of one.")
@click.option("--key", help="With --all: only those of this key.")
def retry(
    data_dir: Path | None, kind: str, item_id: str | None, key: str | None, *, everything: bool
) -> None:
    """Have something tried again now, as if for the first time.

    An event keeps its place in front of the later ones of its key. A push or webhook message comes late: those
    behind it have gone already. With --all each is tried once, oldest first; what is refused again stays.
    """
    from jibu.usecases.parking import AT_ONCE, OPERATOR
    from jibu.wiring.holds import build_parking

    if (item_id is None) is not everything:
        raise click.UsageError("give either an ID or --all")
    with build_parking(existing_data(data_dir)) as parking:
        if item_id is not None:
            parking.retry(OPERATOR, Kind(kind), item_id)
            return
        found = parking.retry_next(OPERATOR, Kind(kind), key=key)
        retried, refused = found.retried, found.refused
        # As many rounds as there were items at the start: what comes meanwhile does not make it go on for ever.
        for _ in range(0, found.behind, AT_ONCE):
            found = parking.retry_next(OPERATOR, Kind(kind), key=key, after=found.last)
            retried, refused = retried + found.retried, refused + found.refused
    click.echo(f"{retried} tried again, {refused + found.behind} left")
    if refused:
        click.echo(f"{refused} skipped: they cannot be tried again", err=True)


@command.command("drop")
@data_option
@kind_option
@click.argument("item_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
def drop(data_dir: Path | None, kind: str, item_id: str, *, yes: bool) -> None:
    """Give something up for good; events behind it go on."""
    from jibu.usecases.parking import OPERATOR
    from jibu.wiring.holds import build_parking

    with build_parking(existing_data(data_dir)) as parking:
        item = parking.get(OPERATOR, Kind(kind), item_id)
        if not yes:
            click.confirm(f"{_line(item)}\nNobody will ever be told of it. Drop it?", abort=True)
        parking.drop(OPERATOR, Kind(kind), item_id)


def _line(item: Parked) -> str:
    parts = [item.item_id, item.type, item.key, item.to, item.reason]
    if item.kind is not Kind.MESSAGE:
        parts.append(f"tried {item.attempts} times")
    if item.kind is Kind.EVENT:
        parts.append("tried again by itself" if item.waits else "parked")
        parts.append(f"{item.behind} behind it")
    parts.append(item.at.isoformat(timespec="seconds"))
    return "  ".join(part for part in parts if part)
