"""``jibu serve``."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import click

from jibu.cli.options import check_door, check_port, data_option, settings_from
from jibu.settings import PREFIX, Settings

RESTART_DELAY_S = 1.0


@click.command()
@click.option("--profile", type=click.Choice(["dev", "production"]), help="[default: dev, or JIBU_PROFILE]")
@click.option("--host", help="Address to listen on [default: 127.0.0.1].")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on [default: 8080].")
@click.option("--workers", type=click.IntRange(1, 64), help="Server processes [default: 1].")
@data_option
@click.option(
    "--relay/--no-relay", "relay", default=None, help="Run the relay beside the server [default: yes]."
)
@click.option("--parent", type=int, hidden=True, help="Stop when this process is no longer the parent.")
def command(parent: int | None, **options: object) -> None:
    """Run the service: the API, its documentation at /docs and the page at /.

    Stops on SIGTERM or Ctrl-C after the running requests have ended (JIBU_DRAIN_TIMEOUT_S at most).
    """
    from jibu.http.parent import stop_without

    if parent is not None:
        stop_without(parent)
    run(settings_from(**options))


def run(settings: Settings) -> None:
    """Serve until a stop signal. Raises: Misconfigured before anything starts."""
    from jibu.http import logs, server
    from jibu.wiring.services import prepare

    check_port(settings)
    check_door(settings)
    logs.configure(settings)
    prepare(settings)
    hand_down(settings)
    stop = threading.Event()
    beside = ["relay"] if settings.relay else []
    beside += [] if settings.xroad_inbound_port is None else ["xroad"]
    keepers = [threading.Thread(target=keep, args=(name, stop), daemon=True) for name in beside]
    with server.shared_metrics(settings):  # around what is started beside it, which has figures too
        for keeper in keepers:
            keeper.start()
        try:
            server.run(settings)
        finally:
            stop.set()
            for keeper in keepers:
                keeper.join(timeout=15)


def hand_down(settings: Settings) -> None:
    """Put the settings in force into the environment, so that workers and relay read the same."""
    for name in settings.model_fields_set:
        value = getattr(settings, name)
        if value is None:
            continue
        text = (
            str(value.resolve())
            if isinstance(value, Path)
            else str(value).lower()
            if isinstance(value, bool)
            else str(value)
        )
        os.environ[PREFIX + name.upper()] = text  # env: for the child processes


def keep(name: str, stop: threading.Event) -> None:
    """Run a command as a child process and start it again when it dies, until ``stop`` is set."""
    while not stop.is_set():
        child = subprocess.Popen([sys.executable, "-m", "jibu", name, "--parent", str(os.getpid())])  # noqa: S603
        while child.poll() is None and not stop.wait(0.2):
            pass
        if stop.is_set():
            child.terminate()
            try:
                child.wait(timeout=12)
            except subprocess.TimeoutExpired:
                child.kill()
            return
        stop.wait(RESTART_DELAY_S)
