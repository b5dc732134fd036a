"""Reading what this block has told others, where its own log keeps it."""

from __future__ import annotations

from dataclasses import dataclass

from jibu.domain.errors import InvalidInput, NotFound
from jibu.domain.event_types import EMITTED, aggregate_of
from jibu.domain.events import Event
from jibu.ports import EventLog

ELSEWHERE = (
    "this deployment publishes its events to Kafka and keeps no log of its own; read the topics that "
    "/openapi/events.yaml describes"
)
TOPICS = tuple(dict.fromkeys(aggregate_of(name) for name in EMITTED))


@dataclass(frozen=True, slots=True)
class LogPage:
    """Events with their positions, oldest first. ``after``: from where to go on reading.

    ``oldest`` and ``newest`` are where the log begins and ends. ``missed``: what came between the position that was
    asked for and the first one here is not in the log any more.
    """

    items: tuple[tuple[int, Event], ...]
    after: int
    oldest: int
    newest: int
    missed: bool


class Events:
    """The log of published events. ``log`` is None where events go elsewhere; ``source`` names this block."""

    def __init__(self, *, log: EventLog | None, source: str) -> None:
        self.source = source
        self._log = log

    def page(self, *, after: int, limit: int, type_: str | None = None, topic: str | None = None) -> LogPage:
        """Return events behind a position. Raises: NotFound (no log here), InvalidInput, Unavailable."""
        types = _types(type_, topic)
        if self._log is None:
            raise NotFound(ELSEWHERE)
        found = self._log.slice(after=after, limit=limit, types=types)
        missed = 0 < after < found.first - 1
        if after > found.last:
            # A log that was started anew has never had this position.
            missed, found = True, self._log.slice(after=0, limit=limit, types=types)
            after = 0
        # Where the page is not full all up to the end was looked at, so nobody has to look there again.
        end = found.items[-1][0] if len(found.items) == limit else max(after, found.last)
        return LogPage(found.items, end, found.first, found.last, missed)


def _types(type_: str | None, topic: str | None) -> tuple[str, ...]:
    """Return the types that are wanted, none for all. Raises: InvalidInput."""
    if type_ is not None and type_ not in EMITTED:
        raise InvalidInput(f"no such type; there is {', '.join(EMITTED)}", "type")
    if topic is not None and topic not in TOPICS:
        raise InvalidInput(f"no such topic; there is {', '.join(TOPICS)}", "topic")
    if type_ is not None and topic is not None and aggregate_of(type_) != topic:
        raise InvalidInput(f"this type is in the topic {aggregate_of(type_)}", "type")
    if type_ is not None:
        return (type_,)
    return () if topic is None else tuple(name for name in EMITTED if aggregate_of(name) == topic)
