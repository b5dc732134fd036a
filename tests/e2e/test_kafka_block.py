"""The block as it is wired for Kafka: what it tells arrives there, and what others tell there is done."""

from __future__ import annotations

import gc
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jibu.domain.access import Caller
from jibu.domain.documents import Collection, NewDocument
from jibu.domain.errors import Misconfigured, NotFound
from jibu.settings import Settings
from jibu.testing.event_contract import faults
from jibu.wiring.brokers import open_broker, open_inbox
from jibu.wiring.relay import build_relay
from jibu.wiring.safety import embedded_parts
from jibu.wiring.services import build

sys.path.insert(0, str(Path(__file__).parents[2]))  # the helpers beside the tests

from tests.services import kafka as service

ADMIN = Caller("KE/GOV/A/admin", frozenset({"rag.admin", "rag.ingest", "rag.query"}))
REGISTRY = "https://registry.example"
PATIENCE_S = 90.0


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """One broker, a prefix of its own, one registry that is believed about one collection."""
    return Settings(
        data_dir=tmp_path,
        broker="kafka",
        kafka_bootstrap=service.server().address,
        kafka_prefix=service.server().new_prefix(),
        kafka_replication=1,
        kafka_min_insync=1,
        kafka_partitions=2,
        event_source="https://jibu.example",
        freshness_sources=f"{REGISTRY}=travel",
    )


@pytest.fixture
def relay(settings: Settings) -> Iterator[None]:
    """The relay's process, in threads."""
    stop = threading.Event()
    with build_relay(settings) as process:
        thread = threading.Thread(target=process.run_forever, args=(stop,))
        thread.start()
        yield
        stop.set()
        thread.join(60)
        assert not thread.is_alive()


def wait(happened: Callable[[], bool]) -> None:
    """Look until something happened."""
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.slow
@pytest.mark.usefixtures("relay")
def test_a_document_is_told_of_and_withdrawn_over_kafka(settings: Settings) -> None:
    """Received, indexed, withdrawn by the registry, erased: each event in Kafka as the contract says."""

    def told() -> list[str]:
        found = [
            json.loads(r.value)
            for r in service.server().records(settings.kafka_prefix)
            if b"specv" in r.value
        ]
        mine = [event for event in found if event["source"] == settings.event_source]
        assert [fault for event in mine for fault in faults(event["type"], event)] == []
        return [event["type"] for event in mine if event["type"].startswith("jibu.document")]

    with build(settings) as services:
        services.collections.put(ADMIN, Collection("travel", "Travel"))
        new = NewDocument("travel", b"# Law\n\nThe fee is 50.\n", filename="a.md", external_id="law-1")
        document, _ = services.documents.receive(ADMIN, new)
        wait(lambda: told() == ["jibu.document.received.v1", "jibu.document.indexed.v1"])
        message = {
            "specversion": "1.0",
            "id": "1",
            "source": REGISTRY,
            "type": "jibu.source.withdrawn.v1",
            "time": datetime.now(UTC).isoformat(),
            "data": {"collectionId": "travel", "externalId": "law-1"},
        }
        assert faults("jibu.source.withdrawn.v1", message) == []
        lines = [b"poison", json.dumps(message).encode()]
        service.server().send(f"{settings.kafka_prefix}.source", lines)
        wait(lambda: told()[2:] == ["jibu.document.erased.v1"])
        with pytest.raises(NotFound):
            services.documents.get(ADMIN, document.document_id)
        wait(lambda: services.backlog().events == 0)
        assert (services.backlog().dead_letters, services.backlog().parked_events) == (1, 0)
        checks = {check.name: check.detail for check in services.health.ready().checks}
        assert (checks["broker"], checks["events"]) == (None, None)


def test_the_settings_choose(settings: Settings, tmp_path: Path) -> None:
    """Nobody is listened to who is not named; Kafka is no embedded part; a mistake stops the start."""
    assert "broker: local" not in embedded_parts(settings)
    for quiet in (
        settings.model_copy(update={"freshness_sources": ""}),
        Settings(data_dir=tmp_path, freshness_sources="urn:a=b"),
    ):
        with open_inbox(quiet) as inbox:
            assert inbox is None
    for wrong, words in (
        ({"kafka_bootstrap": ""}, "JIBU_KAFKA_BOOTSTRAP"),
        ({"kafka_security": "SASL_SSL"}, "JIBU_KAFKA_PASSWORD_FILE"),
        ({"kafka_password_file": tmp_path / "none"}, "JIBU_KAFKA_PASSWORD_FILE"),
        ({"kafka_replication": 3}, "JIBU_KAFKA_REPLICATION"),
    ):
        with pytest.raises(Misconfigured, match=words), open_broker(settings.model_copy(update=wrong)):
            pass


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # see test_broker_kafka
def test_it_starts_while_kafka_is_away(settings: Settings) -> None:
    """Documents are received and answered from; events wait."""
    away = settings.model_copy(update={"kafka_bootstrap": "127.0.0.1:1", "kafka_timeout_s": 1.0})
    with open_broker(away) as broker:
        assert broker is not None
    gc.collect()  # while the mark above holds
