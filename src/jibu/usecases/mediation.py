"""All that the information mediator does, together."""

from __future__ import annotations

from dataclasses import dataclass

from jibu.ports.mediation import Upstream
from jibu.usecases.administering import Administration
from jibu.usecases.admitting import Admitting
from jibu.usecases.directory import Directory
from jibu.usecases.exchanges import MessageLog, Monitoring
from jibu.usecases.registering import Registrations


@dataclass(frozen=True, slots=True)
class Mediation:
    """The mediator's use cases."""

    directory: Directory
    admitting: Admitting
    upstream: Upstream
    administration: Administration
    registrations: Registrations
    messages: MessageLog
    monitoring: Monitoring
