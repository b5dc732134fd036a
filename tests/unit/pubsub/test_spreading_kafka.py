"""Pub/Sub by way of a real Kafka: two replicas share the fan-out."""

from __future__ import annotations

import threading
from contextlib import ExitStack

from rooms_block import CLINIC, POLICE, ROOM, SCHOOL, Block
from tests.services import kafka as service

from jibu.adapters.broker.kafka.broker import KafkaBroker
from jibu.adapters.broker.kafka.inbox import KafkaInbox
from jibu.adapters.broker.kafka.link import KafkaLink
from jibu.adapters.broker.kafka.topics import TopicRules
from jibu.domain.event_types import topic_of
from jibu.domain.pubsub import PUBLISHED
from jibu.usecases.pubsub.spreading import Spreading

RULES = TopicRules(partitions=2, replication=1, min_insync=1)
EVENTS = 20


def test_two_replicas_make_each_delivery_once_and_in_order(block: Block) -> None:
    """A publish reaches Kafka, and whoever of the group reads it makes the deliveries."""
    server = service.server()
    prefix = server.new_prefix()
    block.subscribe(POLICE)
    block.subscribe(SCHOOL, fifo=True)
    events = block.publish(EVENTS)
    stop = threading.Event()
    with ExitStack() as stack:
        broker = KafkaBroker(KafkaLink(server.address), prefix=prefix, source="urn:test", rules=RULES)
        stack.callback(broker.close)
        with block.records.read() as uow:
            broker.publish(uow.outbox.unpublished(limit=999))
        topic = topic_of(prefix, PUBLISHED)
        for _ in range(2):
            inbox = KafkaInbox(KafkaLink(server.address), topic=topic, group=f"{prefix}-rooms", rules=RULES)
            stack.callback(inbox.close)
            reader = Spreading(inbox=inbox, fan_out=block.fan_out)
            thread = threading.Thread(target=reader.run_forever, args=(stop,))
            stack.callback(thread.join)
            thread.start()
        stack.callback(stop.set)
        last = events[-1].event_id
        for _ in range(600):
            if block.publishing.status(CLINIC, ROOM, "newBirth", last).deliveries:
                break
            stop.wait(0.1)
    for event in events:
        found = block.publishing.status(CLINIC, ROOM, "newBirth", event.event_id).deliveries
        assert sorted(delivery.subscriber for delivery in found) == [POLICE.client, SCHOOL.client]
    for expected in events:
        assert block.subscribing.next(SCHOOL, ROOM, "newBirth") == expected
        block.subscribing.confirm(SCHOOL, ROOM, "newBirth", expected.event_id)
