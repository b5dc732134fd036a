"""What other blocks tell of sources: believed by name, done once, never stuck."""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ingestion import READER, Ingestion

from jibu.domain.arrivals import MAX_BYTES, Unreadable, read_source_event
from jibu.domain.errors import Misconfigured, NotFound, Unavailable
from jibu.settings import Settings, freshness_allowed
from jibu.testing.memory_inbox import MemoryInbox, MemoryLog
from jibu.usecases.erasing import Erasing
from jibu.usecases.freshness import TRIES, Freshness, Listening

REGISTRY = "https://registry.example"


def told(event_id: str = "1", what: str = "changed", **said: Any) -> bytes:
    """Return a message of another block."""
    envelope: dict[str, Any] = {
        "specversion": "1.0",
        "id": event_id,
        "source": REGISTRY,
        "type": f"jibu.source.{what}.v1",
        "time": datetime.now(UTC).isoformat(),
        "data": {"collectionId": "travel", "externalId": "law-1"},
    }
    return json.dumps(envelope | said).encode()


class Listener:
    """The listening part of a relay over a log of messages; ``fails`` goes wrong in front of an erasure."""

    def __init__(self, block: Ingestion, erasing: Erasing) -> None:
        self.log = MemoryLog()
        self.block = block
        self.fails: list[Exception] = []
        self._erasing = erasing
        freshness = Freshness(
            records=block.records,
            clock=block.clock,
            withdraw=self._withdraw,
            allowed=frozenset({(REGISTRY, "travel")}),
        )
        self.listening = Listening(inbox=MemoryInbox(self.log), freshness=freshness, first_delay_s=0.01)

    def _withdraw(self, client: str, document_id: str) -> None:
        if self.fails:
            raise self.fails.pop(0)
        self._erasing.document(client, document_id)

    def hear(self, *messages: bytes) -> None:
        """Put messages in and deal with them."""
        self.log.messages += messages
        while self.listening.turn():
            pass

    def run(self) -> None:
        """Listen as the relay does, until all messages are settled."""
        stop = threading.Event()
        thread = threading.Thread(target=self.listening.run_forever, args=(stop,))
        thread.start()
        deadline = time.monotonic() + 20
        while self.log.settled < len(self.log.messages) and time.monotonic() < deadline:
            time.sleep(0.01)
        stop.set()
        thread.join()

    def dead(self) -> list[str]:
        """Return why messages were put aside."""
        with self.block.records.read() as uow:
            assert uow.outbox.backlog(at=self.block.clock()).dead_letters == uow.incoming.counts()[0]
            return sorted(letter.reason for letter in uow.incoming.dead_letters(limit=99))


@pytest.fixture
def listener(block: Ingestion) -> Listener:
    """A listener beside a document with the external id law-1."""
    block.receive("# Law\n\nThe fee is 50 shillings.\n", external_id="law-1")
    block.relay().run_until_idle()
    return Listener(block, block.erasing())


def stale(block: Ingestion) -> list[bool]:
    """Return of each document whether it is stale."""
    page = block.documents.page(READER, collection_id="travel", status=None, offset=0, limit=9)
    return [document.stale_since is not None for document in page.items]


def kinds(block: Ingestion) -> list[str]:
    """Return what was told of documents."""
    block.relay().run_until_idle()
    log = [event for _, event in block.broker.read(limit=1000)]  # type: ignore[attr-defined]
    return [event.type.split(".")[2] for event in log if event.type.startswith("jibu.document")]


def test_a_changed_source_makes_its_document_stale_until_a_new_version(listener: Listener) -> None:
    """Told once, however often it comes; the document can still be found."""
    block = listener.block
    assert stale(block) == [False]
    listener.hear(told("1"), told("1"), told("2"))
    assert stale(block) == [True]
    assert kinds(block) == ["received", "indexed", "staled"]
    assert len(block.found("fee shillings")) == 1
    block.receive("# Law\n\nThe fee is 60 shillings.\n", external_id="law-1")
    assert stale(block) == [False]
    listener.hear(told("1"))
    assert stale(block) == [False]
    assert listener.dead() == []


def test_a_withdrawn_source_erases_its_document_at_once(listener: Listener) -> None:
    """With a receipt, as if somebody had asked for it; a second telling finds nothing to do."""
    block = listener.block
    listener.hear(told("1", "withdrawn"), told("2", "withdrawn"), told("3", "changed"))
    assert block.found("fee shillings") == []
    assert kinds(block) == ["received", "indexed", "erased"]
    block.receive("# Law\n\nThe fee is 60 shillings.\n", external_id="law-1")
    listener.hear(told("1", "withdrawn"))
    assert len(stale(block)) == 1
    assert listener.dead() == []


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"", "not-json"),
        (b"\xff\xfe", "not-json"),
        (b"[" * 60_000, "not-json"),
        (b" " * (MAX_BYTES + 1), "too-large"),
        (b"[]", "not-as-described"),
        (told(specversion="0.3"), "not-a-cloudevent"),
        (told(type="jibu.document.indexed.v1"), "unknown-type"),
        (told(id=7), "not-as-described"),
        (told(id=""), "not-as-described"),
        (told(id="a\x00b"), "not-as-described"),
        (told(data={"collectionId": "travel"}), "not-as-described"),
        (told(data={"collectionId": "travel", "externalId": "x" * 256}), "not-as-described"),
        (told(time=None), "not-as-described"),
        (told(time="yesterday"), "not-as-described"),
        (told(time="2026-11-21T10:00:00"), "not-as-described"),
        (told(time="2020-01-01T10:00:00Z"), "too-old"),
        (told(time="2999-01-01T10:00:00Z"), "from-the-future"),
        (told(source="https://other.example"), "not-allowed"),
        (told(what="withdrawn", data={"collectionId": "tax", "externalId": "law-1"}), "not-allowed"),
    ],
)
def test_what_is_no_such_event_is_put_aside(listener: Listener, message: bytes, reason: str) -> None:
    """Nothing is believed of it, and the next message is dealt with."""
    listener.hear(message, told("9"))
    assert listener.dead() == [reason]
    assert stale(listener.block) == [True]


