"""What every adapter that calls services has to do. A subclass gives the fixtures ``upstream`` and ``base_url``.

``base_url`` is that of a running service on a loopback address. ``/back`` answers 201 with the body that was sent,
``/stream`` three chunks, ``/redirect`` a redirect elsewhere, ``/error`` 500, ``/hangup`` nothing, ``/short`` less than
it declared, ``/noise`` what is not HTTP, ``/slow`` never; any other path a JSON object with ``method``, ``target``,
``headers`` (lines) and ``size`` (of the body).
"""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from jibu.domain.errors import (
    JibuError,
    TooLarge,
    UpstreamBadAnswer,
    UpstreamError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from jibu.domain.mediation import Endpoint, Service, application_id
from jibu.ports.mediation import Outgoing, Upstream


def outgoing(base_url: str, target: str, method: str = "GET", **more: Any) -> Outgoing:
    """Return a request to a service that may be on an internal host and has half a second."""
    service = Service(
        application_id("ZZ/GOV/office/registry"),
        "echo",
        "Echo",
        base_url,
        (Endpoint("/**", "*"),),
        timeout_s=0.5,
        private_host=True,
    )
    given: dict[str, Any] = {"headers": (), "body": None} | more
    return Outgoing(service, method, target, given["headers"], given["body"])


async def parts(*chunks: bytes, then: JibuError | None = None) -> AsyncIterator[bytes]:
    """Yield a body, and break where told."""
    for chunk in chunks:
        yield chunk
    if then is not None:
        raise then


async def body_of(upstream: Upstream, request: Outgoing) -> bytes:
    """Send a request; return the whole answer."""
    answer = await upstream.send(request)
    try:
        return b"".join([chunk async for chunk in answer.chunks()])
    finally:
        await answer.close()


@pytest.mark.anyio
class UpstreamContract:
    """Tests that each adapter of ``Upstream`` runs."""

    async def test_a_request_arrives_as_it_was_given(self, upstream: Upstream, base_url: str) -> None:
        """Method, target and headers byte for byte; nothing is added that speaks for the caller."""
        headers = ((b"x-road-id", b"case-1"), (b"accept", b"text/plain"), (b"x-name", "Zoë".encode()))
        request = outgoing(base_url, "/a%20b/;c?d=%C3%A9&e", "OPTIONS", headers=headers)
        seen = json.loads(await body_of(upstream, request))
        assert (seen["method"], seen["target"]) == ("OPTIONS", "/a%20b/;c?d=%C3%A9&e")
        named = dict(line.split(": ", 1) for line in seen["headers"])
        lower = {name.lower(): value for name, value in named.items()}
        assert (lower["x-road-id"], lower["accept"]) == ("case-1", "text/plain")
        assert lower["host"] == base_url.partition("://")[2]
        assert lower["x-name"].encode("latin-1").decode() == "Zoë"
        assert {"user-agent", "accept-encoding", "cookie", "authorization"} & set(lower) == set()

    async def test_a_base_url_may_have_a_path(self, upstream: Upstream, base_url: str) -> None:
        """The target is added to it; an empty one is the path itself, or the root."""
        for base, target, seen in (("/api/v1", "/x", "/api/v1/x"), ("/api", "", "/api"), ("", "", "/")):
            found = json.loads(await body_of(upstream, outgoing(base_url + base, target)))
            assert found["target"] == seen

    async def test_bodies_go_with_a_length_or_in_chunks(self, upstream: Upstream, base_url: str) -> None:
        """Whole, in both cases."""
        sized = outgoing(
            base_url, "/back", "POST", headers=((b"content-length", b"5"),), body=parts(b"he", b"llo")
        )
        chunked = outgoing(
            base_url,
            "/back",
            "POST",
            headers=((b"transfer-encoding", b"chunked"),),
            body=parts(b"he", b"llo"),
        )
        assert await body_of(upstream, sized) == b"hello"
        assert await body_of(upstream, chunked) == b"hello"

    async def test_answers_are_given_as_they_are(self, upstream: Upstream, base_url: str) -> None:
        """A redirect is not followed, an error is no error, chunks come one by one."""
        redirect = await upstream.send(outgoing(base_url, "/redirect"))
        await redirect.close()
        assert redirect.status == 302
        assert (b"location", b"http://169.254.169.254/latest") in redirect.headers
        assert await body_of(upstream, outgoing(base_url, "/error")) == b"no"
        stream = await upstream.send(outgoing(base_url, "/stream"))
        assert [chunk async for chunk in stream.chunks()] == [b"0\r\n", b"1\r\n", b"2\r\n"]
        await stream.close()
        await stream.close()

    @pytest.mark.parametrize(
        ("path", "kind"),
        [
            ("/hangup", UpstreamBadAnswer),
            ("/short", UpstreamBadAnswer),
            ("/noise", UpstreamBadAnswer),
            ("/slow", UpstreamTimeout),
        ],
    )
    async def test_bad_services(
        self, upstream: Upstream, base_url: str, path: str, kind: type[UpstreamError]
    ) -> None:
        """Each has its kind, and says whose and at what."""
        with pytest.raises(kind) as caught:
            await body_of(upstream, outgoing(base_url, path))
        assert (caught.value.service, caught.value.stage) == ("ZZ/GOV/office/registry/echo", "answer")

    async def test_nobody_there(self, upstream: Upstream) -> None:
        """A port where nobody listens is refused, a name that is none is unreachable."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            with pytest.raises(UpstreamRefused) as refused:
                await upstream.send(outgoing(f"http://127.0.0.1:{taken.getsockname()[1]}", "/"))
        with pytest.raises(UpstreamUnreachable) as unknown:
            await upstream.send(outgoing("http://no-such-host.invalid", "/"))
        assert refused.value.stage == unknown.value.stage == "connect"

    async def test_internal_addresses_need_leave(self, upstream: Upstream, base_url: str) -> None:
        """By name or written out; a connection that another service has is no way in."""
        await body_of(upstream, outgoing(base_url, "/x"))
        for url in (base_url, base_url.replace("127.0.0.1", "localhost")):
            request = outgoing(url, "/x")
            public = replace(request, service=replace(request.service, private_host=False))
            with pytest.raises(UpstreamUnreachable):
                await upstream.send(public)

    async def test_a_body_that_breaks_tells_why(self, upstream: Upstream, base_url: str) -> None:
        """The caller's own error comes back, not one of the service's."""
        request = outgoing(
            base_url,
            "/x",
            "POST",
            headers=((b"transfer-encoding", b"chunked"),),
            body=parts(b"some", then=TooLarge("enough")),
        )
        with pytest.raises(TooLarge):
            await upstream.send(request)
