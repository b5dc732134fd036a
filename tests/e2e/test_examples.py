"""The examples, started as their pages say: they end well, and print what the pages show."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # the helpers beside the tests

from tests.services import kafka as service

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
HOW_TO = ROOT / "docs" / "how-to"
PYTHON = ".venv/bin/python"
LONGEST_S = 240
CLEAN = {name: value for name, value in os.environ.items() if not name.upper().startswith("JIBU_")}
MASKS = (
    (r"\b[0-9a-f]{64}\b", "SHA256"),
    (r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "UUID"),
    (r"\b[0-9a-f]{32}\b", "ID"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)", "TIME"),
    (r"(?<=127\.0\.0\.1:)\d+", "PORT"),
    (r'("(?:score|support|confidence)"): [\d.]+', r"\1: SHARE"),
    (r'("(?:batch|sequence)"): [\d.]+(?=,?$)', r"\1: NUMBER"),
    (r"in none of \d+ files", "in none of N files"),
    (r'("(?:durationMs|retrievalMs|generationMs|liveMs|totalMs)"): [\d.]+', r"\1: MS"),
)
"""What differs from run to run."""


def masked(text: str) -> list[str]:
    """Return the lines of an output without what differs from run to run."""
    for pattern, word in MASKS:
        text = re.sub(pattern, word, text, flags=re.MULTILINE)
    return [line.rstrip() for line in text.strip().splitlines()]


def blocks(page: Path, language: str) -> list[str]:
    """Return the code blocks of a page in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def shown(page: Path, begin: str) -> str:
    """Return the one text block of a page that begins so."""
    (found,) = [block for block in blocks(page, "text") if block.startswith(begin)]
    return found


def documented(page: Path, script: str) -> list[str]:
    """Return the one command of a page that runs a script, for this Python."""
    lines = [line for block in blocks(page, "bash") for line in block.replace("\\\n", " ").splitlines()]
    (found,) = [line for line in lines if line.startswith(f"{PYTHON} docs/examples/{script}")]
    return [sys.executable, *shlex.split(found)[1:]]


