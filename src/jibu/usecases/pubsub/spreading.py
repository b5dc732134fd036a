"""Who makes the deliveries: with Kafka whoever reads the events back from it, else whoever looks first."""

from __future__ import annotations

import json
import threading

import structlog

from jibu.domain.errors import JibuError
from jibu.domain.pubsub import PUBLISHED
from jibu.ports import Inbox
from jibu.usecases.publishing import backoff
from jibu.usecases.pubsub.publishing import FanOut
from jibu.usecases.pubsub.rights import CLIENT

AT_ONCE, WAIT_S = 200, 0.5
FIRST_DELAY_S, LONGEST_DELAY_S = 1.0, 30.0


class Spreading:
    """Takes this block's own events from the inbox and makes the deliveries of the rooms that they name.

    A message is settled after the deliveries are made, and making them twice does no harm. What is no event of a
    publication is passed over: the topic carries other events of rooms as well. What was published while another
    broker was chosen is dealt with at the start.
    """

    def __init__(self, *, inbox: Inbox, fan_out: FanOut) -> None:
        self._inbox = inbox
        self._fan_out = fan_out
        self._log = structlog.get_logger("jibu.pubsub")

    def run_forever(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set. Errors are logged and never end the loop."""
        failures, behind = 0, True
        while not stop.is_set():
            try:
                if behind:
                    behind = self._fan_out.run_all() > 0
                self.turn()
                failures = 0
            except Exception as error:  # noqa: BLE001 - whatever it is, it must live
                self._inbox.start_over()
                failures += 1
                delay = backoff(failures, FIRST_DELAY_S, LONGEST_DELAY_S)
                self._log.warning("fan-out failed", error=_name(error), again_in_s=delay)
                stop.wait(delay)

    def turn(self) -> int:
        """Deal with the next messages; return how many. Raises: Unavailable; Misconfigured."""
        arrivals = self._inbox.poll(wait_s=WAIT_S, limit=AT_ONCE)
        named = (room_told(arrival.value) for arrival in arrivals)
        for room_id in dict.fromkeys(room for room in named if room is not None):
            self._fan_out.run(room_id)
        if arrivals:
            self._inbox.settle()
        return len(arrivals)


class Watching:
    """Makes the deliveries where no broker brings the events back: looks for rooms that are behind.

    A thread of its own: no long document keeps events waiting. Several processes may look; rooms take turns.
    """

    def __init__(self, *, fan_out: FanOut, poll_s: float) -> None:
        self._fan_out = fan_out
        self._poll_s = poll_s
        self._log = structlog.get_logger("jibu.pubsub")

    def run_forever(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set. Errors are logged and never end the loop."""
        failures = 0
        while not stop.is_set():
            try:
                found = self._fan_out.run_all()
                failures = 0
            except Exception as error:  # noqa: BLE001 - whatever it is, it must live
                failures += 1
                delay = backoff(failures, FIRST_DELAY_S, LONGEST_DELAY_S)
                self._log.warning("fan-out failed", error=_name(error), again_in_s=delay)
                stop.wait(delay)
            else:
                if not found:
                    stop.wait(self._poll_s)


def room_told(value: bytes) -> str | None:
    """Return the room in which a message says that an event was published, None for any other message."""
    try:
        told = json.loads(value)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or told.get("type") != PUBLISHED:
        return None
    subject = told.get("subject")
    return subject if isinstance(subject, str) and CLIENT.fullmatch(subject) else None


def _name(error: Exception) -> str:
    """Return what may be logged of an error."""
    return error.code if isinstance(error, JibuError) else type(error).__name__
