"""The page in a real browser on a real service with the sample library: what `jibu demo` starts."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

import pytest
from tests.e2e.browser import Page
from tests.e2e.test_page_chromium import ask, overflow, text, visit

from jibu.locales import Catalogue

LIBRARY = tomllib.loads(files("jibu.sample").joinpath("library.toml").read_text(encoding="utf-8"))
QUESTIONS = LIBRARY["demoQuestions"]
READY_S = 240.0
# Ask without a stream, read each cited document, slice it by code points: independent of the page's own scripts.
EXACT = """
(async (question) => {
  const { token } = await (await fetch("/page/token", { method: "POST" })).json();
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const asked = await fetch("/rag/v1/query", { method: "POST", headers, body: JSON.stringify({ question }) });
  const { citations } = await asked.json();
  return Promise.all(citations.map(async ({ documentId, documentVersion, start, end, quote }) => {
    const at = `/rag/v1/documents/${documentId}/text?version=${documentVersion}`;
    const points = [...await (await fetch(at, { headers })).text()];
    return [quote, points.slice(start, end).join("")];
  }));
})
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run the demo on a free port; the value is its address. A running one may be named instead."""
    if running := os.environ.get("JIBU_TEST_SERVICE_URL"):
        yield running
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "jibu", "demo", "--data", str(folder / "data"), "--port", str(port)]
    log = folder / "log.txt"
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)
    try:
        _wait(f"http://127.0.0.1:{port}", process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        process.wait(timeout=40)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(f"{url}/health/ready", timeout=5).close()  # noqa: S310 - the address is ours
            return
        time.sleep(0.2)
    pytest.fail(f"the demo did not start:\n{log.read_text(encoding='utf-8')}")


@pytest.fixture
def tab(new_page: Callable[[], Page], service: str) -> Iterator[Page]:
    """Return a tab that must not complain, nor ask anyone but the service."""
    page = new_page()
    page.size(1366, 900)
    yield page
    page.js("0")
    assert page.problems == []
    assert [url for url in page.requests if not url.startswith((service, "about:", "data:"))] == []
    page.close()


@pytest.mark.slow
@pytest.mark.parametrize("question", QUESTIONS, ids=[question["language"] for question in QUESTIONS])
def test_answer_and_every_citation(tab: Page, service: str, question: dict[str, str]) -> None:
    """The answer holds what it must; each claim's citation opens its document with the quote marked."""
    visit(tab, service, question["language"])
    ask(tab, question["text"])
    status = question["expectedStatus"]
    assert Catalogue().message(f"status.{status}", question["language"]) == text(tab, ".status")
    assert question["mustContain"] in text(tab, ".claims")
    assert Catalogue().message("notice.ai", question["language"]) in text(tab, ".notice")
    buttons = tab.js("document.querySelectorAll('.claims .cite').length")
    assert (buttons > 0) is (status == "answered")
    for number in range(buttons):
        tab.js(f"document.querySelectorAll('.claims .cite')[{number}].click()")
        tab.until("document.querySelector('#source mark')")
        assert tab.js("document.querySelector('#source [role=alert]') === null")
        tab.press("Escape")
        tab.until("!document.getElementById('source').open")


@pytest.mark.slow
@pytest.mark.parametrize("question", QUESTIONS, ids=[question["language"] for question in QUESTIONS])
def test_quotes_are_exact(tab: Page, service: str, question: dict[str, str]) -> None:
    """Each quote is the slice by code points of the document version that it names."""
    visit(tab, service, question["language"])
    pairs = tab.js(f"({EXACT})({json.dumps(question['text'])})")
    assert question["expectedStatus"] == "not_found" or pairs
    assert [quote for quote, _ in pairs] == [found for _, found in pairs]


@pytest.mark.slow
def test_real_answers_fit_a_phone(tab: Page, service: str) -> None:
    """Real titles, paths and tables fit 360 pixels, in a right-to-left language too."""
    tab.size(360, 740, mobile=True)
    for question in QUESTIONS:
        visit(tab, service, question["language"])
        ask(tab, question["text"])
        assert overflow(tab) <= 0, question["language"]


@pytest.mark.slow
def test_feedback_reaches_the_service(tab: Page, service: str) -> None:
    """A rating of a stored answer is taken."""
    visit(tab, service)
    ask(tab, QUESTIONS[1]["text"])
    tab.js("document.querySelector('[data-rating=helpful]').click()")
    tab.until("document.querySelector('.thanks').textContent")
    assert Catalogue().message("feedback.thanks", "en") == text(tab, ".thanks")
