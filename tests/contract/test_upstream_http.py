"""Calling services over HTTP: the contract, and names that change their mind."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from jibu.adapters.mediator.local import HttpUpstream
from jibu.domain.errors import UpstreamUnreachable
from jibu.testing.upstream_contract import UpstreamContract, body_of, outgoing

sys.path.insert(0, str(Path(__file__).parents[1] / "http"))

from echo import Echo, echoing


@pytest.fixture
def anyio_backend() -> str:
    """Run async tests on asyncio."""
    return "asyncio"


@pytest.fixture(scope="module")
def echo() -> Iterator[Echo]:
    """Return a service."""
    with echoing() as found:
        yield found


@pytest.fixture
def base_url(echo: Echo) -> str:
    """Return where it is."""
    return f"http://127.0.0.1:{echo.port}"


@pytest.fixture
async def upstream() -> AsyncIterator[HttpUpstream]:
    """Return the adapter."""
    found = HttpUpstream()
    yield found
    await found.close()


class TestHttpUpstream(UpstreamContract):
    """The contract."""


class Names:
    """A resolver whose answers are given beforehand, one after another."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    async def __call__(self, _host: str, _port: int) -> list[str]:
        """Return the next answer."""
        return self.answers.pop(0)


@pytest.mark.anyio
async def test_what_was_checked_is_what_is_called(echo: Echo) -> None:
    """A name is asked once for a connection: a second, other answer is never looked at."""
    names = Names(["127.0.0.1"], ["169.254.169.254"])
    upstream = HttpUpstream(resolver=names)
    try:
        base = f"http://registry.example.org:{echo.port}"
        assert await body_of(upstream, outgoing(base, "/x"))
        assert len(names.answers) == 1
        assert await body_of(upstream, outgoing(base, "/x")), "on the same connection"
        assert len(names.answers) == 1
    finally:
        await upstream.close()


@pytest.mark.anyio
@pytest.mark.parametrize(
    "answer",
    [
        ["169.254.169.254"],
        ["127.0.0.1", "169.254.169.254"],
        ["fe80::1"],
        ["::ffff:169.254.1.1"],
        ["224.0.0.1"],
        [],
    ],
)
async def test_names_that_lead_where_nobody_may_go(echo: Echo, answer: list[str]) -> None:
    """One such address among good ones is enough, also where internal hosts are allowed."""
    upstream = HttpUpstream(resolver=Names(answer, answer))
    echo.seen.clear()
    try:
        with pytest.raises(UpstreamUnreachable):
            await upstream.send(outgoing(f"http://registry.example.org:{echo.port}", "/x"))
    finally:
        await upstream.close()
    assert echo.seen == []


@pytest.mark.anyio
async def test_a_service_that_only_x_road_finds(upstream: HttpUpstream) -> None:
    """One that was registered without a base URL cannot be called straight."""
    request = outgoing("http://127.0.0.1", "/x")
    nowhere = replace(request, service=replace(request.service, base_url=None))
    with pytest.raises(UpstreamUnreachable, match="registered without a base URL"):
        await upstream.send(nowhere)
