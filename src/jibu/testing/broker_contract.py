"""What every broker has to do.

A subclass gives the fixtures ``broker`` and ``consume``, which returns all events published so far, in order.
"""

from __future__ import annotations

from collections.abc import Callable

from jibu.domain.events import Event
from jibu.ports import Broker
from jibu.testing.records_samples import event

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

    def test_nothing_to_publish_is_no_error(self, broker: Broker, consume: Consume) -> None:
        """An empty call stores nothing."""
        broker.publish([])
        assert consume() == []

    def test_it_answers_a_ping(self, broker: Broker) -> None:
        """``ping`` raises nothing while the broker is there."""
        broker.ping()
