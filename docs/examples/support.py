"""What the examples share: blocks as processes, tokens, calls that print themselves, checks that end the run."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import httpx

START_S, STOP_S, WAIT_S = 120.0, 30.0, 60.0


class Unexpected(Exception):
    """Something is not as the example says."""


def check(held: object, what: str) -> None:
    """Print what was looked at. Raises: Unexpected when it does not hold."""
    if not held:
        raise Unexpected(what)
    print(f"   checked: {what}")


def heading(text: str) -> None:
    """Begin a part of the walk."""
    print(f"\n== {text}", flush=True)


def free_port() -> int:
    """Return a port of the loopback that nobody uses."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return this environment without settings of another Jibu, and with those given."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("JIBU_")}
    return kept | dict(settings)


class Process:
    """A block in a process of its own. What it says goes into a file."""

    def __init__(
        self, command: Sequence[str], log: Path, health: str, settings: Mapping[str, str] | None = None
    ) -> None:
        self._log = log
        with log.open("ab") as out:
            self._process = subprocess.Popen(command, env=environment(settings or {}), stdout=out, stderr=out)
        self._wait(health)

    def stop(self) -> None:
        """Ask it to end, and wait until it has. Ending twice is no error."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _wait(self, health: str) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(health, timeout=2, trust_env=False).is_success:
                    return
            time.sleep(0.1)
        self.stop()
        said = self._log.read_text(encoding="utf-8", errors="replace")[-2000:]
        raise Unexpected(f"{health} does not answer; {self._log.name} ends with:\n{said}")


class Jibu:
    """A Jibu on a data folder of its own: `jibu serve`, with the embedded parts unless settings say otherwise."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.data = folder / "jibu-data"
        self.log = folder / "jibu.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        serve = [*jibu(self.data, "serve"), "--port", str(self.port)]
        self._process = Process(serve, self.log, f"{self.url}/health/ready", settings)

    def stop(self) -> None:
        """End it."""
        self._process.stop()

    def caller(self, client: str, scope: str, subject: str | None = None) -> Caller:
        """Return a client of it with a token of its own, made by `jibu token`."""
        return Caller(self.url, client, self.token(client, scope, subject))

    def token(self, client: str, scope: str, subject: str | None = None) -> str:
        """Return a bearer token."""
        more = [] if subject is None else ["--subject", subject]
        return run(*jibu(self.data, "token"), "--client", client, "--scope", scope, *more).strip()


def jibu(data: Path, *command: str) -> list[str]:
    """Return a command line of Jibu on a data folder."""
    return [sys.executable, "-m", "jibu", *command, "--data", str(data)]


def run(*command: str) -> str:
    """Run a Python command to its end; return what it printed. Raises: Unexpected."""
    done = subprocess.run(
        command, env=environment({}), capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode != 0:
        raise Unexpected(f"{' '.join(command[1:4])} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


class Caller:
    """Another system that calls Jibu over HTTP. Every call is printed."""

    def __init__(self, url: str, client: str, token: str) -> None:
        self.client = client
        self.token = token
        headers = {"Authorization": f"Bearer {token}", "X-GovStack-Client": client}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=WAIT_S, trust_env=False)

    def call(
        self, method: str, path: str, expected: int = 200, *, quiet: bool = False, **more: Any
    ) -> httpx.Response:
        """Call, print method, path and status. Raises: Unexpected for another status than the expected ones."""
        response = self._http.request(method, path, **more)
        if not quiet:
            print(f"   {'/'.join(self.client.split('/')[2:])}: {method} {path} -> {response.status_code}")
        if response.status_code != expected:
            raise Unexpected(
                f"{method} {path}: {response.status_code} instead of {expected}: {response.text}"
            )
        return response

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def until(found: Any, what: str) -> Any:
    """Return what ``found`` returns as soon as it is true. Raises: Unexpected after a long time."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        if value := found():
            return value
        time.sleep(0.1)
    raise Unexpected(f"never: {what}")


def pretty(value: object) -> None:
    """Print JSON, indented."""
    for line in json.dumps(value, indent=2, ensure_ascii=False).splitlines():
        print(f"   {line}")


@contextlib.contextmanager
def workspace(kept: Path | None) -> Iterator[Path]:
    """Give a folder: the one that is named, which has to be new or empty, else one that is removed at the end."""
    if kept is None:
        with tempfile.TemporaryDirectory(prefix="jibu-example-") as name:
            yield Path(name)
        return
    kept.mkdir(parents=True, exist_ok=True)
    if any(kept.iterdir()):
        raise Unexpected(f"{kept} is not empty; name a new folder")
    yield kept.resolve()
