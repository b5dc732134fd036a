"""A process that goes, however it goes, leaves no child behind that holds the port."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

pytestmark = pytest.mark.slow
LONGEST_S = 240.0


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def is_free(port: int) -> bool:
    """Tell whether the port can be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return True
    return False


def start(*arguments: str, port: int, folder: Path) -> subprocess.Popen[bytes]:
    """Start a command and wait until the service is live."""
    clean = {name: value for name, value in os.environ.items() if not name.upper().startswith("JIBU_")}
    command = [sys.executable, "-m", "jibu", *arguments, "--data", "data", "--port", str(port)]
    with (folder / "log.txt").open("ab") as log:
        process = subprocess.Popen(command, env=clean, cwd=folder, stdout=log, stderr=log)
    deadline = time.monotonic() + LONGEST_S
    while time.monotonic() < deadline:
        assert process.poll() is None, (folder / "log.txt").read_text(encoding="utf-8")
        with suppress(httpx.TransportError):
            if httpx.get(f"http://127.0.0.1:{port}/health/live", timeout=10).is_success:
                return process
        time.sleep(0.1)
    process.kill()
    pytest.fail("the service never answered")


@pytest.mark.parametrize(
    ("arguments", "number"),
    [
        (["serve", "--workers", "2"], signal.SIGKILL),
        (["demo"], signal.SIGTERM),
        (["demo"], signal.SIGKILL),
    ],
)
def test_the_port_is_free_after_the_first_process_has_gone(
    arguments: list[str], number: signal.Signals, sample_data: Path, tmp_path: Path
) -> None:
    """Workers and the demo's service notice that their parent has gone."""
    shutil.copytree(sample_data, tmp_path / "data")
    port = free_port()
    process = start(*arguments, port=port, folder=tmp_path)
    process.send_signal(number)
    process.wait(timeout=LONGEST_S)
    deadline = time.monotonic() + 60
    while not is_free(port) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert is_free(port)
