"""The consent how-to does what it says."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import httpx
import pytest
from test_server import running

from jibu.adapters.auth.local import LocalIssuer

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "consent.md"


def block(language: str) -> str:
    """Return the page's code block in a language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.mark.slow
def test_the_example_prints_what_the_page_says(tmp_path: Path) -> None:
    """Line for line, against a running service."""
    issuer = LocalIssuer(tmp_path, profile="dev", audience="jibu")
    scopes = ["consent.config", "consent.service", "consent.audit"]
    with running(tmp_path, app="jibu.http.app:factory") as (_, client):
        names: dict[str, object] = {
            "BASE": str(client.base_url).rstrip("/"),
            "OFFICER": issuer.issue("ZZ/GOV/health/portal", scopes),
            "ANN": issuer.issue("ZZ/GOV/health/app", ["rag.query"], "ann"),
        }
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block("python"), str(PAGE), "exec"), names)  # noqa: S102 - it is our own page
        for used in names.values():
            if isinstance(used, httpx.Client):
                used.close()
    assert printed.getvalue() == block("text")
