"""Asking services over HTTP for a use case that waits: the contract, and name servers that hang."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jibu.adapters.mediator.asking import UpstreamMediator
from jibu.adapters.mediator.local import HttpUpstream
from jibu.domain.errors import UpstreamTimeout
from jibu.testing.mediator_contract import MediatorContract, call, one

sys.path.insert(0, str(Path(__file__).parents[1] / "http"))

from registry_stand_in import Registry, registering


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    """Return a service."""
    with registering() as found:
        yield found


@pytest.fixture
def base_url(registry: Registry) -> str:
    """Return where it is."""
    return f"http://127.0.0.1:{registry.port}"


@pytest.fixture
def mediator() -> UpstreamMediator:
    """Return the adapter."""
    return UpstreamMediator(HttpUpstream)


class TestUpstreamMediator(MediatorContract):
    """The contract."""


def test_a_name_server_that_hangs_does_not_hold_up_who_waits() -> None:
    """The thread that looks the name up is left behind; without that, this test would never end."""
    answered = threading.Event()

    async def resolve(_host: str, _port: int) -> list[str]:
        await asyncio.get_running_loop().run_in_executor(None, answered.wait)
        return []

    mediator = UpstreamMediator(lambda: HttpUpstream(resolver=resolve))
    reply = one(mediator, call("http://registry.example.org", "/x"), seconds=0.2)
    assert type(reply.error) is UpstreamTimeout
    assert not answered.is_set()
    answered.set()
