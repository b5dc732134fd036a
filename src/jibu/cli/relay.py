"""``jibu relay``."""

from __future__ import annotations

import os
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
    from jibu.wiring import build_relay

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if parent is not None:
        threading.Thread(target=_watch, args=(parent, stop), daemon=True).start()
    settings = settings_from(data_dir=data_dir)
    logs.configure(settings)
    with build_relay(settings) as relay:
        relay.run_forever(stop)


def _watch(parent: int, stop: threading.Event) -> None:
    """Set ``stop`` once the parent is gone, also when it was killed."""
    while not stop.wait(1.0):
        if os.getppid() != parent:
            stop.set()
