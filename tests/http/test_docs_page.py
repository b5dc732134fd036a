"""The documentation page in a real browser, under its own content security policy."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from test_server import running

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_the_page_shows_every_operation(tmp_path: Path) -> None:
    """The contract is drawn by scripts from this service alone, and the policy blocks none of them."""
    with running(tmp_path) as (_, client):
        command = [
            str(CHROMIUM),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--enable-logging=stderr",
            f"--user-data-dir={tmp_path / 'browser'}",
            "--virtual-time-budget=20000",
            "--dump-dom",
            f"{client.base_url}/docs",
        ]
        found = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    for operation in ("askQuestion", "searchPassages", "addDocument", "getSystemCard"):
        assert operation in found.stdout
    console = [line for line in found.stderr.splitlines() if "CONSOLE" in line]
    assert not [line for line in console if "Content Security Policy" in line or "Error" in line]
