"""Freshness as another block meets it: through a real topic, with all that may be written into one."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ingestion import READER, Ingestion

from jibu.adapters.broker.kafka.inbox import KafkaInbox
from jibu.adapters.broker.kafka.link import KafkaLink
from jibu.adapters.broker.kafka.topics import TopicRules
from jibu.domain.arrivals import MAX_BYTES
from jibu.domain.parked import Kind
from jibu.testing.event_contract import faults
from jibu.usecases.freshness import TRIES, Freshness, Listening
from jibu.usecases.parking import OPERATOR, Parking

sys.path.insert(0, str(Path(__file__).parents[3]))  # the helpers beside the tests

from tests.services import kafka as service

REGISTRY = "https://registry.example"
PATIENCE_S = 90.0
Listen = Callable[[str], Listening]


def told(event_id: str, what: str = "changed", external_id: str = "law-1", **said: Any) -> bytes:
    """Return an event as its contract has it, but for what is ``said``."""
    envelope: dict[str, Any] = {
        "specversion": "1.0",
        "id": event_id,
        "source": REGISTRY,
        "type": f"jibu.source.{what}.v1",
        "time": datetime.now(UTC).isoformat(),
        "data": {"collectionId": "travel", "externalId": external_id},
    }
    assert faults(envelope["type"], envelope) == []
    return json.dumps(envelope | said).encode()


class Poisonous:
    """Erases, but for documents that it fails on whenever it is asked to."""

    def __init__(self, block: Ingestion) -> None:
        self._block = block
        self.poison = ""
        self.asked = 0

    def __call__(self, client: str, document_id: str) -> None:
        """Erase or fail."""
        self.asked += 1
        if document_id == self.poison:
            raise RuntimeError("no")
        self._block.erasing().document(client, document_id)


@pytest.fixture
def topic() -> str:
    """A topic that no other test has; its reader makes it."""
    return f"{service.server().new_prefix()}.source"


@pytest.fixture
def withdraw(block: Ingestion) -> Poisonous:
    """What erases."""
    return Poisonous(block)


@pytest.fixture
def listen(block: Ingestion, topic: str, withdraw: Poisonous) -> Iterator[Listen]:
    """Make the listening part of a relay, of the group that it is given."""
    opened = []

    def make(group: str) -> Listening:
        rules = TopicRules(partitions=1, replication=1, min_insync=1)
        link = KafkaLink(service.server().address, timeout_s=10.0)
        opened.append(KafkaInbox(link, topic=topic, group=f"{topic}-{group}", rules=rules))
        freshness = Freshness(
            records=block.records,
            clock=block.clock,
            withdraw=withdraw,
            allowed=frozenset({(REGISTRY, "travel")}),
        )
        return Listening(inbox=opened[-1], freshness=freshness, first_delay_s=0.01)

    yield make
    for inbox in opened:
        inbox.close()


def until(listening: Listening, block: Ingestion, marker: str) -> None:
    """Listen as the relay does until the document of this name, of which the last message tells, is stale."""
    stop = threading.Event()
    thread = threading.Thread(target=listening.run_forever, args=(stop,))
    thread.start()
    deadline = time.monotonic() + PATIENCE_S
    while not state(block)[marker] and time.monotonic() < deadline:
        time.sleep(0.05)
    stop.set()
    thread.join()
    assert state(block)[marker]


def state(block: Ingestion) -> dict[str, bool]:
    """Return of each document that is there whether it is stale."""
    page = block.documents.page(READER, collection_id="travel", status=None, offset=0, limit=99)
    return {document.external_id or "": document.stale_since is not None for document in page.items}


def aside(block: Ingestion) -> list[str]:
    """Return why messages were put aside, as an operator sees it."""
    parking = Parking(records=block.records, clock=block.clock)
    found = parking.page(OPERATOR, Kind.MESSAGE, offset=0, limit=99)
    return sorted(item.reason for item in found.items)


def test_a_topic_with_everything_in_it(
    block: Ingestion, topic: str, withdraw: Poisonous, listen: Listen
) -> None:
    """Junk, doubles, unknown documents, other collections and poison: each shows, and none stops what is behind."""
    for name in ("law-1", "law-2", "poison", "end-1", "end-2", "end-3"):
        document = block.receive(f"# Law\n\nThe fee of {name} is 50.\n", external_id=name)
        if name == "poison":
            withdraw.poison = document.document_id
    listening = listen("relay")
    listening.turn()  # the reader makes the topic
    junk = [
        (b"", "not-json"),
        (b"\x00" * 20, "not-json"),
        (b" " * (MAX_BYTES + 1), "too-large"),
        (told("1", source="urn:other"), "not-allowed"),
        (told("2", data={"collectionId": "tax", "externalId": "law-1"}), "not-allowed"),
        (told("3", type="jibu.document.erased.v1"), "unknown-type"),
        (told("4", time="2020-01-01T00:00:00Z"), "too-old"),
    ]
    messages = [
        *(message for message, _ in junk),
        told("5", "changed", "law-1"),
        told("5", "withdrawn", "law-1"),  # an id that was dealt with says nothing new
        told("6", "withdrawn", "nowhere"),
        told("7", "withdrawn", "poison"),
        told("8", "withdrawn", "law-2"),
        told("8", "withdrawn", "law-2"),
        told("9", "changed", "end-1"),
    ]
    service.server().send(topic, messages)
    until(listening, block, "end-1")
    reasons = sorted([*(reason for _, reason in junk), "internal-error"])
    assert aside(block) == reasons
    expected = {"law-1": True, "poison": False, "end-1": True, "end-2": False, "end-3": False}
    assert state(block) == expected
    assert withdraw.asked == TRIES + 1, "a double asks for nothing"
    listening._inbox.close()  # noqa: SLF001 - the relay ends

    service.server().send(topic, [told("10", "changed", "end-2")])
    until(listen("relay"), block, "end-2")
    assert withdraw.asked == TRIES + 1, "a relay that starts again goes on where the last one was"

    block.receive("# Law\n\nThe fee is 60 now.\n", external_id="law-2")
    service.server().send(topic, [told("11", "changed", "end-3")])
    until(listen("lost"), block, "end-3")
    after = state(block)
    assert (after["law-2"], after["law-1"]) == (False, True), "a replay of everything repeats nothing"
    assert aside(block) == reasons, "nor is anything put aside twice"
