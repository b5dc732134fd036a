"""What every adapter that asks services for use cases has to do. A subclass gives ``mediator`` and ``base_url``.

``base_url`` is that of a running service on a loopback address, as ``upstream_contract`` describes it. ``/meet``
answers ``{}`` once three requests for it are there at the same time, ``/endless`` never stops, ``/drip`` sends a byte
now and then, ``/labelled`` answers with media type ``application/x+json``, language ``sw`` and encoding ``br``.
"""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import pytest

from jibu.domain.errors import (
    UpstreamBadAnswer,
    UpstreamError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from jibu.domain.mediation import Endpoint, Service, application_id
from jibu.ports.mediation import Mediator, ServiceCall, ServiceReply

NAME = "ZZ/GOV/office/registry/echo"
LONG_S = 10.0
SHORT_S = 2.0
MAX_BYTES = 65_536


def call(base_url: str, target: str, **changes: Any) -> ServiceCall:
    """Return a call of a service on an internal host."""
    service = Service(
        application_id("ZZ/GOV/office/registry"),
        "echo",
        "Echo",
        base_url,
        (Endpoint("/**", "*"),),
        timeout_s=changes.pop("timeout_s", 5.0),
        private_host=changes.pop("private_host", True),
    )
    given: dict[str, Any] = {
        "reference": "amina-7",
        "client": application_id("JIBU/DEV/BLOCK/jibu"),
        "represented": application_id("ZZ/GOV/agency/portal"),
        "request_id": "case-1",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    }
    return ServiceCall(service, target, **(given | changes))


def one(mediator: Mediator, asked: ServiceCall, *, seconds: float = LONG_S) -> ServiceReply:
    """Make one call."""
    (found,) = mediator.ask([asked], seconds=seconds, max_bytes=MAX_BYTES)
    return found


class MediatorContract:
    """Tests that each adapter of ``Mediator`` runs."""

    def test_a_call_says_who_asks_and_for_whom(self, mediator: Mediator, base_url: str) -> None:
        """The ids of the exchange, this block, the member it asks for and the individual; no token, user or browser."""
        reply = one(mediator, call(f"{base_url}/api", "/p/%C3%A9;v=1"))
        assert (reply.error, reply.status, reply.media_type) == (None, 200, "application/json")
        seen = json.loads(reply.body)
        assert (seen["method"], seen["target"], seen["size"]) == ("GET", "/api/p/%C3%A9;v=1", 0)
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in seen["headers"])}
        trace = headers.pop("traceparent").split("-")
        assert (trace[:2], len(trace[2]), trace[3]) == (["00", "4bf92f3577b34da6a3ce929d0e0e4736"], 16, "01")
        assert headers == {
            "host": base_url.partition("://")[2],
            "accept": "application/json",
            "accept-encoding": "identity",
            "x-govstack-client": "JIBU/DEV/BLOCK/jibu",
            "x-road-client": "JIBU/DEV/BLOCK/jibu",
            "x-road-service": NAME,
            "x-road-id": "case-1",
            "x-request-id": "case-1",
            "x-road-represented-party": "GOV/agency",
            "x-individual-id": "amina-7",
        }

    def test_what_labels_an_answer_is_given(self, mediator: Mediator, base_url: str) -> None:
        """As it came; the body is not decoded."""
        reply = one(mediator, call(base_url, "/labelled"))
        assert (reply.media_type, reply.language, reply.encoding) == ("application/x+json", "sw", "br")
        assert reply.body == b"not brotli"

    def test_no_calls_are_no_replies(self, mediator: Mediator) -> None:
        """Nothing to wait for."""
        assert mediator.ask([], seconds=LONG_S, max_bytes=MAX_BYTES) == ()

    def test_services_are_asked_at_the_same_time(self, mediator: Mediator, base_url: str) -> None:
        """Three that answer only together; the replies come in the order of the calls."""
        calls = [call(base_url, path) for path in ("/meet/1", "/x", "/meet/2", "/error", "/meet/3")]
        replies = mediator.ask(calls, seconds=LONG_S, max_bytes=MAX_BYTES)
        assert [reply.status for reply in replies] == [200, 200, 200, 500, 200]
        assert [reply.error for reply in replies] == [None] * 5
        assert replies[0].body == replies[2].body == replies[4].body == b"{}"

    def test_a_bad_service_spoils_no_other_answer(self, mediator: Mediator, base_url: str) -> None:
        """The one that hangs ends with the time, the others have answered."""
        calls = [call(base_url, path) for path in ("/slow", "/x", "/hangup")]
        slow, good, gone = mediator.ask(calls, seconds=SHORT_S, max_bytes=MAX_BYTES)
        assert (type(slow.error), slow.status, slow.body) == (UpstreamTimeout, 0, b"")
        assert (good.error, good.status) == (None, 200)
        assert type(gone.error) is UpstreamBadAnswer

    def test_a_redirect_is_an_answer(self, mediator: Mediator, base_url: str) -> None:
        """It leads to where a cloud keeps its credentials; nobody goes there."""
        reply = one(mediator, call(base_url, "/redirect"))
        assert (reply.error, reply.status) == (None, 302)

    @pytest.mark.parametrize(
        ("path", "kind"),
        [
            ("/hangup", UpstreamBadAnswer),
            ("/short", UpstreamBadAnswer),
            ("/noise", UpstreamBadAnswer),
            ("/endless", UpstreamBadAnswer),
            ("/slow", UpstreamTimeout),
            ("/drip", UpstreamTimeout),
        ],
    )
    def test_bad_services_end_and_are_told_apart(
        self, mediator: Mediator, base_url: str, path: str, kind: type[UpstreamError]
    ) -> None:
        """Each within the time, though every pause is short; what came is kept, no more than a piece over the bound."""
        reply = one(mediator, call(base_url, path), seconds=1.0)
        assert type(reply.error) is kind
        assert (reply.error.service, reply.error.stage) == (NAME, "answer")
        assert len(reply.body) <= 4 * MAX_BYTES
        assert reply.duration_ms < 1000 * LONG_S

    def test_the_service_may_be_given_less_time(self, mediator: Mediator, base_url: str) -> None:
        """Its own time-out counts within the whole time."""
        reply = one(mediator, call(base_url, "/slow", timeout_s=0.2))
        assert type(reply.error) is UpstreamTimeout

    def test_nobody_there(self, mediator: Mediator) -> None:
        """A port where nobody listens is refused, a name that is none is unreachable."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            refused = one(mediator, call(f"http://127.0.0.1:{taken.getsockname()[1]}", "/"))
        unknown = one(mediator, call("http://no-such-host.invalid", "/"))
        assert (type(refused.error), type(unknown.error)) == (UpstreamRefused, UpstreamUnreachable)
        assert refused.status == unknown.status == 0

    def test_internal_addresses_need_leave(self, mediator: Mediator, base_url: str) -> None:
        """Also when the same address was called with leave just before."""
        replies = [one(mediator, call(base_url, "/x", private_host=leave)) for leave in (True, False)]
        assert [type(reply.error) for reply in replies] == [type(None), UpstreamUnreachable]

    def test_it_is_called_from_threads_beside_a_loop(self, mediator: Mediator, base_url: str) -> None:
        """Several at once, while the server's own loop goes on."""

        async def main() -> list[ServiceReply]:
            asked = [asyncio.to_thread(one, mediator, call(base_url, f"/meet/{n}")) for n in range(3)]
            return await asyncio.gather(*asked)

        assert [reply.status for reply in asyncio.run(main())] == [200] * 3
