"""Options that several commands share, and the settings they make."""

from __future__ import annotations

import errno
import logging
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from jibu.domain.errors import Misconfigured
from jibu.settings import Settings, load

F = TypeVar("F", bound=Callable[..., object])


def data_option(function: F) -> F:
    """Add ``--data``."""
    return click.option(
        "--data",
        "data_dir",
        type=click.Path(path_type=Path),
        help="Data folder [default: jibu-data, or JIBU_DATA_DIR].",
    )(function)


def settings_from(**overrides: object) -> Settings:
    """Return the settings with the options given on the command line. Raises: Misconfigured.

    Log lines of a command are its warnings, on standard error; `serve` and `relay` set up their own.
    What the command makes from here on can be read by its own user alone.
    """
    import structlog

    os.umask(0o077)  # what the data folder holds is nobody else's to read
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    return load(**overrides)


def existing_data(data_dir: Path | None) -> Settings:
    """Return the settings of a data folder that must exist already. Raises: Misconfigured."""
    settings = settings_from(data_dir=data_dir)
    if not settings.data_dir.is_dir():
        raise Misconfigured(
            f"there is no data folder {settings.data_dir}; `jibu serve` or `jibu ingest` makes one"
        )
    return settings


def check_port(settings: Settings) -> None:
    """Find out before anything starts whether the address can be listened on. Raises: Misconfigured."""
    _check_free(settings.host, settings.port, "--port")


def check_door(settings: Settings) -> None:
    """As ``check_port``, for the listener for X-Road where there is to be one. Raises: Misconfigured."""
    host, port = settings.xroad_inbound_host, settings.xroad_inbound_port
    if port is None:
        return
    if (host, port) == (settings.host, settings.port):
        raise Misconfigured(f"JIBU_XROAD_INBOUND_PORT: port {port} of {host} is the service's own")
    _check_free(host, port, "JIBU_XROAD_INBOUND_PORT")


def _check_free(host: str, port: int, option: str) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Misconfigured(f"cannot listen on {host}: {error.strerror}") from error
    family, kind, protocol, _, address = found[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            why = (
                f"is taken; choose another one with {option}"
                if taken
                else f"cannot be used: {error.strerror}"
            )
            raise Misconfigured(f"port {port} of {host} {why}") from error
