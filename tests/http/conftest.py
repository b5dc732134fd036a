"""Fixtures of the HTTP tests."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from http_support import TestServices, app_of, client_of, make_services


@pytest.fixture
def anyio_backend() -> str:
    """Run async tests on asyncio, as uvicorn does."""
    return "asyncio"


@pytest.fixture
def services(tmp_path: Path) -> Iterator[TestServices]:
    """Return services over an empty store."""
    found = make_services(tmp_path, max_upload_bytes=200_000)
    yield found
    found.mediation_records.close()


@pytest.fixture
async def client(services: TestServices) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client that may do everything."""
    async with client_of(app_of(services), services.token()) as client:
        yield client