def run(command: list[str]) -> str:
    """Run a command in the root of the repository; return what it printed. It has to end well."""
    done = subprocess.run(
        command, cwd=ROOT, env=CLEAN, capture_output=True, text=True, timeout=LONGEST_S, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@contextmanager
def running(command: list[str], log: Path) -> Iterator[None]:
    """Run a block until the end of the context, its log in a file; it has to end well when it is told to."""
    with log.open("wb") as out, subprocess.Popen(command, cwd=ROOT, env=CLEAN, stderr=out) as process:
        try:
            yield
        finally:
            process.terminate()
            assert process.wait(30) == 0


def free_port() -> str:
    """Return a port that nobody uses."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


def until_healthy(url: str) -> None:
    """Wait for a block's health check."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(httpx.HTTPError):
            if httpx.get(f"{url}/health", timeout=2).is_success:
                return
        time.sleep(0.05)
    pytest.fail(f"{url} never answered")


def curl(line: str, port: str) -> httpx.Response:
    """Do what a line of curl with headers does, at another port."""
    words = shlex.split(line)
    assert words[:2] == ["curl", "-s"]
    headers = dict(words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H")
    return httpx.get(words[2].replace(":20080", f":{port}"), headers=headers)


def test_the_registry_does_what_its_page_says(tmp_path: Path) -> None:
    """Its answers are those of the page, and its log names nobody."""
    page = EXAMPLES / "civil-registry" / "README.md"
    command, port = documented(page, "civil-registry/registry.py"), free_port()
    lines = [line for block in blocks(page, "bash") for line in block.splitlines() if line.startswith("curl")]
    (shown_answers,) = blocks(page, "json")
    with running([word.replace("20080", port) for word in command], tmp_path / "log"):
        until_healthy(f"http://127.0.0.1:{port}")
        answers = [curl(line, port) for line in lines]
        description = httpx.get(f"http://127.0.0.1:{port}/openapi.yaml").content
    assert [answer.text for answer in answers] == shown_answers.splitlines()
    assert [answer.status_code for answer in answers] == [200, 404, 403]
    assert description == (EXAMPLES / "civil-registry" / "openapi.yaml").read_bytes()
    log = [json.loads(line) for line in (tmp_path / "log").read_text("utf-8").splitlines()]
    asked = [line for line in log if line["route"] == "/person"]
    assert [line["status"] for line in asked] == [200, 404, 403]
    assert "KL-" not in json.dumps([{**line, "client": ""} for line in asked])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"X-Road-Client": "KLD/GOV/AGENCY/portal", "X-GovStack-Client": "KLD/GOV/AGENCY/other"}, 403),
        ({"X-GovStack-Client": "KLD/GOV/AGENCY/portal"}, 400),
        ({"X-Road-Client": "KLD/GOV/AGENCY/portal", "X-Individual-Id": "../people"}, 400),
        ({"X-Road-Client": "KLD/GOV/AGENCY/portal", "X-Individual-Id": "K" * 65}, 400),
    ],
)
def test_the_registry_refuses(headers: dict[str, str], status: int, registry: str) -> None:
    """Nobody, two names, no person, what is no personal number."""
    answer = httpx.get(f"{registry}/person", headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a registry that the portal may ask."""
    port = free_port()
    command = documented(EXAMPLES / "civil-registry" / "README.md", "civil-registry/registry.py")
    log = tmp_path_factory.mktemp("registry") / "log"
    with running([word.replace("20080", port) for word in command], log):
        until_healthy(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize(
    "script", ["civil-registry/registry.py", "subscriber/subscriber.py", "subscriber/kafka_reader.py"]
)
def test_a_block_says_how_it_is_used(script: str) -> None:
    """`--help`, and nothing of Jibu is imported."""
    assert "usage:" in run([sys.executable, str(EXAMPLES / script), "--help"])
    assert not re.search(r"^\s*(?:import|from) jibu", (EXAMPLES / script).read_text("utf-8"), re.MULTILINE)


def without_order(lines: list[str]) -> list[str]:
    """Return the lines with those of events sorted: only events of one thing have an order.

    How often the logs were signed meanwhile is a matter of time, and left out.
    """
    events = sorted(line for line in lines if "jibu." in line and "jibu.audit.batch" not in line)
    return [*(line for line in lines if "jibu." not in line), *events]


def test_the_subscriber_example_prints_what_the_page_says() -> None:
    """Pushes, pulls, forgeries and webhooks line for line, and Jibu's own events over the API."""
    printed = run(documented(EXAMPLES / "README.md", "publish_and_subscribe.py"))
    page = shown(HOW_TO / "publish-and-subscribe.md", "Jibu at")
    assert without_order(masked(printed)) == without_order(masked(page))


def test_the_subscriber_example_over_kafka() -> None:
    """The same walk on a real broker; in the end a consumer group reads what Jibu told."""
    broker = service.server()
    prefix = broker.new_prefix()
    command = documented(EXAMPLES / "README.md", "publish_and_subscribe.py")
    printed = run([*command, "--kafka", broker.address, "--kafka-prefix", prefix])
    own = printed[printed.index("== 7.") : printed.index("\nAll of it")].replace(f"   {prefix}.", "   jibu.")
    assert sorted(masked(own)) == sorted(masked(shown(HOW_TO / "publish-and-subscribe.md", "== 7.")))


def test_the_example_of_a_personalised_answer_prints_what_the_page_says() -> None:
    """From nothing to a withdrawn consent, line for line."""
    printed = run(documented(EXAMPLES / "README.md", "personalised_answer.py"))
    assert masked(printed) == masked(shown(HOW_TO / "personalised-answers.md", "civil registry at"))


def test_an_example_that_goes_wrong_says_so(tmp_path: Path) -> None:
    """A folder that is in use is refused with code 1 and a sentence, before anything is started."""
    (tmp_path / "file").touch()
    command = documented(EXAMPLES / "README.md", "personalised_answer.py")
    done = subprocess.run(
        [*command, "--keep", str(tmp_path)], cwd=ROOT, env=CLEAN, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.strip() == f"NOT AS IT SHOULD BE: {tmp_path} is not empty; name a new folder"
