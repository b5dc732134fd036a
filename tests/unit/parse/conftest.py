"""How the parsing tests read files: in this process, or in the sandbox."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jibu.adapters.parse.formats import parse
from jibu.adapters.parse.limits import Limits
from jibu.adapters.parse.sandbox import SandboxedParser
from jibu.adapters.parse.wire import Request
from jibu.domain.documents import ParsedDocument
from jibu.domain.errors import ParseFailed
from jibu.testing.parser_contract import assert_canonical

Read = Callable[..., ParsedDocument]
Reason = Callable[..., str]
Blocks = Callable[[ParsedDocument], list[tuple[str, str]]]


@pytest.fixture
def read() -> Read:
    """Parse bytes or text in this process; the result's form is checked every time."""

    def run(
        content: bytes | str, filename: str | None = None, media_type: str | None = None
    ) -> ParsedDocument:
        data = content.encode() if isinstance(content, str) else content
        document = parse(Request(data, filename, media_type), Limits())
        assert_canonical(document)
        return document

    return run


@pytest.fixture
def blocks() -> Blocks:
    """Return a document's blocks as (kind with heading level, text)."""

    def run(document: ParsedDocument) -> list[tuple[str, str]]:
        return [
            (f"{block.kind.value}{block.level or ''}", document.text[block.start : block.end])
            for block in document.blocks
        ]

    return run


@pytest.fixture(scope="session")
def sandbox() -> SandboxedParser:
    """A sandbox with tight limits."""
    return SandboxedParser(
        timeout_s=20, memory_bytes=700_000_000, max_pages=500, max_characters=2_000_000, max_bytes=20_000_000
    )


@pytest.fixture
def reason(sandbox: SandboxedParser) -> Reason:
    """Parse a file that has to fail in the sandbox; return why it failed."""

    def run(content: bytes, filename: str | None = None, media_type: str | None = None) -> str:
        with pytest.raises(ParseFailed) as caught:
            sandbox.parse(content, filename=filename, media_type=media_type)
        assert len(str(caught.value)) > 10
        return caught.value.reason

    return run
