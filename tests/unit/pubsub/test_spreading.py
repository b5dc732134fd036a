"""Fan-out from the broker: readers share the rooms, nothing is lost, nothing is done for what is no publication."""

from __future__ import annotations

import json

import pytest
from rooms_block import CLINIC, POLICE, ROOM, Block

from jibu.domain.cloudevents import structured
from jibu.domain.errors import NotFound
from jibu.domain.parked import Kind
from jibu.testing.memory_inbox import MemoryInbox, MemoryLog
from jibu.usecases.parking import OPERATOR, Parking
from jibu.usecases.pubsub.spreading import Spreading, room_told


@pytest.fixture
def log() -> MemoryLog:
    """What the broker holds."""
    return MemoryLog()


def carry(block: Block, log: MemoryLog) -> None:
    """Bring the outbox to the broker."""
    with block.records.write() as uow:
        events = uow.outbox.unpublished(limit=999)
        uow.outbox.mark_published([event.event_id for event in events])
        uow.commit()
    log.messages += [structured(event, "urn:test") for event in events]


def test_a_reader_makes_the_deliveries(block: Block, log: MemoryLog) -> None:
    """When it reads of a publication; it leaves nothing to be done again."""
    block.subscribe(POLICE)
    events = block.publish(3)
    with pytest.raises(NotFound):
        block.subscribing.next(POLICE, ROOM, "newBirth")
    carry(block, log)
    reader = Spreading(inbox=MemoryInbox(log), fan_out=block.fan_out)
    assert reader.turn() > 0
    assert block.subscribing.next(POLICE, ROOM, "newBirth") == events[0]
    assert reader.turn() == 0


def test_a_reader_that_dies_before_it_settles_is_followed_by_another(block: Block, log: MemoryLog) -> None:
    """The deliveries are there once."""
    block.subscribe(POLICE)
    [event] = block.publish()
    carry(block, log)
    first = MemoryInbox(log)
    first.poll(wait_s=0, limit=99)
    block.fan_out.run(ROOM)
    Spreading(inbox=MemoryInbox(log), fan_out=block.fan_out).turn()
    assert len(block.publishing.status(CLINIC, ROOM, "newBirth", event.event_id).deliveries) == 1
    assert log.settled == len(log.messages)


def test_what_the_broker_never_brings_back_is_delivered_all_the_same(block: Block, log: MemoryLog) -> None:
    """An operator who drops the refused event of a publication does not take it from the room's subscribers."""
    block.subscribe(POLICE)
    carry(block, log)
    reader = Spreading(inbox=MemoryInbox(log), fan_out=block.fan_out)
    reader.turn()
    [published] = block.publish()
    with block.records.write() as uow:
        [refused] = uow.outbox.unpublished(limit=9)
        uow.outbox.hold(refused, at=block.clock(), delay_s=0, reason="too-large", park=True)
        uow.commit()
    Parking(records=block.records, clock=block.clock).drop(OPERATOR, Kind.EVENT, refused.event_id)
    carry(block, log)
    assert reader.turn() == 0
    assert block.subscribing.next(POLICE, ROOM, "newBirth") == published


@pytest.mark.parametrize(
    "value",
    [
        b"", b"\xff", b"[]", b"null", b"{" * 100_000, b'{"type": "jibu.pubsub.room.changed.v1", "subject": "A/B/C/D"}',
        b'{"type": "jibu.pubsub.event.published.v1"}', b'{"type": "jibu.pubsub.event.published.v1", "subject": 7}',
        json.dumps({"type": "jibu.pubsub.event.published.v1", "subject": "x" * 300}).encode(),
        json.dumps({"type": "jibu.pubsub.event.published.v1", "subject": "A/B/C/\0"}).encode(),
        json.dumps({"type": "jibu.pubsub.event.published.v1", "subject": "A/B/C/\ud800"}).encode(),
    ],
)  # fmt: skip
def test_other_messages_are_passed_over(block: Block, log: MemoryLog, value: bytes) -> None:
    """Whoever wrote them; a room that does not exist is no error either."""
    assert room_told(value) is None
    unknown = b'{"type": "jibu.pubsub.event.published.v1", "subject": "A/B/C/D"}'
    log.messages += [value, unknown]
    assert Spreading(inbox=MemoryInbox(log), fan_out=block.fan_out).turn() == 2
    assert log.settled == 2
