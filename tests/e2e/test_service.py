"""`jibu serve` and `jibu demo` as processes: start, work, lose a part, be told to stop."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from jibu.adapters.auth.local import LocalIssuer
from jibu.sample import library

pytestmark = pytest.mark.slow
LONGEST_S = 240.0
CLIENT = "ZZ/GOV/A/portal"
SCOPES = ["rag.query", "rag.ingest", "rag.admin"]
QUESTION = "What is the express fee for an adult passport with 48 pages?"
STREAMS = 10


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def until(found: Callable[[], Any], what: str) -> Any:
    """Return what ``found`` returns as soon as it is true; fail after a long time."""
    deadline = time.monotonic() + LONGEST_S
    while time.monotonic() < deadline:
        if value := found():
            return value
        time.sleep(0.1)
    pytest.fail(f"never: {what}")


def children(parent: int, word: str) -> set[int]:
    """Return the ids of a process's children whose command line holds a word."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            ppid = int((folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
            if ppid == parent and word in (folder / "cmdline").read_text(encoding="utf-8").split("\0"):
                found.add(int(folder.name))
    return found


def alive(pid: int) -> bool:
    """Tell whether a process runs (one that ended and waits to be collected does not)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def start(*arguments: str, log: Path) -> subprocess.Popen[bytes]:
    """Start a command in an environment without other settings."""
    clean = {name: value for name, value in os.environ.items() if not name.upper().startswith("JIBU_")}
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "jibu", *arguments], env=clean, cwd=log.parent, stdout=out, stderr=out
        )


@dataclass(frozen=True, slots=True)
class Served:
    """A running service."""

    process: subprocess.Popen[bytes]
    port: int
    data: Path
    log: Path

    def client(self, token: str | None = None) -> httpx.Client:
        """Return a client that may do everything, or one with this token."""
        issuer = LocalIssuer(self.data, profile="dev", audience="jibu")
        headers = {"Authorization": f"Bearer {token or issuer.issue(CLIENT, SCOPES)}"}
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=headers, timeout=LONGEST_S)

    def relay(self) -> int | None:
        """Return the relay's process id."""
        return next(iter(children(self.process.pid, "relay")), None)


@contextmanager
def serving(data: Path, *arguments: str) -> Iterator[Served]:
    """Run the service until the end of the block; wait until it is ready."""
    port, log = free_port(), data.parent / "log.txt"
    process = start("serve", "--data", str(data), "--port", str(port), *arguments, log=log)
    served = Served(process, port, data, log)

    def ready() -> bool:
        assert process.poll() is None, log.read_text(encoding="utf-8")
        with suppress(httpx.TransportError):
            return httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=10).is_success
        return False

    try:
        until(ready, "ready")
        yield served
    finally:
        process.terminate()
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


