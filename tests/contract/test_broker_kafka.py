"""Kafka against the broker contract, and what only it does: a real server, killed, frozen and set up wrongly."""

from __future__ import annotations

import gc
import json
import sys
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from jibu.adapters.broker.kafka.broker import KafkaBroker
from jibu.adapters.broker.kafka.link import KafkaLink
from jibu.adapters.broker.kafka.topics import TopicRules, administrating
from jibu.domain.errors import Misconfigured, Unavailable
from jibu.domain.event_types import EMITTED, topic_of
from jibu.domain.events import Event
from jibu.testing.broker_contract import BrokerContract, Consume
from jibu.testing.records_samples import event

sys.path.insert(0, str(Path(__file__).parents[2]))  # the helpers beside the tests

from tests.services import kafka as service

RULES = TopicRules(partitions=3, replication=1, min_insync=1)


@pytest.fixture
def prefix() -> str:
    """Topics that no other test has."""
    return service.server().new_prefix()


def opened(prefix: str, *, rules: TopicRules = RULES, timeout_s: float = 6.0, **said: Any) -> KafkaBroker:
    """Open the broker of the tests."""
    link = KafkaLink(service.server().address, timeout_s=timeout_s, **said)
    return KafkaBroker(link, prefix=prefix, source="urn:test", rules=rules)


@pytest.fixture
def broker(prefix: str) -> Iterator[KafkaBroker]:
    """One relay's broker."""
    found = opened(prefix)
    yield found
    found.close()


@pytest.fixture
def rival(prefix: str) -> Iterator[KafkaBroker]:
    """Another relay's."""
    found = opened(prefix)
    yield found
    found.close()


@pytest.fixture
def consume(prefix: str) -> Consume:
    """Read all topics from the start, as another block would."""
    return lambda: [as_event(record) for record in service.server().records(prefix)]


def as_event(record: Any) -> Event:
    """Turn what is in Kafka back into an event."""
    told = json.loads(record.value)
    assert record.key.decode() == told["partitionkey"]
    time = datetime.fromisoformat(told["time"])
    data = tuple(told["data"].items())
    return Event(told["id"], told["type"], told["subject"], told["partitionkey"], time, data)


