"""Publishers, pulling and pushed-to subscribers of a room, as processes of their own that keep a log of what they saw.

``python rooms_processes.py publish|pull|receive …``; the log of each one is a file of JSON lines.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

ROOM = "KLD/GOV/HEALTH/births"
TYPE = "newBirth"
PATIENCE_S = 5.0


class Log:
    """Lines that are in the file before anybody is answered."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._lock = threading.Lock()

    def add(self, *words: object) -> None:
        """Write a line."""
        with self._lock:
            self._file.write(json.dumps(words) + "\n")
            self._file.flush()


def client(base: str, name: str, token: str) -> httpx.Client:
    """Return a client of the service."""
    headers = {"Authorization": f"Bearer {token}", "X-GovStack-Client": name}
    return httpx.Client(base_url=f"{base}/r1/{ROOM}", headers=headers, timeout=PATIENCE_S)


def publish(base: str, name: str, log: str, count: str, pause_s: str) -> None:
    """Publish numbered events one after the other, each until it is answered 201."""
    told, publisher = Log(Path(log)), client(base, name, os.environ["ROOMS_TOKEN"])
    for n in range(int(count)):
        attempt = 0
        while not once(publisher, told, {"publisher": name, "n": n, "attempt": attempt}):
            attempt += 1
            time.sleep(0.3)
        time.sleep(float(pause_s))


def once(publisher: httpx.Client, told: Log, event: dict[str, Any]) -> bool:
    """Try to publish; what is not answered 201 may be there or not."""
    told.add("tried", event["n"], event["attempt"])
    try:
        answer = publisher.post(f"/pub/v1/{TYPE}", json={"eventType": TYPE, "event": event})
    except httpx.TransportError:
        return False
    if answer.status_code != 201:
        assert answer.status_code in (429, 503), answer.text
        return False
    told.add("accepted", event["n"], event["attempt"], answer.json()["id"])
    return True


def pull(base: str, folder: str) -> None:
    """Pull and confirm for the clients that ``ROOMS_TOKENS`` names, until killed."""
    tokens = json.loads(os.environ["ROOMS_TOKENS"])
    for name, token in tokens.items():
        work = (client(base, name, token), Log(Path(folder) / name.rpartition("/")[2]))
        threading.Thread(target=pull_all, args=work).start()


def pull_all(puller: httpx.Client, log: Log) -> None:
    """Take one event after the other; each is confirmed until that is answered."""
    while True:
        event = ask(puller, "GET", f"/pull/v1/{TYPE}")
        if event is None:
            time.sleep(0.4)
            continue
        found = event.json()
        log.add("got", found["id"], found["sequence"])
        ask(puller, "DELETE", f"/pull/v1/{TYPE}/{found['id']}")
        log.add("confirmed", found["id"])


def ask(puller: httpx.Client, method: str, path: str) -> httpx.Response | None:
    """Ask until there is an answer; None is a 404."""
    while True:
        try:
            answer = puller.request(method, path)
        except httpx.TransportError:
            time.sleep(0.2)
            continue
        if answer.status_code in (200, 204, 404):
            return None if answer.status_code == 404 else answer
        if answer.status_code not in (429, 503):
            print(answer.text, file=sys.stderr, flush=True)  # noqa: T201
            os._exit(1)  # the test sees that nobody pulls
        time.sleep(0.2)


def receive(folder: str, pause_s: str, too_long_s: str) -> None:
    """Be pushed to: two healthy ones, a slow one, one that answers 500 half the time, and one that never answers."""

    def slow(n: int) -> int:
        time.sleep(float(too_long_s) if n % 25 == 10 else float(pause_s))
        return 204

    kinds = {"p0": lambda _: 204, "p1": lambda _: 204, "slow": slow, "half": lambda n: 500 if n % 2 else 204}
    servers = {name: server(Log(Path(folder) / name), answer) for name, answer in kinds.items()}
    dead = socket.create_server(("127.0.0.1", 0), backlog=128)  # connections are made, and nothing ever comes
    ports = {name: one.server_address[1] for name, one in servers.items()}
    for one in servers.values():
        threading.Thread(target=one.serve_forever).start()
    print(json.dumps(ports | {"dead": dead.getsockname()[1]}), flush=True)  # noqa: T201
    threading.Event().wait()


def server(log: Log, answer: Any) -> ThreadingHTTPServer:
    """Return a receiver. What it answers well it has stored before, also where the answer comes too late."""
    counts, lock = iter(range(10**9)), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                number = next(counts)
                if answer.__name__ == "slow" or (status := answer(number)) < 300:
                    log.add("got", event["id"], event["sequence"])
            if answer.__name__ == "slow":
                status = answer(number)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


if __name__ == "__main__":
    {"publish": publish, "pull": pull, "receive": receive}[sys.argv[1]](*sys.argv[2:])