@pytest.fixture(scope="module")
def service(sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve the sample library with two workers. The last test of this file stops it."""
    data = tmp_path_factory.mktemp("served") / "data"
    shutil.copytree(sample_data, data)
    with serving(data, "--workers", "2") as served:
        yield served


def test_it_answers_with_two_workers(service: Served) -> None:
    """Every one of many questions gets the same cited answer, whichever process takes it."""
    with service.client() as client:
        answers = [
            client.post("/rag/v1/query", json={"question": QUESTION}).raise_for_status().json()
            for _ in "12345"
        ]
    assert {answer["status"] for answer in answers} == {"answered"}
    assert len({answer["answer"] for answer in answers}) == 1
    assert "150" in answers[0]["answer"]
    assert len(children(service.process.pid, "--multiprocessing-fork")) >= 2


def test_the_page_and_the_documentation_are_served(service: Served) -> None:
    """Without a token."""
    for path in ("/", "/docs", "/openapi/rag.yaml", "/health/live"):
        assert httpx.get(
            f"http://127.0.0.1:{service.port}{path}", timeout=60, follow_redirects=True
        ).is_success


def test_a_bad_token_is_refused(service: Served, tmp_path: Path) -> None:
    """Garbage, one of another issuer, one without the scope: a problem each, and no answer."""
    stranger = LocalIssuer(tmp_path, profile="dev", audience="jibu").issue(CLIENT, SCOPES)
    known = LocalIssuer(service.data, profile="dev", audience="jibu")
    for token, status in (
        ("garbage", 401),
        (stranger, 401),
        (known.issue(CLIENT, SCOPES)[:-6] + "AAAAAA", 401),
        (known.issue(CLIENT, ["audit.read"]), 403),
    ):
        with service.client(token) as client:
            refused = client.post("/rag/v1/query", json={"question": QUESTION})
        assert (refused.status_code, refused.headers["content-type"]) == (status, "application/problem+json")
        assert "answer" not in refused.json()


def test_a_token_of_the_command_line_is_accepted(service: Served) -> None:
    """What `jibu token` prints works as it is."""
    command = [sys.executable, "-m", "jibu", "token", "--data", str(service.data)]
    arguments = ["--client", CLIENT, "--scope", "rag.query"]
    made = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, check=True, timeout=LONGEST_S
    )
    with service.client(made.stdout.strip()) as client:
        assert client.post("/rag/v1/query", json={"question": QUESTION}).is_success


def test_a_taken_port_is_told_at_once(service: Served, tmp_path: Path) -> None:
    """One line that names the port, code 1; nothing is made, and the service that has it goes on."""
    log = tmp_path / "log.txt"
    second = start("serve", "--data", str(tmp_path / "data"), "--port", str(service.port), log=log)
    assert second.wait(timeout=LONGEST_S) == 1
    said = log.read_text(encoding="utf-8")
    assert said == f"jibu: port {service.port} of 127.0.0.1 is taken; choose another one with --port\n"
    assert not (tmp_path / "data").exists()
    assert httpx.get(f"http://127.0.0.1:{service.port}/health/live", timeout=60).is_success


def test_a_killed_relay_is_started_again(service: Served) -> None:
    """The service answers on; a new relay takes over and indexes what came in."""
    killed = until(service.relay, "a relay runs")
    os.kill(killed, signal.SIGKILL)
    with service.client() as client:
        ferry = {"title": "Ferry", "text": "# Ferry\n\nIt costs 3 nuras.", "mediaType": "text/markdown"}
        received = client.post("/rag/v1/collections/kalindra/documents", json=ferry)
        assert received.status_code == 202
        assert client.post("/rag/v1/query", json={"question": QUESTION}).json()["status"] == "answered"
        where = received.headers["location"]
        until(lambda: client.get(where).json()["status"] == "indexed", "indexed by the new relay")
    assert until(service.relay, "another relay runs") != killed


def test_ingest_works_beside_the_service(service: Served, tmp_path: Path) -> None:
    """The command hands the file in, the service's relay indexes it, and the service finds it."""
    (tmp_path / "lamp.md").write_text(
        "# Lamps\n\nA street lamp is repaired within 9 days.\n", encoding="utf-8"
    )
    log = tmp_path / "log.txt"
    done = start("ingest", "lamp.md", "-c", "kalindra", "--data", str(service.data), log=log)
    assert done.wait(timeout=LONGEST_S) == 0
    assert "1 loaded, 0 unchanged, 0 failed\n" in log.read_text(encoding="utf-8")

    def found() -> bool:
        with service.client() as client:
            asked = {"query": "When is a street lamp repaired?", "limit": 3}
            passages = client.post("/rag/v1/search", json=asked).json()["passages"]
        return any("9 days" in passage["text"] for passage in passages)

    until(found, "every worker reads what was written")


class Stream(threading.Thread):
    """One streamed answer: when its first and last bytes came, and what they were."""

    def __init__(self, service: Served, begun: threading.Event) -> None:
        super().__init__(daemon=True)
        self.status: int | None = None
        self.text = ""
        self.ended = 0.0
        self.error: Exception | None = None
        self._service = service
        self._begun = begun

    def run(self) -> None:
        """Ask and read to the end."""
        headers = {"Accept": "text/event-stream"}
        try:
            with (
                self._service.client() as client,
                client.stream(
                    "POST", "/rag/v1/query", json={"question": QUESTION}, headers=headers
                ) as response,
            ):
                self.status = response.status_code
                self._begun.set()
                self.text = "".join(response.iter_text())
        except httpx.TransportError as error:
            self.error = error
        self.ended = time.monotonic()


def test_the_service_outlived_by_no_relay(sample_data: Path, tmp_path: Path) -> None:
    """A service that is killed takes its relay with it, so that the next one can write."""
    data = Path(shutil.copytree(sample_data, tmp_path / "data"))
    with serving(data) as served:
        relay = until(served.relay, "a relay runs")
        served.process.kill()
        served.process.wait(timeout=60)
        until(lambda: not alive(relay), "the relay has gone")


def test_a_stop_signal_lets_running_streams_end(service: Served) -> None:
    """After SIGTERM: each stream that had begun ends with its answer, then code 0, no relay, the port is free."""
    relay = until(service.relay, "a relay runs")
    begun = threading.Event()
    streams = [Stream(service, begun) for _ in range(STREAMS)]
    for stream in streams:
        stream.start()
    assert begun.wait(LONGEST_S)
    service.process.send_signal(signal.SIGTERM)
    told = time.monotonic()
    assert service.process.wait(timeout=LONGEST_S) == 0, service.log.read_text(encoding="utf-8")
    for stream in streams:
        stream.join(LONGEST_S)
    taken = [stream for stream in streams if stream.status == 200]
    assert any(stream.ended > told for stream in taken), "none was running when the signal came"
    for stream in taken:
        assert stream.error is None
        last = stream.text.strip().split("\n\n")[-1]
        assert last.startswith("event: done")
        assert json.loads(last.split("data: ", 1)[1])["status"] == "answered"
    assert not alive(relay)
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", service.port))


def test_the_demo_asks_its_questions_and_leaves(sample_data: Path, tmp_path: Path) -> None:
    """Five answers with quotes, a curl line with a token, where the documentation is; then nothing is left running."""
    shutil.copytree(sample_data, tmp_path / "data")
    port, log = free_port(), tmp_path / "log.txt"
    demo = start("demo", "--exit", "--data", "data", "--port", str(port), log=log)
    assert demo.wait(timeout=2 * LONGEST_S) == 0, log.read_text(encoding="utf-8")
    said = log.read_text(encoding="utf-8")
    assert re.findall(r"^Q: (.+)$", said, re.MULTILINE) == [q.text for q in library().demo_questions]
    statuses = re.findall(r"^(\w+)  \(confidence 0\.\d\d|^(\w+)  \(confidence 1\.00", said, re.MULTILINE)
    assert ["".join(found) for found in statuses] == [q.expected_status for q in library().demo_questions]
    for question in library().demo_questions:
        assert question.must_contain in said
    assert re.search(rf"curl -s http://127\.0\.0\.1:{port}/rag/v1/query .*\n.*Authorization: Bearer ey", said)
    assert f"http://127.0.0.1:{port}/docs" in said
    assert "Traceback" not in said
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{port}/health/live", timeout=10)
