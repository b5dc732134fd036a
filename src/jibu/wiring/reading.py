"""Builds what answers questions over one pair of index and embedder, and again when another pair becomes live."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from jibu.domain.decision import Thresholds
from jibu.locales import Catalogue
from jibu.ports import Space
from jibu.settings import Settings
from jibu.usecases.answer import Answering
from jibu.usecases.bearing import Judge
from jibu.usecases.consent_gate import ConsentGate
from jibu.usecases.live import CLOSED_LIVE, Live
from jibu.usecases.live_reading import LiveReading
from jibu.usecases.search import Search
from jibu.usecases.system_card import SystemCardUse
from jibu.wiring.models import Writer
from jibu.wiring.parts import Parts


@dataclass(frozen=True, slots=True)
class Reading:
    """The use cases that hold an index and an embedder: always those of one generation."""

    number: int
    search: Search
    answering: Answering
    system_card: SystemCardUse


def live_reading(
    p: Parts, writer: Writer, catalogue: Catalogue, live: Live = CLOSED_LIVE
) -> Callable[[], Reading]:
    """Return what gives the use cases over the pair that is live now. That raises: Misconfigured, Unavailable."""
    lock = threading.Lock()
    held: list[Reading] = []

    def current() -> Reading:
        space = p.spaces.live()
        with lock:
            if not held or held[0].number != space.number:
                held[:] = [make_reading(p, space, writer, catalogue, live)]
            return held[0]

    return current


def make_reading(
    p: Parts, space: Space, writer: Writer, catalogue: Catalogue, live: Live = CLOSED_LIVE
) -> Reading:
    """Return the use cases over one pair."""
    generator = writer.generator(space.embedder, p.segmenter, p.detector)
    gate = ConsentGate(records=p.records, clock=p.clock)
    search = Search(
        records=p.records,
        index=space.index,
        embedder=space.embedder,
        segmenter=p.segmenter,
        detector=p.detector,
        consent=gate,
    )
    answering = Answering(
        records=p.records,
        search=search,
        generator=generator,
        phrases=catalogue.message,
        clock=p.clock,
        embedder_name=space.embedder.name,
        index_kind=p.settings.index,
        thresholds=_thresholds(p.settings),
        consent=gate,
        live=LiveReading(
            live=live, judge=Judge(embedder=space.embedder, segmenter=p.segmenter, detector=p.detector)
        ),
    )
    system_card = SystemCardUse(
        records=p.records,
        index=space.index,
        embedder=space.embedder.name,
        generator=generator.name,
        languages=catalogue.languages(),
    )
    return Reading(space.number, search, answering, system_card)


def _thresholds(settings: Settings) -> Thresholds:
    from jibu.domain.confidence import THRESHOLDS

    if settings.answered_threshold == 0:
        return THRESHOLDS
    return Thresholds(settings.answered_threshold, min(settings.answered_threshold, THRESHOLDS.partial))
