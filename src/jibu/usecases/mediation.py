"""All that the information mediator does, together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jibu.domain.exchanges import Exchange
from jibu.ports.mediation import Upstream
from jibu.usecases.administering import Administration
from jibu.usecases.admitting import Admitting
from jibu.usecases.allowing import Allowing
from jibu.usecases.configuring import Configuring
from jibu.usecases.directory import Directory
from jibu.usecases.exchanges import MessageLog, Monitoring
from jibu.usecases.fetching import Fetching
from jibu.usecases.registering import Registrations


class Watch:
    """Passes on which exchanges this block made itself, to whoever counts them."""

    def __init__(self) -> None:
        self._watchers: list[Callable[[Exchange], None]] = []

    def add(self, watcher: Callable[[Exchange], None]) -> None:
        """Call this for each exchange from now on."""
        self._watchers.append(watcher)

    def __call__(self, exchange: Exchange) -> None:
        """Tell all."""
        for watcher in self._watchers:
            watcher(exchange)


@dataclass(frozen=True, slots=True)
class Mediation:
    """The mediator's use cases. ``made`` tells of the exchanges in which this block was the consumer."""

    directory: Directory
    admitting: Admitting
    upstream: Upstream
    administration: Administration
    registrations: Registrations
    messages: MessageLog
    monitoring: Monitoring
    configuring: Configuring
    allowing: Allowing
    fetching: Fetching
    made: Watch
