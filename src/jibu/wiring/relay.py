"""Builds the relay."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from jibu.relay import Relay
from jibu.settings import Settings
from jibu.usecases.indexing import Indexing
from jibu.wiring.erasing import erasing_of
from jibu.wiring.parts import Parts, parts


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
    )


@contextmanager
def build_relay(settings: Settings, *, follow: bool = False) -> Iterator[Relay]:
    """Build the relay alone. ``follow``: see ``parts``."""
    with parts(settings, follow=follow) as p:
        yield make_relay(p)
