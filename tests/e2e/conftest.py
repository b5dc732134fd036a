"""A browser, and pages in it that must not complain."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # the helpers beside the tests

from tests.e2e.browser import Page, chromium, program
from tests.e2e.scripted import Seen, running

MISSING = "NO CHROMIUM: the page is not tested. Install Debian's `chromium`."


@pytest.fixture(scope="module")
def new_page() -> Iterator[Callable[[], Page]]:
    """Open a tab of a browser that ends with the module.

    Without a browser: skip loudly, or fail where JIBU_TEST_REQUIRE_BROWSER is set.
    """
    if program() is None:
        if os.environ.get("JIBU_TEST_REQUIRE_BROWSER"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    with chromium() as open_tab:
        yield open_tab


@pytest.fixture
def scripted() -> Iterator[tuple[str, Seen]]:
    """Serve the page with prepared answers: its address, and what it was asked."""
    with running() as service:
        yield service


@pytest.fixture
def page(new_page: Callable[[], Page], scripted: tuple[str, Seen]) -> Iterator[Page]:
    """Return a tab of desktop size; at the end nothing was logged and nothing came from elsewhere."""
    tab = new_page()
    tab.size(1366, 900)
    yield tab
    tab.js("0")  # take in what was still to be told
    assert [line for line in tab.problems if not _is_refusal(line)] == []
    assert [url for url in tab.requests if not url.startswith((scripted[0], "about:", "data:"))] == []
    tab.close()


def _is_refusal(line: str) -> bool:
    """Tell whether a log line only repeats that the service refused: the browser logs each of these."""
    return bool(re.match(r"Failed to load resource: the server responded with a status of (4..|503)", line))
