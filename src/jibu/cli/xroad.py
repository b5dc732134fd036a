"""``jibu xroad``."""

from __future__ import annotations

from pathlib import Path

import click

from jibu.cli.options import data_option, settings_from


@click.command()
@data_option
@click.option("--parent", type=int, hidden=True, help="Stop when this process is no longer the parent.")
def command(data_dir: Path | None, parent: int | None) -> None:
    """Listen for calls that an X-Road Security Server passes on.

    `jibu serve` runs this beside its workers where JIBU_XROAD_INBOUND_PORT is set; use the command to run it apart.
    """
    from jibu.domain.errors import Misconfigured
    from jibu.http import logs
    from jibu.http.app import inbound
    from jibu.http.inbound import server_of
    from jibu.http.parent import stop_without
    from jibu.wiring.xroad import inbound_tls

    if parent is not None:
        stop_without(parent)
    settings = settings_from(data_dir=data_dir)
    if settings.xroad_inbound_port is None:
        raise Misconfigured("jibu xroad needs JIBU_XROAD_INBOUND_PORT")
    logs.configure(settings)
    tls, accepted = inbound_tls(settings)
    server_of(settings, inbound(settings), tls, accepted).run()
