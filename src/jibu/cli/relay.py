"""``jibu relay``."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import click

from jibu.cli.options import data_option, settings_from


@click.command()
@data_option
@click.option("--parent", type=int, hidden=True, help="Stop when this process is no longer the parent.")
def command(data_dir: Path | None, parent: int | None) -> None:
    """Run the relay by itself: read and index received documents, publish events.

    `jibu serve` runs one beside its workers; use this with `jibu serve --no-relay`.
    """
    from jibu.http import logs
    from jibu.http.parent import stop_without
    from jibu.wiring.relay import build_relay

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if parent is not None:
        stop_without(parent)
    settings = settings_from(data_dir=data_dir)
    logs.configure(settings)
    with build_relay(settings, follow=parent is not None) as relay:
        relay.run_forever(stop)
