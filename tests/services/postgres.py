"""A throw-away PostgreSQL server on a free loopback port, from the machine's own packages."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import functools
import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from jibu.adapters.store import tables
from jibu.adapters.store.postgres import open_postgres

MISSING = (
    "NO POSTGRESQL: records and outbox are tested on SQLite only. Install Debian's `postgresql` and psycopg."
)
PASSWORD = "only for tests"
START_S = 60.0
# A killed server loses nothing for want of fsync: the kernel still writes what it has.
SETTINGS = ("fsync=off", "full_page_writes=off", "max_connections=90", "shared_buffers=32MB", "jit=off")


def programs() -> Path | None:
    """Return the folder of the newest server's programs."""
    found = shutil.which("initdb")
    if found and (Path(found).resolve().parent / "postgres").exists():
        return Path(found).resolve().parent
    versions = [p.parent for p in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(versions, key=lambda p: float(p.parent.name), default=None)


class Server:
    """One cluster in a new folder. Its databases sort like English, not like bytes: the worst case for us."""

    def __init__(self, bin_folder: Path) -> None:
        self._bin = bin_folder
        # The server refuses to run as root; Debian's package comes with a user for it.
        self._user = "postgres" if os.geteuid() == 0 else None
        self._folder = Path(tempfile.mkdtemp(prefix="jibu-postgres-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = count(1)
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = int(found.getsockname()[1])
        secret = self._folder / "password"
        secret.write_text(PASSWORD)
        if self._user:
            for path in (self._folder, secret):
                shutil.chown(path, self._user)
        self._run("initdb", "-D", self.data, "-U", "owner", "-A", "scram-sha-256", "--pwfile", secret, "-E", "UTF8",
                  "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US", "--no-sync")  # fmt: skip
        self.start()

    @property
    def data(self) -> Path:
        """The data folder."""
        return self._folder / "data"

    def url(self, database: str = "postgres", *, user: str = "owner", password: str = PASSWORD) -> str:
        """Return a database's address."""
        return f"postgresql://{user}:{password.replace(' ', '%20')}@127.0.0.1:{self.port}/{database}"

    def sql(self, *statements: str, database: str = "postgres") -> None:
        """Run statements, each in a transaction of its own."""
        engine = create_engine(self.url(database).replace("://", "+psycopg://"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))
        engine.dispose()

    def new_database(self) -> str:
        """Create a database without tables and return its address."""
        name = f"jibu{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name}")
        return self.url(name)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        given = [word for setting in SETTINGS for word in ("-c", setting)]
        log = (self._folder / "log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", self.data, "-p", str(self.port), "-c", "listen_addresses=127.0.0.1",
                 "-c", "unix_socket_directories=", *given],
                stdout=log, stderr=log, user=self._user, group=self._user, cwd=self._folder,
                extra_groups=[] if self._user else None,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one system call, before anything else runs
            )  # fmt: skip
        deadline = time.monotonic() + START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self._folder / "log").read_text()[-2000:])
            time.sleep(0.05)

    def _answers(self) -> bool:
        ready = [self._bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(ready, check=False).returncode == 0

    def kill(self) -> None:
        """Kill the server and every process of it at once, as a power cut would."""
        if self._process is None:
            return
        os.kill(self._process.pid, signal.SIGSTOP)  # it starts no other process meanwhile
        children = _children(self._process.pid)
        for pid in (*children, self._process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._process = None
        deadline = time.monotonic() + 5.0
        while any(Path(f"/proc/{pid}/task").exists() for pid in children) and time.monotonic() < deadline:
            time.sleep(0.01)

    def remove(self) -> None:
        """Kill it and delete its folder."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, program: str, *arguments: object) -> None:
        done = subprocess.run(
            [self._bin / program, *map(str, arguments)], user=self._user, group=self._user, cwd=self._folder,
            extra_groups=[] if self._user else None, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{program} failed as {self._user or getpass.getuser()}: {done.stderr}")


def _die_with_parent() -> None:
    """Let the kernel stop this process when the tests are killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGQUIT)  # PR_SET_PDEATHSIG


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def require() -> Path:
    """Return the programs' folder. Without them: skip loudly, or fail where JIBU_TEST_REQUIRE_POSTGRES is set."""
    found = programs()
    try:
        import psycopg  # noqa: F401, PLC0415
    except ImportError:
        found = None
    if found is None:
        if os.environ.get("JIBU_TEST_REQUIRE_POSTGRES"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    return found


@functools.cache
def _start(bin_folder: Path) -> Server:
    server = Server(bin_folder)
    atexit.register(server.remove)
    return server


def own_server() -> Server:
    """Return a server of one's own, to be killed and removed."""
    return Server(require())


def server() -> Server:
    """Return the one server of this test run, started when it is first asked for."""
    return _start(require())


@functools.cache
def _shared(running: Server) -> tuple[str, Engine]:
    url = running.new_database()
    open_postgres(url, migrate=True).close()
    engine = create_engine(url.replace("://", "+psycopg://"), pool_pre_ping=True)
    atexit.register(engine.dispose)
    return url, engine


def empty_database() -> str:
    """Return the address of a database whose tables are empty. Every test gets the same one, emptied again."""
    url, engine = _shared(server())
    with engine.begin() as connection:
        for table in reversed(tables.metadata.sorted_tables):
            if table is not tables.counters:
                connection.execute(table.delete())
        connection.execute(tables.counters.update().values(value=0))
    return url
