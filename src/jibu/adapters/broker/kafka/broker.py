"""Events to Kafka: all of a call or none, in order per key, from one relay at a time.

Each call is one Kafka transaction of an idempotent producer (``acks=all``). All relays of a block share one
transactional id: opening a producer aborts what another one left half-sent and shuts that one out, however late
it wakes up. Whoever reads ``read_committed`` sees no half of a call.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jibu.adapters.broker.kafka.link import AWAY, KafkaLink, connected, translated
from jibu.adapters.broker.kafka.topics import TopicRules, administrating, ensure, look
from jibu.domain.cloudevents import CONTENT_TYPE, structured
from jibu.domain.errors import Unavailable
from jibu.domain.event_types import EMITTED, topic_of
from jibu.domain.events import Event
from jibu.ports import Refusal

HEADERS = [("content-type", CONTENT_TYPE.encode())]
STAGES = 4
"""Opening, looking topics up, sending and committing each take at most the link's ``timeout_s``."""


@dataclass(frozen=True, slots=True)
class _Record:
    event_id: str
    key: str
    topic: str
    value: bytes


class _Rejected(Exception):
    """Kafka will not have one of the records, whatever is tried."""


class KafkaBroker:
    """See ``jibu.ports.Broker``. Safe to share between threads; calls take turns."""

    def __init__(self, link: KafkaLink, *, prefix: str, source: str, rules: TopicRules) -> None:
        self._link = link
        self._prefix = prefix
        self._source = source
        self._rules = rules
        self._known: set[str] = set()
        self._producer: Any = None
        self._turn = threading.Lock()
        self._asking = threading.Lock()
        self._admin: Any = None
        self._closing = contextlib.ExitStack()

    def check(self) -> None:
        """Make or check the topics of all known types. Raises: Misconfigured, Unavailable."""
        self._link.options()
        self._ensure({topic_of(self._prefix, name) for name in EMITTED})

    def publish(self, events: Sequence[Event]) -> list[Refusal]:
        """Store all of them in one transaction. Raises: Unavailable, Misconfigured."""
        refused: list[Refusal] = []
        records: list[_Record] = []
        stuck: set[str] = set()
        for event in events:
            if event.key in stuck:
                continue
            record, reason = self._record(event)
            if record is None:
                refused.append(Refusal(event.event_id, reason))
                stuck.add(event.key)
            else:
                records.append(record)
        with self._turn:
            return refused + (self._store(records) if records else [])

    def ping(self) -> None:
        """Raises: Unavailable where a topic has no leader; Misconfigured where one is missing."""
        names = sorted({topic_of(self._prefix, name) for name in EMITTED})
        with self._asking:
            try:
                if self._admin is None:
                    self._admin = self._closing.enter_context(administrating(self._link))
                look(self._admin, names)
            except BaseException:
                self._forget_admin()
                raise

    def close(self) -> None:
        """Release connections; safe to call twice."""
        with self._turn:
            self._drop()
        with self._asking:
            self._forget_admin()

    def _forget_admin(self) -> None:
        self._admin = None
        self._closing.close()

    def _record(self, event: Event) -> tuple[_Record | None, str]:
        try:
            topic = topic_of(self._prefix, event.type)
            value = structured(event, self._source)
        except (TypeError, ValueError):
            return None, "invalid-event"
        if len(value) + len(event.key.encode()) > self._rules.max_bytes:
            return None, "too-large"
        return _Record(event.event_id, event.key, topic, value), ""

    def _store(self, records: Sequence[_Record]) -> list[Refusal]:
        """Store records; where Kafka rejects one, find it by halves and leave its key out from there on."""
        try:
            self._transaction(records)
        except _Rejected:
            if len(records) == 1:
                return [Refusal(records[0].event_id, "rejected-by-broker")]
        else:
            return []
        middle = len(records) // 2
        refused = self._store(records[:middle])
        ids = {refusal.event_id for refusal in refused}
        stuck = {record.key for record in records[:middle] if record.event_id in ids}
        rest = [record for record in records[middle:] if record.key not in stuck]
        return refused + (self._store(rest) if rest else [])

    def _transaction(self, records: Sequence[_Record]) -> None:
        self._ensure({record.topic for record in records})
        try:
            with translated():
                producer = self._open()
                producer.begin_transaction()
                self._send(producer, records)
                self._commit(producer)
        except BaseException:
            self._drop()  # opening the next one ends this transaction
            raise

    def _send(self, producer: Any, records: Sequence[_Record]) -> None:
        sent = [producer.send(r.topic, r.value, key=r.key.encode(), headers=HEADERS) for r in records]
        deadline = time.monotonic() + self._link.timeout_s + 1.0
        for found in sent:
            try:
                found.get(timeout=max(0.0, deadline - time.monotonic()))
            except _poison() as error:
                raise _Rejected from error

    def _commit(self, producer: Any) -> None:
        """Commit in bounded time. Where the answer does not come nobody knows: the same events come again."""
        # This is producer.commit_transaction(), which would wait for ever while Kafka is away.
        done = producer._transaction_manager.begin_commit()  # noqa: SLF001
        producer._sender.wakeup()  # noqa: SLF001
        if not done.wait(timeout_ms=int(1000 * self._link.timeout_s)):
            raise Unavailable(AWAY, 5.0)

    def _ensure(self, topics: set[str]) -> None:
        new = sorted(topics - self._known)
        if new:
            ensure(self._link, self._rules, new)
            self._known.update(new)

    def _open(self) -> Any:
        if self._producer is None:
            from kafka import KafkaProducer

            milliseconds = int(1000 * self._link.timeout_s)
            self._producer = connected(
                KafkaProducer,
                **self._link.options(),
                client_id="jibu-outbox",
                transactional_id=f"{self._prefix}-outbox",
                transaction_timeout_ms=STAGES * milliseconds,
                acks="all",
                delivery_timeout_ms=milliseconds,
                max_block_ms=milliseconds,
                linger_ms=5,
                batch_size=min(262_144, self._rules.max_bytes),
                max_request_size=max(1_048_576, self._rules.max_bytes + 4096),
                allow_auto_create_topics=False,
                metrics_enabled=False,
            )
            self._producer.init_transactions()
        return self._producer

    def _drop(self) -> None:
        from kafka.errors import KafkaError

        producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            producer.close(timeout=0)
        except KafkaError:
            # It stops sending only once its flush has succeeded, which it did not.
            producer._sender.force_close()  # noqa: SLF001


def _poison() -> tuple[type[Exception], ...]:
    """Return what Kafka says of a record that it will never have."""
    from kafka import errors as e

    return (
        e.MessageSizeTooLargeError,
        e.RecordListTooLargeError,
        e.InvalidRecordError,
        e.InvalidTimestampError,
        e.UnsupportedForMessageFormatError,
    )
