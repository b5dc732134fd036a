"""The sandboxed parser keeps the port's contract."""

from __future__ import annotations

import pytest

from jibu.adapters.parse.sandbox import SandboxedParser
from jibu.testing.parser_contract import ParserContract


class TestSandboxedParser(ParserContract):
    """Files read in a process of their own."""

    @pytest.fixture
    def parser(self) -> SandboxedParser:
        """A parser with room enough for small files."""
        return SandboxedParser(
            timeout_s=60, memory_bytes=2**30, max_pages=100, max_characters=10**6, max_bytes=10**7
        )
