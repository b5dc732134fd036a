"""Topics: made with the right settings where they are missing, checked where they are there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from jibu.adapters.broker.kafka.link import KafkaLink, connected, translated
from jibu.domain.errors import Misconfigured, Unavailable

READ = ("cleanup.policy", "min.insync.replicas", "retention.ms", "max.message.bytes")
NO_TOPIC, NOT_ALLOWED = 3, 29


@dataclass(frozen=True, slots=True)
class TopicRules:
    """What a topic has to be. ``create``: make one that is missing, else say that it is."""

    partitions: int = 6
    replication: int = 3
    min_insync: int = 2
    retention_h: int = 168
    max_bytes: int = 262_144
    create: bool = True

    def settings(self) -> dict[str, str]:
        """Return the settings of a new topic."""
        return {
            "cleanup.policy": "delete",
            "min.insync.replicas": str(self.min_insync),
            "retention.ms": str(self.retention_h * 3_600_000),
            "max.message.bytes": str(max(1_048_588, self.max_bytes + 4096)),
        }

    def faults(self, name: str, replicas: int, found: dict[str, str]) -> Iterator[str]:
        """Say what is wrong with a topic that is there."""
        if replicas < self.replication:
            yield f"topic {name} has {replicas} replicas, not {self.replication} (JIBU_KAFKA_REPLICATION)"
        if int(found["min.insync.replicas"]) < self.min_insync:
            yield f"topic {name}: set min.insync.replicas to at least {self.min_insync}"
        if found["cleanup.policy"] != "delete":
            yield f"topic {name}: set cleanup.policy to delete; a compacted topic loses events"
        if 0 <= int(found["retention.ms"]) < self.retention_h * 3_600_000:
            yield f"topic {name}: set retention.ms to at least {self.retention_h * 3_600_000}"
        if int(found["max.message.bytes"]) < self.max_bytes:
            yield f"topic {name}: set max.message.bytes to at least {self.max_bytes}"


@contextmanager
def administrating(link: KafkaLink) -> Iterator[Any]:
    """Open an administrator's client. Raises: Misconfigured, Unavailable."""
    with translated():
        from kafka import KafkaAdminClient

        client = connected(KafkaAdminClient, **link.options(), client_id="jibu-admin")
        try:
            yield client
        finally:
            client.close()


def ensure(link: KafkaLink, rules: TopicRules, names: Sequence[str]) -> None:
    """Make or check topics. Raises: Misconfigured with what to do, Unavailable."""
    with administrating(link) as admin:
        there = _described(admin, names)
        missing = [name for name in names if name not in there]
        if missing:
            _create(admin, rules, missing)
            there |= _described(admin, missing)
        settings = _settings(admin, names)
    faults = [
        fault
        for name in names
        if name in there  # else it was made a moment ago, by us
        for fault in rules.faults(name, there[name], settings[name])
    ]
    if faults:
        raise Misconfigured("; ".join(faults))


def look(admin: Any, names: Iterable[str]) -> None:
    """Ask whether every topic has a leader for each partition. Raises: Unavailable, Misconfigured."""
    with translated():
        topics = {topic["name"]: topic for topic in admin.describe_topics(list(names))}
    for name in names:
        topic = topics.get(name)
        if topic is None or topic["error_code"] == NO_TOPIC:
            raise Misconfigured(f"Kafka has no topic {name}")
        if topic["error_code"] == NOT_ALLOWED:
            raise Misconfigured(f"Kafka does not let this user see topic {name}")
        if topic["error_code"] or any(p["leader_id"] < 0 for p in topic["partitions"]):
            raise Unavailable(f"Kafka has no leader for topic {name}", 5.0)


def _described(admin: Any, names: Sequence[str]) -> dict[str, int]:
    """Return the least number of replicas of each topic that is there."""
    return {
        topic["name"]: min(len(partition["replica_nodes"]) for partition in topic["partitions"])
        for topic in admin.describe_topics(list(names))
        if not topic["error_code"] and topic["partitions"]
    }


def _create(admin: Any, rules: TopicRules, names: Sequence[str]) -> None:
    from kafka.errors import TopicAlreadyExistsError

    if not rules.create:
        raise Misconfigured(
            f"Kafka lacks {', '.join(names)}: make them, or set JIBU_KAFKA_CREATE_TOPICS=true"
        )
    for name in names:
        new = {
            "num_partitions": rules.partitions,
            "replication_factor": rules.replication,
            "configs": rules.settings(),
        }
        try:
            admin.create_topics({name: new}, wait_for_metadata=True)
        except TopicAlreadyExistsError:
            continue  # another process was faster


def _settings(admin: Any, names: Sequence[str]) -> dict[str, dict[str, str]]:
    from kafka.admin import ConfigResource

    asked = [ConfigResource("TOPIC", name, dict.fromkeys(READ, "")) for name in names]
    found = admin.describe_configs(asked, config_filter="all")["topic"]
    return {name: {key: str(found[name][key]["value"]) for key in READ} for name in names}
