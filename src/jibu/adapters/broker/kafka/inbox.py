"""Messages of other blocks from Kafka, shared by a consumer group."""

from __future__ import annotations

import contextlib
from typing import Any

from jibu.adapters.broker.kafka.link import KafkaLink, connected, translated
from jibu.adapters.broker.kafka.topics import TopicRules, ensure
from jibu.domain.arrivals import Arrival


class KafkaInbox:
    """See ``jibu.ports.Inbox``. For one thread; each relay has one, and Kafka shares the partitions out."""

    def __init__(self, link: KafkaLink, *, topic: str, group: str, rules: TopicRules) -> None:
        self._link = link
        self._topic = topic
        self._group = group
        self._rules = rules
        self._consumer: Any = None

    def poll(self, *, wait_s: float, limit: int) -> list[Arrival]:
        """Return the next messages, those of a partition in order. Raises: Unavailable; Misconfigured."""
        with translated():
            found = self._open().poll(timeout_ms=int(1000 * wait_s), max_records=limit)
        return [
            Arrival(record.topic, record.partition, record.offset, record.value or b"")
            for records in found.values()
            for record in records
        ]

    def settle(self) -> None:
        """Commit the offsets of all that was polled. Raises: Unavailable (also where the group moved on)."""
        if self._consumer is not None:
            with translated():
                self._consumer.commit()

    def start_over(self) -> None:
        """Leave the group; the next poll joins it again where the last commit was."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            with contextlib.suppress(Exception):
                consumer.close(autocommit=False, timeout_ms=2000)

    def lag(self) -> int:
        """Return how many messages of the topic the group has not committed. Raises: Unavailable.

        Of all partitions, so that every reader says the same.
        """
        with translated():
            from kafka import TopicPartition

            consumer = self._open()
            numbers = consumer.partitions_for_topic(self._topic) or ()
            parts = [TopicPartition(self._topic, number) for number in numbers]
            ends = consumer.end_offsets(parts) if parts else {}
            begins = consumer.beginning_offsets(parts) if parts else {}
            done = {part: consumer.committed(part) for part in parts}
            return sum(max(0, end - (done[part] or begins[part])) for part, end in ends.items())

    def close(self) -> None:
        """Leave the group."""
        self.start_over()

    def _open(self) -> Any:
        if self._consumer is None:
            from kafka import KafkaConsumer

            ensure(self._link, self._rules, [self._topic])
            consumer = connected(
                KafkaConsumer,
                **self._link.options(),
                client_id="jibu-inbox",
                group_id=self._group,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                isolation_level="read_committed",
                session_timeout_ms=10_000,
                heartbeat_interval_ms=3000,
                metrics_enabled=False,
            )
            consumer.subscribe([self._topic])
            self._consumer = consumer
        return self._consumer
