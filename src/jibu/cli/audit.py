"""``jibu audit``: prove that signed logs are whole."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import click

from jibu.cli.options import data_option, existing_data
from jibu.domain.chains import ChainReport
from jibu.domain.errors import InvalidInput, JibuError
from jibu.wiring.auditing import build_checks

EVERY_S = 2.0


@click.group(name="audit", short_help="Check the signed logs.")
def command() -> None:
    """Check the signed logs."""


@command.command("verify")
@data_option
@click.option(
    "--expect",
    multiple=True,
    metavar="LOG=NUMBER:SHA256",
    help="A head that you kept: this batch has to be there and be the same. May be repeated.",
)
def verify(data_dir: Path | None, expect: tuple[str, ...]) -> None:
    """Follow each chain from its beginning and check every entry and signature.

    Ends with code 1 when something was changed, removed, added or reordered. Keep the heads that it prints
    somewhere else: with --expect they show whether the newest batches were cut off.
    """
    kept = dict(_pair(one) for one in expect)
    with build_checks(existing_data(data_dir)) as checks:
        unknown = sorted(set(kept) - set(checks))
        if unknown:
            raise InvalidInput(f"no such log: {unknown[0]}; there is {', '.join(checks)}")
        reports = [(name, check(kept.get(name), _progress(name))) for name, check in checks.items()]
    for name, report in reports:
        _show(name, report)
    if any(report.faults for _, report in reports):
        raise JibuError("a signed log is not as it was signed")


def _progress(name: str) -> Callable[[int], None]:
    """Return what tells how far a check is, on standard error, once it takes long."""
    told = time.monotonic()

    def tell(done: int) -> None:
        nonlocal told
        if time.monotonic() - told >= EVERY_S:
            told = time.monotonic()
            click.echo(f"{name}: {done} looked at", err=True)

    return tell


def _pair(text: str) -> tuple[str, str]:
    name, equals, head = text.partition("=")
    if not equals:
        raise InvalidInput("--expect takes LOG=NUMBER:SHA256, as this command prints it")
    return name, head


def _show(name: str, report: ChainReport) -> None:
    state = "as signed" if not report.faults else f"{len(report.faults)} FAULTS"
    click.echo(
        f"{report.name}: {report.batches} batches ({report.dropped} dropped), {report.entries} entries, "
        f"{report.waiting} waiting: {state}"
    )
    for fault in report.faults:
        click.echo(f"  {fault.where}: {fault.what}")
    click.echo(f"  head: {name}={report.head}")
