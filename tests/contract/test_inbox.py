"""Inboxes against their contract: the one of the tests, and Kafka."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from jibu.adapters.broker.kafka.inbox import KafkaInbox
from jibu.adapters.broker.kafka.link import KafkaLink
from jibu.adapters.broker.kafka.topics import TopicRules, ensure
from jibu.domain.errors import Unavailable
from jibu.ports import Inbox
from jibu.testing.inbox_contract import InboxContract, Send
from jibu.testing.memory_inbox import MemoryInbox, MemoryLog

sys.path.insert(0, str(Path(__file__).parents[2]))  # the helpers beside the tests

from tests.services import kafka as service

RULES = TopicRules(partitions=1, replication=1, min_insync=1)


class TestMemoryInbox(InboxContract):
    """The one of the tests."""

    @pytest.fixture
    def log(self) -> MemoryLog:
        """An empty log."""
        return MemoryLog()

    @pytest.fixture
    def inbox(self, log: MemoryLog) -> MemoryInbox:
        """Its reader."""
        return MemoryInbox(log)

    @pytest.fixture
    def again(self, log: MemoryLog) -> Callable[[], Inbox]:
        """Make another reader."""
        return lambda: MemoryInbox(log)

    @pytest.fixture
    def send(self, log: MemoryLog) -> Send:
        """Append."""
        return log.messages.extend


class TestKafkaInbox(InboxContract):
    """Kafka's consumer group."""

    @pytest.fixture
    def topic(self) -> str:
        """A topic that no other test has."""
        name = f"{service.server().new_prefix()}.source"
        ensure(KafkaLink(service.server().address), RULES, [name])
        return name

    @pytest.fixture
    def again(self, topic: str) -> Iterator[Callable[[], Inbox]]:
        """Make readers of one group."""
        with ExitStack() as stack:

            def make() -> Inbox:
                link = KafkaLink(service.server().address, timeout_s=6.0)
                found = KafkaInbox(link, topic=topic, group=f"{topic}-readers", rules=RULES)
                stack.callback(found.close)
                return found

            yield make

    @pytest.fixture
    def inbox(self, again: Callable[[], Inbox]) -> Inbox:
        """The first of them."""
        return again()

    @pytest.fixture
    def send(self, topic: str) -> Send:
        """Write as another block would."""
        return lambda values: service.server().send(topic, values)

    def test_a_reader_that_was_put_out_of_its_group_is_told(self, inbox: KafkaInbox, send: Send) -> None:
        """Its offsets would not be the group's: what it polled comes again."""
        send([b"1"])
        while not inbox.poll(wait_s=0.2, limit=5):
            pass
        service.server().expel(f"{inbox._topic}-readers")  # noqa: SLF001
        with pytest.raises(Unavailable):
            inbox.settle()
        inbox.start_over()
        while not (found := inbox.poll(wait_s=0.2, limit=5)):
            pass
        assert [arrival.value for arrival in found] == [b"1"]
