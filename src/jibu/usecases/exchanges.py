"""Reading the message log: one's own exchanges, all of them for an auditor; figures and the machine's health."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Literal

from jibu.domain.access import Caller
from jibu.domain.errors import NotFound
from jibu.domain.exchanges import Batch, Exchange, ExchangeFilter, LoggedExchange, Traffic
from jibu.ports import Clock, Page, Records
from jibu.ports.mediation import Environment, EnvironmentProbe

AUDITOR = "audit.read"
RECENT = timedelta(hours=1)


class MessageLog:
    """What passed, without what it said."""

    def __init__(self, *, records: Records) -> None:
        self._records = records

    def keep(self, exchanges: Sequence[Exchange]) -> None:
        """Add exchanges to the log, all or none. Raises: Unavailable."""
        with self._records.write() as uow:
            uow.mediator.exchanges.add(exchanges)
            uow.commit()

    def page(
        self, caller: Caller, wanted: ExchangeFilter, *, offset: int, limit: int
    ) -> Page[LoggedExchange]:
        """List exchanges that the caller took part in (an auditor: all), newest first."""
        if AUDITOR not in caller.scopes:
            wanted = replace(wanted, party=caller.client)
        with self._records.read() as uow:
            return uow.mediator.exchanges.page(wanted, offset=offset, limit=limit)

    def get(self, caller: Caller, message_id: str) -> LoggedExchange:
        """Raises: NotFound, also for an exchange of others."""
        with self._records.read() as uow:
            found = uow.mediator.exchanges.get(message_id)
        took_part = caller.client in {found.exchange.consumer, found.exchange.provider}
        if not took_part and AUDITOR not in caller.scopes:
            raise NotFound(f"no message {message_id!r}")
        return found

    def batches(self, *, offset: int, limit: int) -> Page[Batch]:
        """List signed batches, newest first."""
        with self._records.read() as uow:
            return uow.mediator.exchanges.batches(offset=offset, limit=limit, newest_first=True)

    def batch(self, number: int) -> Batch:
        """Raises: NotFound."""
        with self._records.read() as uow:
            return uow.mediator.exchanges.batch(number)


class Monitoring:
    """Figures of the exchanges, and how the machine is."""

    def __init__(self, *, records: Records, probe: EnvironmentProbe, clock: Clock) -> None:
        self._records = records
        self._probe = probe
        self._clock = clock

    def traffic(
        self, by: Literal["service", "client"], wanted: ExchangeFilter, *, offset: int, limit: int
    ) -> Page[Traffic]:
        """Return figures by service or client; of the last hour where no time is given."""
        if wanted.since is None:
            wanted = replace(wanted, since=(wanted.until or self._clock()) - RECENT)
        with self._records.read() as uow:
            return uow.mediator.exchanges.traffic(by, wanted, offset=offset, limit=limit)

    def environment(self) -> Environment:
        """Raises: Unavailable."""
        return self._probe.look()
