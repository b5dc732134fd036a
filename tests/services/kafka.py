"""A throw-away Apache Kafka on free loopback ports: one node, KRaft, from the jars that `kafka/pom.xml` names."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import fcntl
import functools
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import Any

import pytest

MISSING = (
    "NO KAFKA: events are tested on the local broker only. Install Java 17 and Maven (Debian: "
    "`openjdk-17-jre-headless maven`) and kafka-python; the first run fetches Kafka's jars."
)
POM = Path(__file__).parent / "kafka" / "pom.xml"
LOGGING = POM.with_name("log4j2.properties")
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
FETCH_S, START_S = 600.0, 180.0
HEAP = (
    "-Xmx512m",
    "-Xms128m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Djava.net.preferIPv4Stack=true",
)
SETTINGS = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
log.dirs={data}
num.partitions=1
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=2097152
num.network.threads=2
num.io.threads=4
"""


class Server:
    """One broker in a new folder. It can be killed and started again on the same data and port."""

    def __init__(self, jars: Path) -> None:
        self._jars = jars
        self._folder = Path(tempfile.mkdtemp(prefix="jibu-kafka-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = count(1)
        self.port, controller = _free_ports(2)
        self._config = self._folder / "server.properties"
        data = self._folder / "data"
        self._config.write_text(SETTINGS.format(port=self.port, controller=controller, data=data))
        self._run("kafka.tools.StorageTool", "format", "-t", "jibu-tests-0000000000", "-c", str(self._config))
        self.start()

    @property
    def address(self) -> str:
        """What clients connect to."""
        return f"127.0.0.1:{self.port}"

    def new_prefix(self) -> str:
        """Return a prefix of topics that no other test has."""
        return f"t{next(self._numbers)}"

    def start(self, *, wait: bool = True) -> None:
        """Start the broker; ``wait`` until it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._java("kafka.Kafka", str(self._config)), stdout=log, stderr=log, cwd=self._folder,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one system call, before anything else runs
            )  # fmt: skip
        if wait:
            self.wait()

    def wait(self) -> None:
        """Return when the broker answers a client."""
        deadline = time.monotonic() + START_S
        while not _answers(self.address):
            if self._process is None or self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self._folder / "log").read_text()[-3000:])
            time.sleep(0.1)

    def records(self, prefix: str) -> list[Any]:
        """Return everything that is committed in the topics of a prefix, in order for each partition."""
        from kafka import KafkaConsumer, TopicPartition  # noqa: PLC0415

        consumer = KafkaConsumer(
            bootstrap_servers=self.address, isolation_level="read_committed", auto_offset_reset="earliest",
            enable_auto_commit=False, metrics_enabled=False,
        )  # fmt: skip
        try:
            names = [name for name in consumer.topics() if name.startswith(f"{prefix}.")]
            parts = [
                TopicPartition(name, p) for name in names for p in consumer.partitions_for_topic(name) or ()
            ]
            if not parts:
                return []
            consumer.assign(parts)
            ends = consumer.end_offsets(parts)
            found: list[Any] = []
            while any(consumer.position(part) < end for part, end in ends.items()):
                for records in consumer.poll(timeout_ms=200).values():
                    found += records
            return found
        finally:
            consumer.close(autocommit=False)

    def send(self, topic: str, values: list[bytes]) -> None:
        """Write messages as another block would."""
        from kafka import KafkaProducer  # noqa: PLC0415

        producer = KafkaProducer(bootstrap_servers=self.address, metrics_enabled=False)
        for value in values:
            producer.send(topic, value, key=b"k").get(timeout=30)
        producer.close()

    def expel(self, group: str) -> None:
        """Put all readers out of a group."""
        from kafka import KafkaAdminClient  # noqa: PLC0415
        from kafka.admin import MemberToRemove  # noqa: PLC0415

        admin = KafkaAdminClient(bootstrap_servers=self.address)
        try:
            members = admin.describe_groups([group])[group]["members"]
            admin.remove_group_members(group, [MemberToRemove(member["member_id"]) for member in members])
        finally:
            admin.close()

    def members(self, group: str) -> int:
        """Return how many readers a group has."""
        from kafka import KafkaAdminClient  # noqa: PLC0415

        admin = KafkaAdminClient(bootstrap_servers=self.address)
        try:
            return len(admin.describe_groups([group])[group]["members"])
        finally:
            admin.close()

    def alter(self, topic: str, settings: dict[str, str]) -> None:
        """Change a topic's settings."""
        from kafka import KafkaAdminClient  # noqa: PLC0415
        from kafka.admin import ConfigResource  # noqa: PLC0415

        admin = KafkaAdminClient(bootstrap_servers=self.address)
        try:
            admin.alter_configs([ConfigResource("TOPIC", topic, settings)])
        finally:
            admin.close()

    def kill(self) -> None:
        """Kill the broker at once, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Let it hold its connections and say nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    def remove(self) -> None:
        """Kill it and delete its folder."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _java(self, main: str, *arguments: str) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={LOGGING}"
        return ["java", *HEAP, logging, "-cp", f"{self._jars}/*", main, *arguments]

    def _run(self, main: str, *arguments: str) -> None:
        done = subprocess.run(self._java(main, *arguments), capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{main} failed: {done.stdout}{done.stderr}")


def _answers(address: str) -> bool:
    """Tell whether the broker gives its API versions: an open port alone is not enough."""
    host, _, port = address.partition(":")
    request = b"\x00\x12\x00\x00\x00\x00\x00\x01\x00\x04test"
    request = len(request).to_bytes(4, "big") + request
    with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1) as found:
        found.settimeout(2)
        found.sendall(request)
        return len(found.recv(8)) > 0
    return False


def _free_ports(number: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for found in sockets:
            found.bind(("127.0.0.1", 0))
        return [int(found.getsockname()[1]) for found in sockets]


def _die_with_parent() -> None:
    """Let the kernel stop this process when the tests are killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _cache() -> Path:
    """Return the folder for these jars, outside of the tree; another pom gets another folder."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "jibu-tests" / f"kafka-{hashlib.sha256(POM.read_bytes()).hexdigest()[:16]}"


def fetch() -> Path:
    """Return the folder of the jars, filled by Maven the first time. Raises: RuntimeError."""
    folder = _cache()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            part = folder.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            command = ["mvn", "-q", "-B", "-f", str(POM), COPY, f"-DoutputDirectory={part}"]
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=FETCH_S)
            if done.returncode:
                raise RuntimeError(f"Maven could not fetch Kafka: {done.stdout[-2000:]}{done.stderr[-500:]}")
            part.rename(folder)
    return folder


def require() -> Path:
    """Return the jars' folder. Without Java: skip loudly, or fail where JIBU_TEST_REQUIRE_KAFKA is set."""
    missing = [program for program in ("java", "mvn") if shutil.which(program) is None]
    try:
        import kafka  # noqa: F401, PLC0415
    except ImportError:
        missing.append("kafka-python")
    if missing:
        words = f"{MISSING} Missing: {', '.join(missing)}."
        if os.environ.get("JIBU_TEST_REQUIRE_KAFKA"):
            pytest.fail(words)
        pytest.skip(words)
    return fetch()


@functools.cache
def _start(jars: Path) -> Server:
    server = Server(jars)
    atexit.register(server.remove)
    return server


def own_server() -> Server:
    """Return a broker of one's own, to be killed and removed."""
    return Server(require())


def server() -> Server:
    """Return the one broker of this test run, started when it is first asked for."""
    return _start(require())
