"""Builds what asks services for live data."""

from __future__ import annotations

from collections.abc import Callable

from jibu.domain.exchanges import Exchange
from jibu.ports import Clock, Records
from jibu.settings import Settings
from jibu.usecases.asking import Limits, LiveServices
from jibu.usecases.consent_gate import ConsentGate
from jibu.usecases.live import Live
from jibu.wiring.mediation import make_upstream, own_services


def make_live(settings: Settings, records: Records, clock: Clock, watch: Callable[[Exchange], None]) -> Live:
    """Return what asks services, over what calls them for the relay too; ``watch`` is told of each exchange.

    Raises: Misconfigured.
    """
    from jibu.adapters.mediator.asking import UpstreamMediator
    from jibu.adapters.mediator.openapi import OpenApiReader
    from jibu.adapters.mediator.resting import RestingMediator

    return LiveServices(
        records=records,
        own=own_services(settings),
        consent=ConsentGate(records=records, clock=clock),
        mediator=RestingMediator(UpstreamMediator(lambda: make_upstream(settings))),
        reader=OpenApiReader(),
        limits=Limits(settings.live_timeout_s, settings.live_max_bytes),
        watch=watch,
    )
