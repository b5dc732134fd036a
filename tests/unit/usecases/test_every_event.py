"""Every type of event, told by the use case that tells it, and held against its contract on each of its ways out."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ingestion import ADMIN, Ingestion

from jibu.adapters.broker.kafka.broker import KafkaBroker
from jibu.adapters.broker.kafka.link import KafkaLink
from jibu.adapters.broker.kafka.topics import TopicRules
from jibu.domain.access import Caller
from jibu.domain.cloudevents import CONTENT_TYPE, envelope
from jibu.domain.consent.values import Policy, Webhook
from jibu.domain.documents import NewDocument
from jibu.domain.event_types import EMITTED, SOURCE_CHANGED, TAKEN_IN
from jibu.domain.events import Event
from jibu.domain.pubsub import Room
from jibu.testing.event_contract import check_event, faults, messages
from jibu.testing.memory_inbox import MemoryInbox, MemoryLog
from jibu.usecases.freshness import Freshness, Listening
from jibu.usecases.pubsub.publishing import Publishing
from jibu.usecases.pubsub.rooms import Rooms

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[2]))  # the helpers beside the tests
sys.path.insert(0, str(HERE.parent / "consent"))

from block import ANN, OFFICER, WANTED, Block  # noqa: E402 - of the tests of consent
from tests.services import kafka as service  # noqa: E402

REGISTRY = "https://registry.example"
ROOM = "KLD/GOV/HEALTH/births"
MANAGER = Caller("KLD/GOV/HEALTH/admin", frozenset({"mediator.client", "mediator.admin"}))


def documents(block: Ingestion) -> None:
    """Load, replace, stale, fail and erase documents; one of an individual; change and remove collections."""
    block.collection("old")
    block.collections.delete(ADMIN, "old")
    law = block.receive("# Law\n\nThe fee is 50 shillings.\n", external_id="law-1")
    new = NewDocument("travel", b"%PDF-1.7 broken", filename="a.pdf")
    block.documents.receive(ADMIN, new)
    block.relay(max_attempts=1).run_until_idle()
    said = {"specversion": "1.0", "id": "1", "source": REGISTRY, "type": SOURCE_CHANGED}
    said |= {"time": datetime.now(UTC).isoformat(), "data": {"collectionId": "travel", "externalId": "law-1"}}  # type: ignore[dict-item]
    assert faults(SOURCE_CHANGED, said) == []
    log = MemoryLog()
    log.messages.append(json.dumps(said).encode())
    allowed = frozenset({(REGISTRY, "travel")})
    freshness = Freshness(
        records=block.records, clock=block.clock, withdraw=block.erasing().document, allowed=allowed
    )
    Listening(inbox=MemoryInbox(log), freshness=freshness).turn()
    block.erasing().document("registry", law.document_id)


def consent(block: Ingestion, folder: Path) -> None:
    """Make, change and remove policies and agreements; consent, withdraw, sign, be forgotten; sign the log."""
    found = Block(block.records, folder)
    found.webhooks.create(OFFICER, Webhook("w", "https://example.org/", "application/json", "s" * 16))
    found.policies.update(OFFICER, "1", Policy("1", "Other", "2.0", "https://health.example.org/2"))
    found.policies.create(OFFICER, Policy("9", "Ninth", "1.0", "https://health.example.org/9"))
    found.policies.delete(OFFICER, "9")
    found.say(found.consent(), opt_in=False)
    found.change(signature_required=True)
    draft, signature = found.drafted()
    found.signing.create(ANN, "ann", draft.record, signature)
    other = replace(WANTED, agreement=replace(WANTED.agreement, agreement_id="8"))
    found.agreements.create(OFFICER, other)
    found.agreements.delete(OFFICER, "8")
    assert found.auditing.sign() is not None
    block.erasing().individual("dpo", "ann")
    pushed = set()
    with block.records.write() as uow:
        while delivery := uow.webhooks.next("w"):
            message = json.loads(delivery.body)
            assert faults(message["type"], message) == []
            pushed.add(message["type"])
            uow.webhooks.done(delivery.delivery_id)
    assert pushed == {name for name in EMITTED if name.startswith("jibu.consent.")}


def rooms(block: Ingestion) -> None:
    """Make a room, publish in it, and remove another."""
    made = Rooms(records=block.records, clock=block.clock)
    made.put(MANAGER, Room(ROOM, "Births", MANAGER.client, publishers=(MANAGER.client,)))
    made.put(MANAGER, Room(f"{ROOM}-2", "Births", MANAGER.client))
    made.delete(MANAGER, f"{ROOM}-2")
    made.add_type(MANAGER, ROOM, "newBirth", '{"type": "object"}')
    publishing = Publishing(records=block.records, clock=block.clock)
    publishing.publish(MANAGER, ROOM, "newBirth", '{"name": "Amina"}')


@pytest.fixture
def told(block: Ingestion, tmp_path: Path) -> list[Event]:
    """Return what the use cases told, in the order of the log."""
    documents(block)
    consent(block, tmp_path)
    rooms(block)
    while left := block.events():
        block.broker.publish(left)
        with block.records.write() as uow:
            uow.outbox.mark_published([one.event_id for one in left])
            uow.commit()
    return [event for _, event in block.broker.read(limit=1000)]  # type: ignore[attr-defined]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[tuple[KafkaBroker, str]]:
    """Kafka, with topics of this test alone."""
    prefix = service.server().new_prefix()
    link = KafkaLink(service.server().address, timeout_s=10.0)
    rules = TopicRules(partitions=2, replication=1, min_insync=1)
    with closing(KafkaBroker(link, prefix=prefix, source="urn:jibu:test", rules=rules)) as found:
        yield found, prefix


def test_every_type_is_told_by_some_use_case_as_it_is_described(told: list[Event]) -> None:
    """A type that nothing here tells is one that no test holds against its schema."""
    assert {event.type for event in told} == set(EMITTED)
    for event in told:
        check_event(event)
        assert "Amina" not in repr(event)
        assert "ann" not in {str(value) for _, value in event.data}


def test_they_reach_kafka_as_they_are_described(told: list[Event], broker: tuple[KafkaBroker, str]) -> None:
    """In the channel of their type, with their key and content type; each once and in order of its key."""
    kafka, prefix = broker
    assert list(kafka.publish(told)) == []
    records = service.server().records(prefix)
    channels = {name: address for address, name in messages("send")}
    seen: dict[str, list[str]] = {}
    for record in records:
        found: dict[str, Any] = json.loads(record.value)
        assert faults(found["type"], found) == []
        assert record.topic == channels[found["type"]].replace("jibu", prefix, 1)
        assert record.key.decode() == found["partitionkey"]
        assert dict(record.headers) == {"content-type": CONTENT_TYPE.encode()}
        seen.setdefault(f"{record.topic} {found['partitionkey']}", []).append(found["id"])
    assert {json.loads(record.value)["type"] for record in records} == set(EMITTED)
    expected: dict[str, list[str]] = {}
    for event in told:
        topic = channels[event.type].replace("jibu", prefix, 1)
        expected.setdefault(f"{topic} {event.key}", []).append(event.event_id)
    assert seen == expected
    there = {found["id"]: found for found in (json.loads(record.value) for record in records)}
    assert there == {event.event_id: envelope(event, "urn:jibu:test") for event in told}, (
        "as the log has them"
    )


def test_what_is_taken_in_is_described_too() -> None:
    """Both types have a channel of their own, and none is sent."""
    assert {name for _, name in messages("receive")} == set(TAKEN_IN)
    assert not set(TAKEN_IN) & set(EMITTED)
