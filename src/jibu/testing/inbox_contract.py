"""What every inbox has to do.

A subclass gives the fixtures ``inbox``, ``again`` (which returns another reader of the same group) and ``send``, which
puts messages in, all on one partition.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from jibu.domain.arrivals import Arrival
from jibu.ports import Inbox

Send = Callable[[list[bytes]], None]
PATIENCE_S = 90.0


def take(inbox: Inbox, number: int) -> list[Arrival]:
    """Poll until that many messages are there; joining a group takes a while."""
    found: list[Arrival] = []
    deadline = time.monotonic() + PATIENCE_S
    while len(found) < number:
        assert time.monotonic() < deadline, f"only {len(found)} of {number} messages came"
        found += inbox.poll(wait_s=0.2, limit=number - len(found))
    return found


class InboxContract:
    """Tests that each adapter of ``Inbox`` runs."""

    def test_messages_come_in_order_and_once_they_are_settled_no_more(
        self, inbox: Inbox, again: Callable[[], Inbox], send: Send
    ) -> None:
        """Another reader goes on behind what was settled."""
        send([b"1", b"2", b"3", b"4"])
        first = take(inbox, 2)
        inbox.settle()
        inbox.close()
        rest = take(again(), 2)
        assert [arrival.value for arrival in first + rest] == [b"1", b"2", b"3", b"4"]
        assert len({arrival.place for arrival in first + rest}) == 4

    def test_what_was_not_settled_comes_again(self, inbox: Inbox, send: Send) -> None:
        """From the first one on, however much was polled."""
        send([b"1", b"2", b"3"])
        take(inbox, 1)
        inbox.settle()
        take(inbox, 2)
        inbox.start_over()
        assert [arrival.value for arrival in take(inbox, 2)] == [b"2", b"3"]

    def test_the_lag_is_what_was_not_settled(
        self, inbox: Inbox, again: Callable[[], Inbox], send: Send
    ) -> None:
        """What was polled and cannot be dealt with waits too, whichever reader is asked."""
        send([b"1", b"2", b"3"])
        take(inbox, 1)
        inbox.settle()
        assert inbox.lag() == 2
        take(inbox, 2)
        assert inbox.lag() == 2
        assert again().lag() == 2
        inbox.settle()
        assert inbox.lag() == 0

    def test_an_empty_message_and_none_at_all(self, inbox: Inbox, send: Send) -> None:
        """An empty value is a message; waiting without one returns none."""
        send([b""])
        assert [arrival.value for arrival in take(inbox, 1)] == [b""]
        assert list(inbox.poll(wait_s=0.05, limit=5)) == []
        inbox.settle()
        inbox.close()
        inbox.close()