class TestKafkaBroker(BrokerContract):
    """The contract."""

    def test_what_is_stored_is_a_cloud_event(self, broker: KafkaBroker, prefix: str) -> None:
        """Structured JSON with its content type, in the topic of its aggregate."""
        broker.publish([event(7, key="d7")])
        [record] = service.server().records(prefix)
        assert record.topic == f"{prefix}.document"
        assert dict(record.headers)["content-type"] == b"application/cloudevents+json; charset=UTF-8"
        told = json.loads(record.value)
        assert (told["specversion"], told["source"], told["id"]) == ("1.0", "urn:test", "e7")
        assert told["datacontenttype"] == "application/json"

    def test_topics_are_made_as_they_have_to_be(self, broker: KafkaBroker, prefix: str) -> None:
        """One for each aggregate, with copies, retention and partitions as told; a second look finds no fault."""
        broker.check()
        opened(prefix).check()
        with administrating(KafkaLink(service.server().address)) as admin:
            found = {t["name"]: len(t["partitions"]) for t in admin.describe_topics(None)}
        for name in EMITTED:
            assert found[topic_of(prefix, name)] == 3

    @pytest.mark.parametrize(
        ("made", "asked", "words"),
        [
            (RULES, TopicRules(replication=2, min_insync=1), "has 1 replicas, not 2"),
            (RULES, TopicRules(replication=1, min_insync=2), "min.insync.replicas to at least 2"),
            (RULES, TopicRules(replication=1, min_insync=1, retention_h=999), "retention.ms to at least"),
            (RULES, TopicRules(replication=1, min_insync=1, max_bytes=9_000_000), "max.message.bytes"),
            (None, TopicRules(create=False), "JIBU_KAFKA_CREATE_TOPICS"),
            (None, TopicRules(replication=3), "JIBU_KAFKA_REPLICATION"),
        ],
        ids=["copies", "in-sync", "retention", "size", "missing", "too-few-brokers"],
    )
    def test_wrong_topics_are_named(
        self, prefix: str, made: TopicRules | None, asked: TopicRules, words: str
    ) -> None:
        """With what to do about it."""
        if made is not None:
            opened(prefix, rules=made).check()
        with pytest.raises(Misconfigured, match=words):
            opened(prefix, rules=asked).check()

    def test_a_broker_that_rejects_one_event_gets_the_others(
        self, broker: KafkaBroker, prefix: str, consume: Consume
    ) -> None:
        """The one is found by halves; what is behind it on its key is not stored, every other key is."""
        broker.publish([event(0, key="d0")])
        service.server().alter(f"{prefix}.document", {"max.message.bytes": "20000"})
        large = Event("large", EMITTED[1], "d1", "d1", event(0).time, (("sha256", "0" * 100_000),))
        events = [event(number, key=f"d{number % 4}") for number in range(1, 20)]
        events.insert(7, large)
        refused = broker.publish(events)
        assert [(r.event_id, r.reason) for r in refused] == [("large", "rejected-by-broker")]
        expected = {e.event_id for e in events[:7]} | {e.event_id for e in events[7:] if e.key != "d1"}
        assert {e.event_id for e in consume()} == expected | {"e0"}

    def test_an_event_of_no_known_form_is_refused(self, broker: KafkaBroker, consume: Consume) -> None:
        """It can never be published, so it does not hold up others."""
        alien = Event("x", "other.thing", "d1", "d1", event(0).time)
        assert [r.reason for r in broker.publish([alien, event(1, key="d2")])] == ["invalid-event"]
        assert [e.event_id for e in consume()] == ["e1"]

    def test_a_publisher_that_was_shut_out_says_so_and_comes_back(
        self, broker: KafkaBroker, rival: KafkaBroker, consume: Consume
    ) -> None:
        """Nothing that it tried meanwhile is seen."""
        broker.publish([event(1)])
        rival.publish([event(2)])
        with pytest.raises(Unavailable):
            broker.publish([event(3)])
        assert [e.event_id for e in consume()] == ["e1", "e2"]
        broker.publish([event(3)])
        assert [e.event_id for e in consume()] == ["e1", "e2", "e3"]

    def test_a_wrong_password_file_or_package_is_told(self, prefix: str) -> None:
        """Before anything is sent."""
        with pytest.raises(Misconfigured, match="JIBU_KAFKA_USER"):
            opened(prefix, security="SASL_PLAINTEXT").check()
        with pytest.raises(Misconfigured, match="certificate"):
            opened(prefix, security="SSL", ca_file=Path("/nowhere")).check()
        with pytest.raises(Misconfigured, match="JIBU_KAFKA_BOOTSTRAP"):
            KafkaBroker(KafkaLink(" , "), prefix="x", source="s", rules=RULES).check()

    def test_a_missing_topic_shows_in_the_ping(self, prefix: str) -> None:
        """It is not taken for a broker that is away."""
        found = opened(prefix)
        with pytest.raises(Misconfigured, match="no topic"):
            found.ping()
        found.close()

    @pytest.fixture(autouse=True)
    def prepared(self, request: pytest.FixtureRequest) -> None:
        """The contract's ping is of a broker whose topics are there."""
        if request.function.__name__ == "test_it_answers_a_ping":
            request.getfixturevalue("broker").check()


# kafka-python leaves it to the collector to close the socket of a refused connection.
REFUSED = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def collected() -> Iterator[None]:
    """Collect garbage while the mark above still holds."""
    yield
    gc.collect()


@REFUSED
@pytest.mark.usefixtures("collected")
def test_a_broker_that_dies_and_hangs_costs_no_event_and_bounded_time() -> None:
    """Killed: Unavailable, then all is stored. Frozen in front of a call: the same. No thread is left."""
    threads = threading.active_count()
    running = service.own_server()
    try:
        link = KafkaLink(running.address, timeout_s=3.0)
        broker = KafkaBroker(link, prefix="t", source="urn:test", rules=RULES)
        broker.check()
        broker.publish([event(1)])
        running.kill()
        for failing in (broker.ping, lambda: broker.publish([event(2)])):
            with pytest.raises(Unavailable):
                failing()
        running.start()
        broker.publish([event(2)])
        running.freeze()
        with pytest.raises(Unavailable):
            broker.publish([event(3)])
        running.thaw()
        broker.publish([event(3)])
        broker.ping()
        broker.close()
        broker.close()
        found = [json.loads(record.value)["id"] for record in running.records("t")]
        assert list(dict.fromkeys(found)) == ["e1", "e2", "e3"]
    finally:
        running.remove()
    for thread in threading.enumerate():
        if "kafka" in thread.name.lower():
            thread.join(10)
    assert threading.active_count() <= threads


@REFUSED
@pytest.mark.usefixtures("collected")
def test_a_server_that_nobody_runs_is_unavailable() -> None:
    """At start, with a hint when to come back."""
    broker = KafkaBroker(KafkaLink("127.0.0.1:1", timeout_s=1.0), prefix="t", source="s", rules=RULES)
    for use in (broker.check, broker.ping, lambda: broker.publish([event(1)])):
        with pytest.raises(Unavailable) as caught:
            use()
        assert caught.value.retry_after > 0
    broker.close()
