"""Asking services over HTTP for a use case that waits: the contract, and name servers that hang."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from jibu.adapters.mediator.asking import UpstreamMediator
from jibu.adapters.mediator.local import HttpUpstream
from jibu.adapters.mediator.resting import RestingMediator
from jibu.adapters.model.breaker import Breaker
from jibu.domain.errors import UpstreamTimeout, UpstreamUnreachable
from jibu.testing.mediator_contract import LONG_S, MAX_BYTES, MediatorContract, call, one

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


class TestRestingMediator(MediatorContract):
    """The contract, over the same."""

    @pytest.fixture
    def mediator(self) -> RestingMediator:
        """Return the adapter, which knows nothing of any service yet."""
        return RestingMediator(UpstreamMediator(HttpUpstream))


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def test_a_service_that_fails_again_and_again_is_left_alone(base_url: str, registry: Registry) -> None:
    """After three times, for ten seconds, it alone; then one call tries, and its success is for all."""
    clock = Clock()
    mediator = RestingMediator(UpstreamMediator(HttpUpstream), breaker=lambda: Breaker(monotonic=clock))
    slow = call(f"{base_url}/slow", "/x", timeout_s=0.1)
    replies = [one(mediator, slow) for _ in range(3)]
    assert [(type(reply.error), reply.asked) for reply in replies] == [(UpstreamTimeout, True)] * 3
    registry.seen.clear()
    left, other = mediator.ask(
        [slow, replace(slow, service=replace(slow.service, code="other", base_url=base_url))],
        seconds=LONG_S,
        max_bytes=MAX_BYTES,
    )
    assert (type(left.error), left.asked, left.status) == (UpstreamUnreachable, False, 0)
    assert (other.error, len(registry.seen)) == (None, 1)
    clock.now = 10.0
    assert one(mediator, slow).asked
    assert not one(mediator, slow).asked
    moved = replace(slow, service=replace(slow.service, base_url=base_url))
    assert one(mediator, moved).error is None, "an administrator gave it another address"


def test_bad_answers_do_not_make_a_service_rest(base_url: str) -> None:
    """They come at once, and the next question may be answered well."""
    mediator = RestingMediator(UpstreamMediator(HttpUpstream))
    asked = [
        one(mediator, call(base_url, path)).asked for path in ("/hangup", "/noise", "/short", "/error", "/x")
    ]
    assert asked == [True] * 5


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
