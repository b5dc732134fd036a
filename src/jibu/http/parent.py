"""Ending a process when the one that started it has gone, also when that was killed and could say nothing."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time

LOOK_EVERY_S = 1.0


def stop_without(parent: int) -> None:
    """Send SIGTERM to this process once ``parent`` is no longer its parent. Returns at once."""
    threading.Thread(target=_watch, args=(parent,), name="parent", daemon=True).start()


def stop_without_supervisor() -> None:
    """As ``stop_without`` in a worker of several; does nothing in a process that no supervisor started."""
    supervisor = multiprocessing.parent_process()
    if supervisor is not None and supervisor.pid is not None:
        stop_without(supervisor.pid)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_EVERY_S)
    os.kill(os.getpid(), signal.SIGTERM)
