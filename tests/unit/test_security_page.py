"""The page of attacks: every test that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "security.md"


def test_tests_and_modules_that_the_page_names_are_there() -> None:
    """A row whose proof has gone is no proof."""
    text = PAGE.read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)
    assert len(named) > 40
    missing = [
        f"{file}::{name}"
        for file, name in named
        if not re.search(rf"^(async )?def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert missing == []
    modules = re.findall(r"`((?:http|domain|usecases|adapters)/[\w/]+\.py)`", text)
    assert [one for one in modules if not (ROOT / "src" / "jibu" / one).is_file()] == []
