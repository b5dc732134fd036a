"""A service with a room of ten subscribers, all of it in processes that tests kill and start again."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from tests.e2e.rooms_processes import ROOM, TYPE
from tests.services import kafka, postgres

from jibu.adapters.auth.local import LocalIssuer
from jibu.settings import Settings
from jibu.wiring.parts import open_records

SCRIPT = Path(__file__).with_name("rooms_processes.py")
PUBLISHERS = [f"KLD/GOV/HEALTH/c{n}" for n in range(4)]
PUSHED = {name: f"KLD/GOV/PUSH/{name}" for name in ("p0", "p1", "slow", "half", "dead")}
PULLING = {f"q{n}": f"KLD/GOV/PULL/q{n}" for n in range(5)}
FIFO = {"p0", "slow", "half", "q0", "q1", "q2"}
MANAGER = "KLD/GOV/HEALTH/admin"
TIMEOUT_S, TOO_LONG_S, DEAD_TTL_S = 1.0, 1.4, 5
BACKOFF = {"firstSeconds": 0.1, "factor": 1, "longestSeconds": 0.1}
START_S = 180.0


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def wait(happened: Callable[[], Any], what: str, longest_s: float = START_S) -> Any:
    """Return what is true as soon as it is."""
    deadline = time.monotonic() + longest_s
    while not (found := happened()):
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.1)
    return found


@dataclass
class Service:
    """``jibu serve`` with its relay, a second ``jibu relay``, publishers and subscribers."""

    folder: Path
    broker: kafka.Server | None = None
    database: postgres.Server | None = None
    pause_s: float = 0.05
    environment: dict[str, str] = field(default_factory=dict)
    port: int = 0
    ports: dict[str, int] = field(default_factory=dict)
    serving: subprocess.Popen[bytes] | None = None
    beside: subprocess.Popen[bytes] | None = None
    pulling: subprocess.Popen[bytes] | None = None
    _all: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        """Start everything but the publishers; the room is furnished and everybody has subscribed."""
        [self.port] = kafka._free_ports(1)  # noqa: SLF001 - it takes care that nobody else has it
        self.environment = {k: v for k, v in os.environ.items() if not k.upper().startswith("JIBU_")} | {
            "JIBU_DATA_DIR": str(self.folder / "data"),
            "JIBU_OUTBOUND_ALLOW_PRIVATE": "true",
            "JIBU_OUTBOUND_TIMEOUT_S": str(TIMEOUT_S),
            "JIBU_LOG_LEVEL": "warning",
        }
        if self.database is not None:
            self.environment["JIBU_DATABASE_URL"] = self.database.new_database()
            assert self._jibu("migrate").wait(START_S) == 0
        if self.broker is not None:
            self.environment |= {
                "JIBU_BROKER": "kafka",
                "JIBU_KAFKA_BOOTSTRAP": self.broker.address,
                "JIBU_KAFKA_REPLICATION": "1",
                "JIBU_KAFKA_MIN_INSYNC": "1",
                "JIBU_KAFKA_TIMEOUT_S": "4",
            }
        self.serving = self._jibu("serve", "--port", str(self.port))
        received = self._script(
            "receive", str(self.folder), str(self.pause_s), str(TOO_LONG_S), stdout=subprocess.PIPE
        )
        assert received.stdout is not None
        self.ports = json.loads(received.stdout.readline())
        wait(self._ready, "the service is ready")
        self.beside = self._jibu("relay")
        self._furnish()
        tokens = {name: self._token(name) for name in PULLING.values()}
        self.pulling = self._script("pull", self.base, str(self.folder), ROOMS_TOKENS=json.dumps(tokens))

    @property
    def base(self) -> str:
        """The service's address."""
        return f"http://127.0.0.1:{self.port}"

    def publish(self, count: int, pause_s: float) -> list[subprocess.Popen[bytes]]:
        """Start the publishers; each publishes so many events."""
        return [
            self._script(
                "publish", self.base, name, str(self.folder / name.rpartition("/")[2]), str(count), str(pause_s),
                ROOMS_TOKEN=self._token(name),
            )
            for name in PUBLISHERS
        ]  # fmt: skip

    def kill_relays(self, *, both: bool) -> None:
        """Kill the second relay, and the one of ``jibu serve``, which starts it again; start the second one again."""
        assert self.beside is not None
        if both:
            for pid in self._relays():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self.beside.kill()
        self.beside.wait()
        self.beside = self._jibu("relay")

    def seen(self, name: str) -> list[list[Any]]:
        """Return the lines of a log."""
        path = self.folder / name
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        return [json.loads(line) for line in text.split("\n")[:-1]]

    def has(self, name: str, count: int) -> bool:
        """Tell whether a subscriber saw so many different events."""
        assert self.pulling is not None
        assert self.pulling.poll() is None, (self.folder / "log").read_text(encoding="utf-8")[-3000:]
        return len({line[1] for line in self.seen(name)}) >= count

    def ask(self, path: str, client: str) -> Any:
        """Read something in the room."""
        return self._call("GET", f"/r1/{ROOM}{path}", client).json()

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        """Look into the database."""
        url = self.environment.get("JIBU_DATABASE_URL")
        records = open_records(Settings(data_dir=self.folder / "data", database_url=url, database_pool=2))
        try:
            with records.read() as uow:
                rows = uow._open.exec_driver_sql(query).all()  # type: ignore[attr-defined]  # noqa: SLF001
            return [tuple(row) for row in rows]
        finally:
            records.close()

    def end(self) -> None:
        """Kill what runs and remove what was made."""
        for child in self._all:
            child.kill()
            child.wait()
            if child.stdout is not None:
                child.stdout.close()
        for server in (self.broker, self.database):
            if server is not None:
                server.remove()

    def _ready(self) -> bool:
        assert self.serving is not None
        assert self.serving.poll() is None, (self.folder / "log").read_text(encoding="utf-8")
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.base}/health/ready", timeout=10).is_success
        return False

    def _relays(self) -> list[int]:
        """Return the relay that ``jibu serve`` runs, unless it is being started."""
        assert self.serving is not None
        children = Path(f"/proc/{self.serving.pid}/task/{self.serving.pid}/children")
        threads = [children, *children.parents[1].glob("*/children")]
        found = {int(pid) for one in threads for pid in one.read_text().split()}
        return [pid for pid in found if b"relay" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")]

    def _furnish(self) -> None:
        members = [
            {"client": PUSHED[n], "pushUrl": f"http://127.0.0.1:{port}/push"}
            for n, port in self.ports.items()
        ]
        members += [{"client": name} for name in PULLING.values()]
        room = {"title": "Births", "manager": MANAGER, "publishers": PUBLISHERS, "subscribers": members}
        self._call("PUT", f"/mediator/v1/rooms/{ROOM}", "KLD/GOV/STATE/it", room)
        kind = {"eventType": TYPE, "schema": {"type": "object", "required": ["n"]}}
        self._call("POST", f"/r1/{ROOM}/api/v1/eventType", MANAGER, kind)
        for name, client in (PUSHED | PULLING).items():
            options: dict[str, Any] = {"FIFO": name in FIFO, "backoff": BACKOFF}
            if name == "dead":
                options["TTL"] = DEAD_TTL_S
            wanted = {"eventType": TYPE, "delivery": "PUSH" if name in PUSHED else "PULL", "options": options}
            self._call("POST", f"/r1/{ROOM}/api/v1/subs/{TYPE}", client, wanted)

    def _call(self, method: str, path: str, client: str, body: Any = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._token(client)}", "X-GovStack-Client": client}
        return httpx.request(
            method, self.base + path, headers=headers, json=body, timeout=30
        ).raise_for_status()

    def _token(self, client: str) -> str:
        issuer = LocalIssuer(self.folder / "data", profile="dev", audience="jibu")
        return issuer.issue(
            client, ["mediator.client", *(["mediator.admin"] if client.endswith("/it") else [])]
        )

    def _jibu(self, *words: str) -> subprocess.Popen[bytes]:
        return self._run("-m", "jibu", *words)

    def _script(self, *words: str, stdout: int | None = None, **environment: str) -> subprocess.Popen[bytes]:
        return self._run(str(SCRIPT), *words, stdout=stdout, environment=environment)

    def _run(
        self, *words: str, stdout: int | None = None, environment: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-W", "ignore", *words], stdout=stdout or log, stderr=log,
                env=self.environment | (environment or {}), preexec_fn=_die_with_parent,  # noqa: PLW1509
            )  # fmt: skip
        self._all.append(child)
        return child
