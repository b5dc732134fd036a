"""Messages to webhooks, over a real connection."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from block import ANN, OFFICER, POLICY, Block

from jibu.adapters.outbound.addresses import check_address
from jibu.adapters.outbound.push import HttpPusher
from jibu.domain.consent.values import Webhook
from jibu.domain.errors import Conflict, InvalidInput
from jibu.domain.events import Job
from jibu.usecases.consent.delivering import MAX_ATTEMPTS, Delivering
from jibu.usecases.consent.webhooks import HIDDEN, Webhooks
from jibu.usecases.work import WEBHOOK, Later

SECRET = "a secret of this test"


class Receiver:
    """A web server that keeps what it is sent and answers as it is told."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append((dict(self.headers), body))
                self.send_response(outer.status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Return a receiver that runs."""
    found = Receiver()
    thread = threading.Thread(target=found.server.serve_forever)
    thread.start()
    yield found
    found.server.shutdown()
    thread.join()
    found.server.server_close()


@pytest.fixture(params=[True])
def delivering(block: Block, request: pytest.FixtureRequest) -> Iterator[Delivering]:
    """Return what delivers, allowed to call this machine or not."""
    pusher = HttpPusher(allow_private=request.param, timeout_s=5)
    yield Delivering(records=block.records, clock=block.clock, pusher=pusher)
    pusher.close()


def hook(receiver: Receiver, **changes: object) -> Webhook:
    """Return a webhook to the receiver."""
    made = Webhook("w", receiver.url, "application/cloudevents+json", SECRET)
    return replace(made, **changes)  # type: ignore[arg-type]


def work(block: Block, delivering: Delivering) -> float | None:
    """Do the job that waits; return for how many seconds it was put off."""
    with block.records.write() as uow:
        jobs: list[Job] = uow.outbox.claim_jobs(at=block.at, lease_s=60, limit=1, kinds=(WEBHOOK,))
        uow.commit()
    try:
        for job in jobs:
            delivering.work(job, lambda: None)
    except Later as later:
        with block.records.write() as uow:
            uow.outbox.retry(
                jobs[0], at=block.at, delay_s=later.seconds, error="later", park=False, counted=False
            )
            uow.commit()
        return later.seconds
    return None


def test_a_message_is_signed_and_tells_of_nobody(
    block: Block, delivering: Delivering, receiver: Receiver
) -> None:
    """The receiver can check it with the secret; each change is one message, in order."""
    block.webhooks.create(OFFICER, hook(receiver))
    found = block.consent()
    block.say(found, opt_in=False)
    assert work(block, delivering) is None
    assert [json.loads(body)["data"]["change"] for _, body in receiver.got] == ["created", "withdrawn"]
    for headers, body in receiver.got:
        timestamp, value = (part.partition("=")[2] for part in headers["X-Jibu-Signature"].split(","))
        mac = hmac.new(SECRET.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
        assert (mac, int(timestamp)) == (value, int(block.at.timestamp()))
        assert headers["Content-Type"] == "application/cloudevents+json"
        assert json.loads(body)["type"] == "jibu.consent.record.changed.v1"
        assert b"ann" not in body
    with block.records.read() as uow:
        assert uow.webhooks.next("w") is None
        assert not uow.outbox.due(at=block.at)


@pytest.mark.parametrize("status", [500, 301, 404])
def test_a_failing_receiver_is_tried_again_and_then_given_up(
    block: Block, delivering: Delivering, receiver: Receiver, status: int
) -> None:
    """With growing pauses; redirects are not followed; the next message goes on afterwards."""
    block.webhooks.create(OFFICER, hook(receiver))
    block.policies.create(OFFICER, replace(POLICY, policy_id="2"))
    receiver.status = status
    pauses = []
    while (pause := work(block, delivering)) is not None:
        pauses.append(pause)
        assert work(block, delivering) is None, "nothing is due before"
        block.at += timedelta(seconds=pause + 1)
    assert len(receiver.got) == MAX_ATTEMPTS
    assert len(pauses) == MAX_ATTEMPTS - 1
    assert pauses[2] > pauses[0]
    with block.records.read() as uow:
        (dead,) = uow.webhooks.dead(limit=9)
    assert dead.error == f"HTTP status {status}"
    receiver.status = 204
    block.policies.create(OFFICER, replace(POLICY, policy_id="3"))
    assert work(block, delivering) is None
    assert json.loads(receiver.got[-1][1])["data"]["policyId"] == "3"


@pytest.mark.parametrize("delivering", [False], indirect=True)
def test_nothing_is_sent_into_a_private_network(
    block: Block, delivering: Delivering, receiver: Receiver
) -> None:
    """Not even where the address was registered: names are looked at when they are called."""
    block.webhooks.create(OFFICER, hook(receiver))
    block.consent()
    assert work(block, delivering) is not None
    assert receiver.got == []
    with block.records.read() as uow:
        waiting = uow.webhooks.next("w")
    assert waiting is not None
    assert "private network" in (waiting.error or "")


def test_switched_off_and_removed(block: Block, delivering: Delivering, receiver: Receiver) -> None:
    """Nothing is sent meanwhile; what waited goes on when it is switched on; what is removed is gone."""
    made = block.webhooks.create(OFFICER, hook(receiver))
    block.consent()
    block.webhooks.update(OFFICER, "w", replace(made, disabled=True))
    block.policies.create(OFFICER, replace(POLICY, policy_id="2"))
    assert work(block, delivering) is None
    assert receiver.got == []
    block.webhooks.update(OFFICER, "w", replace(made, secret=HIDDEN))
    assert work(block, delivering) is None
    assert len(receiver.got) == 1, "what happened meanwhile was not for it"
    block.policies.create(OFFICER, replace(POLICY, policy_id="3"))
    block.webhooks.delete(OFFICER, "w")
    assert work(block, delivering) is None
    assert len(receiver.got) == 1
    assert block.auditing.verify().intact


def test_secrets_are_shown_once(block: Block, receiver: Receiver) -> None:
    """One is made where none is given; short ones are refused."""
    made = block.webhooks.create(OFFICER, hook(receiver, secret=""))
    assert len(made.secret) > 30
    assert block.webhooks.get("w").secret == HIDDEN
    assert {one.secret for one in block.webhooks.page(offset=0, limit=9).items} == {HIDDEN}
    for bad in ({"secret": "short"}, {"content_type": "text/html"}, {"payload_url": "https://"}):
        with pytest.raises(InvalidInput):
            block.webhooks.update(OFFICER, "w", hook(receiver, **bad))
    with pytest.raises(Conflict):
        block.webhooks.create(OFFICER, hook(receiver))


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "ftp://example.org/",
        "https://user:pw@example.org/",
        "https://localhost/",
        "https://a.localhost/",
        "https://127.0.0.1/",
        "https://10.1.2.3/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[fe80::1]/",
        "https://[64:ff9b::a00:1]/",
        "https://0.0.0.0/",
        "https://100.64.0.1/",
        "https://192.168.1.1./",
        "https://service.internal/",
        "https://[bad/",
        "no address",
    ],
)
def test_addresses_that_are_never_registered(block: Block, url: str) -> None:
    """Other schemes, passwords, and what leads inside."""
    webhooks = Webhooks(
        records=block.records,
        clock=block.clock,
        check_address=lambda one: check_address(one, allow_private=False),
    )
    with pytest.raises(InvalidInput):
        webhooks.create(ANN, Webhook("w", url, "application/json", SECRET))
    check_address("https://example.org:8443/x?y=z", allow_private=False)
