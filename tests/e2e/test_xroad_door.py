"""`jibu serve` with a door for X-Road: a process beside it, that comes and goes with it."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # not that folder itself: it holds a module called kafka

from tests.services.certificates import Authority

pytestmark = pytest.mark.slow
LONGEST_S = 120.0


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def clean() -> dict[str, str]:
    """Return the environment without settings."""
    return {name: value for name, value in os.environ.items() if not name.upper().startswith("JIBU_")}


def serve(folder: Path, settings: dict[str, str], *options: str) -> subprocess.Popen[bytes]:
    """Start the service with these settings alone; what it says is in ``said``."""
    command = [sys.executable, "-m", "jibu", "serve", "--no-relay", *options]
    with (folder / "said").open("wb") as said:
        return subprocess.Popen(command, env=clean() | settings, cwd=folder, stdout=said, stderr=said)


def door_settings(folder: Path, port: int) -> tuple[dict[str, str], ssl.SSLContext]:
    """Return settings for a door at a port, and what a Security Server needs to come in."""
    authority = Authority(folder, "authority")
    door, peer = authority.issue("door", itself=True), authority.issue("peer", itself=True)
    (folder / "clients").write_text("ZZ/GOV/agency/portal rag.query\n")
    settings = {
        "JIBU_XROAD_INBOUND_PORT": str(port),
        "JIBU_XROAD_INBOUND_CERT_FILE": str(door.cert),
        "JIBU_XROAD_INBOUND_KEY_FILE": str(door.key),
        "JIBU_XROAD_INBOUND_PEERS_FILE": str(peer.cert),
        "JIBU_XROAD_INBOUND_CLIENTS_FILE": "clients",
    }
    context = ssl.create_default_context(cafile=str(door.cert))
    context.load_cert_chain(peer.cert, peer.key)
    return settings, context


def test_the_door_comes_and_goes_with_the_service(tmp_path: Path) -> None:
    """It opens to the Security Server's certificate, and closes at a stop signal; its figures are with the others'."""
    port, own = free_port(), free_port()
    settings, context = door_settings(tmp_path, port)

    def answered() -> int:
        headers = {"X-Road-Client": "ZZ/GOV/agency/portal"}
        url = f"https://127.0.0.1:{port}/rag/v1/collections"
        try:
            return httpx.get(url, headers=headers, verify=context, trust_env=False, timeout=10).status_code
        except httpx.TransportError:
            return 0

    def until(status: int) -> None:
        deadline = time.monotonic() + LONGEST_S
        while answered() != status:
            assert time.monotonic() < deadline, (tmp_path / "said").read_text()[-2000:]
            time.sleep(0.2)

    service = serve(tmp_path, settings, "--port", str(own), "--workers", "2")
    try:
        until(200)
        assert len(_children(service.pid, "xroad")) == 1
        assert 'route="/rag/v1/collections"' in _figures(tmp_path, own)  # nobody asked a worker
    finally:
        service.terminate()
        service.wait(30)
    assert answered() == 0
    assert _children(service.pid, "xroad") == []


def test_a_door_without_a_list_stops_the_start(tmp_path: Path) -> None:
    """At once, with the setting's name."""
    service = serve(tmp_path, {"JIBU_XROAD_INBOUND_PORT": str(free_port())}, "--port", str(free_port()))
    assert service.wait(60) != 0
    assert "needs JIBU_XROAD_INBOUND_CLIENTS_FILE" in (tmp_path / "said").read_text()


def test_a_door_that_is_taken_stops_the_start(tmp_path: Path) -> None:
    """The service would else run without it, and start it again and again."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        settings, _ = door_settings(tmp_path, other.getsockname()[1])
        service = serve(tmp_path, settings, "--port", str(free_port()))
        try:
            assert service.wait(60) != 0
        finally:
            service.kill()
    assert "choose another one with JIBU_XROAD_INBOUND_PORT" in (tmp_path / "said").read_text()


def _figures(folder: Path, port: int) -> str:
    """Return what /metrics says, as soon as it says something."""
    command = [
        sys.executable,
        "-m",
        "jibu",
        "token",
        "--client",
        "ZZ/GOV/agency/watch",
        "--scope",
        "metrics.read",
    ]
    token = subprocess.run(
        command, env=clean(), cwd=folder, check=True, capture_output=True, text=True
    ).stdout
    headers, deadline = {"Authorization": f"Bearer {token.strip()}"}, time.monotonic() + LONGEST_S
    while True:
        try:
            answer = httpx.get(
                f"http://127.0.0.1:{port}/metrics", headers=headers, trust_env=False, timeout=10
            )
        except httpx.TransportError:
            assert time.monotonic() < deadline, (folder / "said").read_text()[-2000:]
            time.sleep(0.2)
        else:
            assert answer.status_code == 200
            return answer.text


def _children(parent: int, word: str) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            ppid = int((folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
            words = (folder / "cmdline").read_text(encoding="utf-8").split("\0")
        except OSError:
            continue
        if ppid == parent and word in words:
            found.append(int(folder.name))
    return found
