"""What health, ``jibu check`` and the metrics look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jibu.domain.errors import Unavailable
from jibu.ports import Backlog, Index
from jibu.usecases.diagnosis import check_counts, check_embedder, check_segmenter
from jibu.usecases.health import Health
from jibu.wiring.models import Writer, model_checks
from jibu.wiring.parts import Parts
from jibu.wiring.safety import embedded_parts

if TYPE_CHECKING:
    from jibu.adapters.auth.keys import KeySet

RELAY_SILENT_S = 30.0
EVENTS_LATE_S = 120.0
DIAGNOSIS_S = 60.0


def health_of(p: Parts, writer: Writer, *, external_issuer: bool) -> Health:
    """Return what the readiness probe asks."""
    embedded = embedded_parts(p.settings)
    return Health(
        (
            ("records", p.records.ping),
            ("index", lambda: _ask(p.index)),
            *model_checks(lambda: p.embedder),
            *writer.checks(),
            ("broker", p.broker.ping),
            ("relay", lambda: _look_at_relay(p)),
            ("events", lambda: _look_at_outbox(p)),
        ),
        advisory=frozenset(("broker", "generator", "relay", "events")),
        embedded=embedded if external_issuer else (*embedded, "tokens: local issuer"),
    )


def diagnosis_of(p: Parts, keys: KeySet) -> Health:
    """What takes longer than a probe may: for ``jibu check``."""
    return Health(
        (
            ("passages", lambda: check_counts(p.records, p.index, at=p.clock())),
            ("embedder", lambda: check_embedder(p.embedder)),
            ("segmenter", lambda: check_segmenter(p.segmenter)),
            ("keys", keys.ping),
        ),
        timeout_s=DIAGNOSIS_S,
    )


def _ask(index: Index) -> None:
    index.info()


def _look_at_relay(p: Parts) -> None:
    """Raises: Unavailable when no relay has been seen for a while, or work was given up."""
    waiting = backlog_of(p)
    seen = waiting.relay_seen_at
    if seen is None or (p.clock() - seen).total_seconds() > RELAY_SILENT_S:
        raise Unavailable("no relay is running: documents are received, but not indexed")
    if waiting.parked:
        raise Unavailable(f"{waiting.parked} jobs were given up; the log says why")


def _look_at_outbox(p: Parts) -> None:
    """Raises: Unavailable when events were given up, or wait for long."""
    waiting = backlog_of(p)
    if waiting.parked_events:
        raise Unavailable(f"{waiting.parked_events} events were given up; see `jibu events parked`")
    if waiting.oldest_event_age_s > EVENTS_LATE_S:
        raise Unavailable(f"{waiting.events} events wait, the oldest for {waiting.oldest_event_age_s:.0f} s")


def backlog_of(p: Parts) -> Backlog:
    """Return what waits in the outbox. Raises: Unavailable."""
    with p.records.read() as uow:
        return uow.outbox.backlog(at=p.clock())
