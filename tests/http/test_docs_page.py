"""The documentation page in a real browser, under its own content security policy."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from urllib.parse import quote

import pytest
from test_server import running

from jibu.http.contracts import Contract, load_contracts

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


CONTRACTS = [contract for contract in load_contracts() if contract.is_openapi]


@pytest.mark.slow
@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.name)
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_the_page_shows_every_operation(tmp_path: Path, contract: Contract) -> None:
    """Each contract is drawn by scripts from this service alone, and the policy blocks none of them."""
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
            f"{client.base_url}/docs?urls.primaryName={quote(contract.title)}",
        ]
        found = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    ids = {name for name in contract.operations() if f"-{name}" in found.stdout}
    assert ids == set(contract.operations())
    console = [line for line in found.stderr.splitlines() if "CONSOLE" in line]
    assert not [line for line in console if "Content Security Policy" in line or "Error" in line]
