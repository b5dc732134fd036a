"""Builds Pub/Sub."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from jibu.ports import Clock, Records
from jibu.usecases.pubsub import PubSub
from jibu.usecases.pubsub.chores import Chores
from jibu.usecases.pubsub.publishing import Publishing
from jibu.usecases.pubsub.pushing import Pushing
from jibu.usecases.pubsub.rooms import Rooms
from jibu.usecases.pubsub.subscribing import Subscribing
from jibu.wiring.parts import Parts


def make_pubsub(records: Records, clock: Clock) -> PubSub:
    """Return what callers can do."""
    return PubSub(
        rooms=Rooms(records=records, clock=clock),
        publishing=Publishing(records=records, clock=clock),
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
            push_s=s.outbound_timeout_s,
        )
    finally:
        pusher.close()


def make_chores(p: Parts) -> Chores:
    """Return what has to be done now and then."""
    retention = timedelta(days=p.settings.pubsub_retention_days)
    return Chores(records=p.records, clock=p.clock, retention=retention)