def test_a_fault_that_passes_costs_no_message(listener: Listener) -> None:
    """The same messages come again until they are dealt with."""
    listener.fails = [Unavailable("busy") for _ in range(TRIES + 2)]
    listener.log.messages += [told("1", "withdrawn"), told("2")]
    listener.run()
    assert kinds(listener.block) == ["received", "indexed", "erased"]
    assert listener.dead() == []


def test_a_message_that_fails_for_ever_stops_no_other(listener: Listener) -> None:
    """After some tries it is put aside."""
    listener.fails = [RuntimeError("no") for _ in range(TRIES)]
    listener.log.messages += [told("1", "withdrawn"), told("2")]
    listener.run()
    assert listener.dead() == ["internal-error"]
    assert stale(listener.block) == [True]


def test_an_erasure_that_came_in_between_is_no_fault(listener: Listener) -> None:
    """The document is gone: that is what was asked for."""
    listener.fails = [NotFound("gone")]
    listener.hear(told("1", "withdrawn"))
    assert listener.dead() == []


def test_the_lag_is_kept_and_old_ids_are_forgotten(listener: Listener) -> None:
    """For the metrics; an id is known for thirty days."""
    block = listener.block
    listener.hear(told("1"))
    with block.records.write() as uow:
        uow.incoming.note_lag(7)
        uow.incoming.note_lag(9)
        assert uow.outbox.backlog(at=block.clock()).incoming == 9
        assert uow.incoming.forget(before=block.clock()) == 1
        assert uow.incoming.first("x", at=block.clock())
        assert not uow.incoming.first("x", at=block.clock())
        uow.commit()


def test_what_is_forgotten_is_not_done_again(listener: Listener) -> None:
    """A withdrawal that is replayed when its id is forgotten would erase what was loaded since."""
    block = listener.block
    message = told("1", "withdrawn")
    listener.hear(message)
    block.receive("# Law\n\nThe fee is 60 shillings.\n", external_id="law-1")
    for days in (29, 31):
        block.clock.advance(timedelta(days=days).total_seconds() - 60)
        listener.listening._chores_from = 0.0  # noqa: SLF001 - ids are forgotten every ten seconds
        listener.hear()
        listener.hear(message)
        block.clock.advance(60 - timedelta(days=days).total_seconds())
    assert len(stale(block)) == 1
    assert listener.dead() == ["too-old"]


def test_what_is_stuck_shows_in_the_lag(listener: Listener) -> None:
    """Also when no turn succeeds."""
    listener.fails = [Unavailable("busy") for _ in range(10_000)]
    listener.log.messages += [told("1", "withdrawn"), told("2")]
    stop = threading.Event()
    thread = threading.Thread(target=listener.listening.run_forever, args=(stop,))
    thread.start()
    deadline = time.monotonic() + 20
    while (waits := listener.block.backlog().incoming) != 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    stop.set()
    thread.join()
    assert waits == 2


def test_messages_put_aside_are_bounded(listener: Listener) -> None:
    """The newest are kept, and not for ever."""
    block = listener.block
    listener.hear(*(b"%d" % number for number in range(30)))
    with block.records.write() as uow:
        assert uow.incoming.prune(before=block.clock() - timedelta(days=1), keep=20) == 10
        assert uow.incoming.counts()[0] == 20
        assert uow.incoming.prune(before=block.clock() + timedelta(days=1), keep=20) == 20
        uow.commit()
    assert listener.dead() == []


@given(st.binary(max_size=300) | st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.dictionaries(
        st.sampled_from(["specversion", "id", "source", "type", "data", "collectionId", "externalId"]), inner
    ),
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_no_message_ends_the_reader(message: bytes) -> None:
    """Whatever it is, it is an event or Unreadable."""
    with suppress(Unreadable):
        assert read_source_event(message).external_id


def test_who_is_believed_is_a_setting(tmp_path: Any) -> None:
    """Nobody by default; a source's address may hold signs of equality."""

    def allowed(words: str) -> frozenset[tuple[str, str]]:
        return freshness_allowed(Settings(data_dir=tmp_path, freshness_sources=words))

    assert allowed("") == frozenset()
    assert allowed("urn:a=travel,tax  https://b.example/?x=1=law") == {
        ("urn:a", "travel"), ("urn:a", "tax"), ("https://b.example/?x=1", "law"),
    }  # fmt: skip
    for wrong in ("travel", "=travel", "urn:a=", "urn:a=,"):
        with pytest.raises(Misconfigured, match="JIBU_FRESHNESS_SOURCES"):
            allowed(wrong)
