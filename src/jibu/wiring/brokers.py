"""Where events go, as the settings choose."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from jibu.domain.errors import Unavailable
from jibu.domain.event_types import SOURCE_CHANGED, topic_of
from jibu.domain.pubsub import PUBLISHED
from jibu.ports import Broker, EventLog, Inbox
from jibu.settings import Settings, freshness_allowed, secret_in

if TYPE_CHECKING:
    from jibu.adapters.broker.kafka.broker import KafkaBroker
    from jibu.adapters.broker.kafka.link import KafkaLink
    from jibu.adapters.broker.kafka.topics import TopicRules


@contextmanager
def open_broker(settings: Settings) -> Iterator[Broker]:
    """Open the broker; Kafka's topics are made or checked, unless it is away. Raises: Misconfigured, Unavailable."""
    if settings.broker == "local":
        from jibu.adapters.broker.local import LocalBroker

        local = LocalBroker(settings.data_dir / "events.db")
        try:
            yield local
        finally:
            local.close()
        return
    from jibu.adapters.broker.kafka.broker import KafkaBroker

    s = settings
    broker = KafkaBroker(kafka_link(s), prefix=s.kafka_prefix, source=s.event_source, rules=_rules(s))
    try:
        _check(broker)
        yield broker
    finally:
        broker.close()


def event_log(broker: Broker) -> EventLog | None:
    """Return the broker as a log that can be read, None where it is elsewhere."""
    from jibu.adapters.broker.local import LocalBroker

    return broker if isinstance(broker, LocalBroker) else None


def _check(broker: KafkaBroker) -> None:
    try:
        broker.check()
    except Unavailable:
        return  # questions are answered without it; the topics are checked before the first event


@contextmanager
def open_inbox(settings: Settings) -> Iterator[Inbox | None]:
    """Open what other blocks tell; None where nobody is believed or there is no Kafka. Raises: Misconfigured."""
    if settings.broker != "kafka" or not freshness_allowed(settings):
        yield None
        return
    from jibu.adapters.broker.kafka.inbox import KafkaInbox

    topic, group = topic_of(settings.kafka_prefix, SOURCE_CHANGED), f"{settings.kafka_prefix}-sources"
    inbox = KafkaInbox(kafka_link(settings), topic=topic, group=group, rules=_rules(settings))
    try:
        yield inbox
    finally:
        inbox.close()


@contextmanager
def open_rooms_inbox(settings: Settings) -> Iterator[Inbox | None]:
    """Open what tells of publications in rooms; None where no broker brings them back. Raises: Misconfigured."""
    if settings.broker != "kafka":
        yield None
        return
    from jibu.adapters.broker.kafka.inbox import KafkaInbox

    topic, group = topic_of(settings.kafka_prefix, PUBLISHED), f"{settings.kafka_prefix}-rooms"
    inbox = KafkaInbox(kafka_link(settings), topic=topic, group=group, rules=_rules(settings))
    try:
        yield inbox
    finally:
        inbox.close()


def _rules(settings: Settings) -> TopicRules:
    from jibu.adapters.broker.kafka.topics import TopicRules

    s = settings
    return TopicRules(
        partitions=s.kafka_partitions,
        replication=s.kafka_replication,
        min_insync=s.kafka_min_insync,
        retention_h=s.kafka_retention_h,
        max_bytes=s.kafka_max_event_bytes,
        create=s.kafka_create_topics,
    )


def kafka_link(settings: Settings) -> KafkaLink:
    """Return how to reach Kafka. Raises: Misconfigured."""
    from jibu.adapters.broker.kafka.link import KafkaLink

    s = settings
    file = s.kafka_password_file
    return KafkaLink(
        s.kafka_bootstrap,
        security=s.kafka_security,
        mechanism=s.kafka_mechanism,
        user=s.kafka_user,
        password=None if file is None else secret_in(file, "JIBU_KAFKA_PASSWORD_FILE"),
        ca_file=s.kafka_ca_file,
        cert_file=s.kafka_cert_file,
        key_file=s.kafka_key_file,
        timeout_s=s.kafka_timeout_s,
    )
