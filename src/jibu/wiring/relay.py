"""Builds the relay."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from jibu.ports import Inbox
from jibu.relay import Relay
from jibu.settings import Settings, freshness_allowed
from jibu.usecases.freshness import Freshness, Listening
from jibu.usecases.indexing import Indexing
from jibu.usecases.pubsub.publishing import FanOut
from jibu.usecases.pubsub.spreading import Spreading, Watching
from jibu.wiring.brokers import open_inbox, open_rooms_inbox
from jibu.wiring.consent import consent_handlers
from jibu.wiring.erasing import erasing_of
from jibu.wiring.mediation import make_sealing
from jibu.wiring.parts import Parts, parts
from jibu.wiring.pubsub import make_chores, make_pushing


def make_relay(p: Parts) -> Relay:
    """Return the relay over these adapters."""
    from jibu.adapters.parse.sandbox import SandboxedParser

    s = p.settings
    parser = SandboxedParser(
        timeout_s=s.parse_timeout_s,
        memory_bytes=s.parse_memory_bytes,
        max_pages=s.parse_max_pages,
        max_characters=s.parse_max_characters,
        max_bytes=s.max_upload_bytes,
    )
    indexing = Indexing(
        records=p.records,
        spaces=p.spaces,
        parser=parser,
        segmenter=p.segmenter,
        detector=p.detector,
        clock=p.clock,
    )
    erasing = erasing_of(p)
    return Relay(
        records=p.records,
        broker=p.broker,
        indexing=indexing,
        erasing=erasing,
        clock=p.clock,
        poll_s=s.relay_poll_s,
        keep_answers=timedelta(days=s.answer_retention_days),
        others=consent_handlers(p),
    )


@dataclass(frozen=True, slots=True)
class RelayProcess:
    """The relay and what works beside it, each in a thread of its own."""

    relay: Relay
    beside: tuple[Callable[[threading.Event], None], ...]

    def run_forever(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set."""
        threads = [threading.Thread(target=work, args=(stop,), name="beside-relay") for work in self.beside]
        for thread in threads:
            thread.start()
        try:
            self.relay.run_forever(stop)
        finally:
            stop.set()
            for thread in threads:
                thread.join()


@contextmanager
def build_relay(settings: Settings, *, follow: bool = False) -> Iterator[RelayProcess]:
    """Build the relay's process. ``follow``: see ``parts``."""
    with (
        parts(settings, follow=follow) as p,
        make_pushing(p) as pushing,
        open_inbox(settings) as inbox,
        open_rooms_inbox(settings) as rooms,
    ):
        beside = [pushing.run_forever, make_chores(p).run_forever, make_sealing(p).run_forever]
        if inbox is not None:
            beside.append(_listening(p, inbox).run_forever)
        fan_out = FanOut(records=p.records, clock=p.clock)
        if rooms is None:
            beside.append(Watching(fan_out=fan_out, poll_s=settings.relay_poll_s).run_forever)
        else:
            beside.append(Spreading(inbox=rooms, fan_out=fan_out).run_forever)
        yield RelayProcess(make_relay(p), tuple(beside))


def _listening(p: Parts, inbox: Inbox) -> Listening:
    freshness = Freshness(
        records=p.records,
        clock=p.clock,
        withdraw=erasing_of(p).document,
        allowed=freshness_allowed(p.settings),
    )
    return Listening(inbox=inbox, freshness=freshness)
