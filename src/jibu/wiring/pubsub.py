"""Builds Pub/Sub."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from jibu.ports import Clock, Records
from jibu.usecases.pubsub import PubSub
from jibu.usecases.pubsub.publishing import Publishing
from jibu.usecases.pubsub.pushing import Pushing
from jibu.usecases.pubsub.rooms import Rooms
from jibu.usecases.pubsub.subscribing import Subscribing
from jibu.wiring.parts import Parts


def make_pubsub(records: Records, clock: Clock, *, broker: str) -> PubSub:
    """Return what callers can do. With Kafka deliveries are made by who reads the events back from it."""
    return PubSub(
        rooms=Rooms(records=records, clock=clock),
        publishing=Publishing(records=records, clock=clock, fan_out_here=broker == "local"),
        subscribing=Subscribing(records=records, clock=clock),
    )


@contextmanager
def make_pushing(p: Parts) -> Iterator[Pushing]:
    """Return what pushes events to subscribers. Raises: Misconfigured."""
    from jibu.adapters.outbound.push import HttpPusher

    s = p.settings
    pusher = HttpPusher(
        allow_private=s.outbound_allow_private, timeout_s=s.outbound_timeout_s, ca_file=s.outbound_ca_file
    )
    try:
        yield Pushing(
            records=p.records,
            pusher=pusher,
            signer=p.signer,
            clock=p.clock,
            retention=timedelta(days=s.pubsub_retention_days),
        )
    finally:
        pusher.close()
