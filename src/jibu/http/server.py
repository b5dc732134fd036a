"""Running the app under uvicorn: several processes, one log format, a stop signal that lets requests end."""

from __future__ import annotations

import math
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from jibu.settings import Settings

APP = "jibu.http.app:factory"
PROTOCOL = "jibu.http.wire:GuardedProtocol"
METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Read by prometheus-client itself, in the processes that are started after it is set."""


def options(settings: Settings) -> dict[str, Any]:
    """Return the arguments for ``uvicorn.run(APP, **options)``.

    On SIGTERM or SIGINT uvicorn stops accepting, waits ``drain_timeout_s`` for running requests and streams,
    then cancels what is left. ``lifespan="on"`` makes a failing start stop the server instead of hiding.
    """
    return {
        "factory": True,
        "http": PROTOCOL,
        "host": settings.host,
        "port": settings.port,
        "workers": settings.workers,
        "lifespan": "on",
        "access_log": False,
        "log_config": None,
        "server_header": False,
        "proxy_headers": False,
        "timeout_keep_alive": 15,
        "timeout_graceful_shutdown": math.ceil(settings.drain_timeout_s),
        "backlog": 2048,
        "ws": "none",
    }


@contextmanager
def shared_metrics(settings: Settings) -> Iterator[Path | None]:
    """Give the server processes a folder to share their figures in, empty at the start, gone at the end.

    Call it in the parent before the processes start. One process needs none.
    """
    if settings.workers == 1:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="jibu-metrics-"))
    before = os.environ.get(METRICS_FOLDER)  # env: put back below
    os.environ[METRICS_FOLDER] = str(folder)  # env: for the metrics library in the workers
    try:
        yield folder
    finally:
        if before is None:
            del os.environ[METRICS_FOLDER]  # env: as it was
        else:
            os.environ[METRICS_FOLDER] = before  # env: as it was
        shutil.rmtree(folder, ignore_errors=True)


def run(settings: Settings) -> None:
    """Serve until a stop signal. The processes read their settings from the environment again.

    Call it within ``shared_metrics``.
    uvicorn handles SIGTERM and then raises it again: here it ends as an ordinary exit, so that callers clean up.
    """
    signal.signal(signal.SIGTERM, _leave)
    uvicorn.run(APP, **options(settings))


def _leave(_number: int, _frame: object) -> None:
    sys.exit(0)
