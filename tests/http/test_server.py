"""A real uvicorn: starting, streaming, draining, several processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from jibu.adapters.auth.local import LocalIssuer
from jibu.http.server import METRICS_FOLDER, options, shared_metrics
from jibu.settings import Settings

CLIENT = "ZZ/GOV/portal-agency/portal"
HERE = Path(__file__).parent


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def running(
    folder: Path, *, app: str = "serving:app", workers: int = 1, drain_s: float = 10, pause_s: float = 0.0
) -> Iterator[Any]:
    """Run an app, by default the test app; give the process and a client that may do everything."""
    settings = Settings(data_dir=folder, port=free_port(), workers=workers, drain_timeout_s=drain_s)
    given = {k: v for k, v in options(settings).items() if k != "factory"}
    code = f"import uvicorn; uvicorn.run({app!r}, factory=True, **{given!r})"
    environment = {
        **os.environ,
        "JIBU_DATA_DIR": str(folder),
        "JIBU_TEST_FOLDER": str(folder),
        "JIBU_TEST_PAUSE": str(pause_s),
        "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]),
    }
    with shared_metrics(settings) as metrics, (folder / "log").open("wb") as log:
        if metrics is not None:
            environment[METRICS_FOLDER] = str(metrics)
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", code], env=environment, stdout=log, stderr=log, cwd=folder
        )
        token = LocalIssuer(folder, profile="dev", audience="jibu").issue(
            CLIENT,
            [
                "rag.query",
                "rag.ingest",
                "rag.admin",
                "consent.config",
                "consent.service",
                "consent.audit",
                "mediator.client",
                "mediator.admin",
                "audit.read",
                "metrics.read",
            ],
        )
        try:
            with httpx.Client(
                base_url=f"http://127.0.0.1:{settings.port}",
                headers={"Authorization": f"Bearer {token}"},
                timeout=30,
            ) as client:
                _until_live(client, process, folder / "log")
                yield process, client
        finally:
            process.terminate()
            try:
                process.wait(30)
            finally:
                process.kill()
                process.wait()


def _until_live(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if client.get("/health/live").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(log.read_text())


def test_a_stop_signal_lets_streams_end(tmp_path: Path) -> None:
    """After SIGTERM no new connection is taken, a running stream comes to its end, and the process ends well."""
    with running(tmp_path, pause_s=0.3) as (process, client):
        lines: list[str] = []
        started = threading.Event()

        def read() -> None:
            body = {"question": "passport"}
            with client.stream(
                "POST", "/rag/v1/query", json=body, headers={"Accept": "text/event-stream"}
            ) as found:
                for line in found.iter_lines():
                    lines.append(line)
                    if line.startswith("event: token"):
                        started.set()

        reader = threading.Thread(target=read)
        reader.start()
        assert started.wait(10)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{client.base_url}/health/live", timeout=2)
        reader.join(20)
        assert "event: done" in lines
        assert process.wait(20) in {0, -signal.SIGTERM}
    events = [
        json.loads(line)["event"] for line in (tmp_path / "log").read_text().splitlines() if line[:1] == "{"
    ]
    assert events.count("started") == events.count("stopped") == 1
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_draining_is_bounded(tmp_path: Path) -> None:
    """What has not ended within the drain time is cut off."""
    with running(tmp_path, pause_s=1.5, drain_s=1) as (process, client):
        stopped: list[float] = []
        with pytest.raises(httpx.TransportError):
            _read_and_stop(client, process, stopped)
        process.wait(20)
        assert time.monotonic() - stopped[0] < 10


def _read_and_stop(client: httpx.Client, process: subprocess.Popen[bytes], stopped: list[float]) -> None:
    headers = {"Accept": "text/event-stream"}
    with client.stream("POST", "/rag/v1/query", json={"question": "passport"}, headers=headers) as found:
        for _ in found.iter_lines():
            if not stopped:
                stopped.append(time.monotonic())
                process.send_signal(signal.SIGTERM)


def test_figures_are_right_across_processes(tmp_path: Path) -> None:
    """Whichever process is asked, all requests are counted; the folder goes away at the end."""
    with running(tmp_path, workers=2) as (_, client):
        base = str(client.base_url)
        token = client.headers["Authorization"]
        for _ in range(30):
            httpx.get(f"{base}/rag/v1/collections", headers={"Authorization": token})
        deadline = time.monotonic() + 10
        wanted = 'jibu_http_requests_total{method="GET",route="/rag/v1/collections",status="200"} 30.0'
        while time.monotonic() < deadline:
            text = httpx.get(f"{base}/metrics", headers={"Authorization": token}).text
            if wanted in text:
                break
            time.sleep(0.1)
        assert wanted in text
        pids = {line for line in text.splitlines() if line.startswith("jibu_queue_length{")}
        assert len(pids) <= 1


def test_shared_metrics_leave_nothing_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The environment and the disk are as before; one process needs no folder."""
    monkeypatch.delenv(METRICS_FOLDER, raising=False)
    with shared_metrics(Settings(data_dir=tmp_path, workers=1)) as none:
        assert none is None
    with shared_metrics(Settings(data_dir=tmp_path, workers=2)) as folder:
        assert folder is not None
        assert os.environ[METRICS_FOLDER] == str(folder)
        assert folder.is_dir()
    assert METRICS_FOLDER not in os.environ
    assert not folder.exists()
