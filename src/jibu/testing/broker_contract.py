"""What every broker has to do.

A subclass gives the fixtures ``broker``, ``rival`` (another relay's opening of the same) and ``consume``, which
returns all events published so far, in order for each key.
"""

from __future__ import annotations

from collections.abc import Callable

from jibu.domain.errors import Unavailable
from jibu.domain.events import Event
from jibu.ports import Broker
from jibu.testing.records_samples import NOW, event

Consume = Callable[[], list[Event]]


class BrokerContract:
    """Tests that each adapter of ``Broker`` runs."""

    def test_events_arrive_whole_and_in_order_of_their_key(self, broker: Broker, consume: Consume) -> None:
        """Over several calls and several keys."""
        events = [event(number, key=f"d{number % 3}") for number in range(30)]
        for start in range(0, 30, 7):
            broker.publish(events[start : start + 7])
        for key in ("d0", "d1", "d2"):
            assert [e for e in consume() if e.key == key] == [e for e in events if e.key == key]

    def test_an_event_published_again_is_the_same_event(self, broker: Broker, consume: Consume) -> None:
        """A consumer that dedupes on the id sees it once."""
        broker.publish([event(1), event(2)])
        broker.publish([event(2), event(3)])
        assert list({e.event_id: e for e in consume()}.values()) == [event(1), event(2), event(3)]

    def test_events_of_thousands_of_keys_arrive(self, broker: Broker, consume: Consume) -> None:
        """In one call; nothing is left out and no order is lost."""
        events = [event(number, key=f"d{number % 700}") for number in range(2100)]
        assert list(broker.publish(events)) == []
        found = consume()
        assert sorted(e.event_id for e in found) == sorted(e.event_id for e in events)
        for key in ("d0", "d350", "d699"):
            assert [e for e in found if e.key == key] == [e for e in events if e.key == key]

    def test_a_large_event_arrives_or_is_refused(self, broker: Broker, consume: Consume) -> None:
        """A refusal names it; what is behind it on its key waits, other keys go on. Nothing raises."""
        large = Event("large", "jibu.document.indexed.v1", "d1", "d1", NOW, (("sha256", "0" * 3_000_000),))
        events = [event(1, key="d1"), event(2, key="d2"), large, event(3, key="d1"), event(4, key="d2")]
        refused = broker.publish(events)
        kept = [e.event_id for e in events] if not refused else ["e1", "e2", "e4"]
        assert [r.event_id for r in refused] in ([], ["large"])
        assert sorted(e.event_id for e in consume()) == sorted(kept)

    def test_several_publishers_lose_nothing(self, broker: Broker, rival: Broker, consume: Consume) -> None:
        """Whoever is shut out says so; what it repeats comes, in order."""
        events = [event(number, key="d1") for number in range(20)]
        for number, publisher in enumerate((broker, rival, broker, rival)):
            batch = events[number * 5 : number * 5 + 5]
            for attempt in range(3):
                try:
                    publisher.publish(batch)
                    break
                except Unavailable:
                    assert attempt < 2
        assert list(dict.fromkeys(e.event_id for e in consume())) == [e.event_id for e in events]

    def test_nothing_to_publish_is_no_error(self, broker: Broker, consume: Consume) -> None:
        """An empty call stores nothing."""
        broker.publish([])
        assert consume() == []

    def test_it_answers_a_ping(self, broker: Broker) -> None:
        """``ping`` raises nothing while the broker is there."""
        broker.ping()
