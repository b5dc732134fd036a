"""What live data do for one question: asked for before anything else, judged, and told as sources."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from jibu.domain.access import Caller
from jibu.domain.answers import LiveConsulted, Question
from jibu.domain.bearing import THRESHOLDS
from jibu.domain.errors import (
    InvalidInput,
    Unavailable,
    UpstreamBadAnswer,
    UpstreamDenied,
    UpstreamError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from jibu.domain.live import LiveData, LiveFailure
from jibu.domain.live_citing import Cited, as_source, consulted
from jibu.domain.passages import Vector
from jibu.domain.personal import PersonalContext
from jibu.ports import UnitOfWork
from jibu.usecases.bearing import Judge, Judged
from jibu.usecases.consent_gate import Gate
from jibu.usecases.live import CLOSED_LIVE, Live

MOST_CITED = 4
BESIDE = 0.25
"""A further field has this share of the best one's odds, or it stays out."""
UNAVAILABLE = "service-unavailable"
_ERRORS: dict[str, type[UpstreamError]] = {
    cls.code: cls
    for cls in (UpstreamDenied, UpstreamRefused, UpstreamUnreachable, UpstreamTimeout, UpstreamBadAnswer)
}
_SAID = {
    UpstreamDenied: "may not be called by this block through X-Road",
    UpstreamRefused: "refused the connection",
    UpstreamUnreachable: "cannot be reached",
    UpstreamTimeout: "took too long",
}


@dataclass(frozen=True, slots=True)
class Consent:
    """Everything that an answer rests on, looked at again and again."""

    gate: Gate
    contexts: tuple[PersonalContext, ...] = ()

    def still(self) -> None:
        """Raises: ConsentRequired; Unavailable."""
        for context in self.contexts:
            self.gate.still(context)

    def holds(self, uow: UnitOfWork) -> None:
        """Look in this transaction. Raises: ConsentRequired; Unavailable."""
        for context in self.contexts:
            self.gate.holds(uow, context)


@dataclass(frozen=True, slots=True)
class Told:
    """What the services of a question said. ``fields`` bear on the question, best first."""

    services: tuple[str, ...] = ()
    data: LiveData = field(default_factory=LiveData)
    fields: tuple[Cited, ...] = ()
    confidence: float = 0.0

    @property
    def sources(self) -> tuple[LiveConsulted, ...]:
        """One line for each service."""
        return consulted(self.services, self.data)


NOTHING = Told()


class LiveReading:
    """Asks services, and chooses from what they say."""

    def __init__(self, *, live: Live, judge: Judge | None = None) -> None:
        self._live = live
        self._judge = judge

    def fetch(self, caller: Caller, question: Question, gate: Gate) -> tuple[Consent, LiveData]:
        """Ask the services that are named; the gate has admitted the context already.

        Raises: InvalidInput, Forbidden, ConsentRequired, Unavailable; before anything is sent, or after consent ended.
        """
        if question.context is None:
            if question.services:
                raise InvalidInput("services are asked on behalf of an individual", "personalContext")
            return Consent(gate), LiveData()
        if not question.services:
            return Consent(gate, (question.context,)), LiveData()
        plan = self._live.admit(caller, question.context, question.services, question.asked)
        consent = Consent(gate, tuple(dict.fromkeys((question.context, *plan.contexts))))
        return consent, self._live.fetch(plan)

    def read(self, question: Question, data: LiveData, *, language: str, vector: Vector, most: int) -> Told:
        """Return what of it bears on the question, at most ``most`` fields. Raises: Unavailable."""
        if not question.services:
            return NOTHING
        judged: list[Judged] = []
        if self._judge is not None and data.records:
            judged = self._judge.judge(question.text, language, vector, data.records)
        best = judged[0].probability if judged else 0.0
        chosen = _chosen(judged, min(most, MOST_CITED))
        name = secrets.token_hex(8)
        fields = tuple(
            as_source(f"live-{name}-{n}", one.record, one.field, one.probability)
            for n, one in enumerate(chosen)
        )
        return Told(question.services, data, fields, best)


CLOSED_READING = LiveReading(live=CLOSED_LIVE)
"""For a block that calls no services."""


def _chosen(judged: Sequence[Judged], most: int) -> list[Judged]:
    """Return what is told. With an item of a list the others are told: nearness cannot tell the eldest child."""
    found: list[Judged] = []
    for one in judged:
        if one.probability >= THRESHOLDS.partial and _odds(one) >= BESIDE * _odds(judged[0]):
            found += [other for other in _items(one, judged) if other not in found]
    return found[:most]


def _odds(one: Judged) -> float:
    return one.probability / max(1e-12, 1 - one.probability)


def _items(one: Judged, judged: Sequence[Judged]) -> list[Judged]:
    """Return the items of the list that a field is one of, in their order; else the field alone."""
    head, _, number = one.field.path.rpartition("/")
    if not number.isdecimal():
        return [one]
    # The items of a list are all called the same; members of an object that are named by numbers are not.
    alike = [o for o in judged if o.record is one.record and o.field.label == one.field.label]
    same = [(other.field.path.rpartition("/"), other) for other in alike]
    items = [(int(last), other) for (first, _, last), other in same if first == head and last.isdecimal()]
    return [other for _, other in sorted(items, key=lambda item: item[0])]


def raise_failure(failures: Sequence[LiveFailure]) -> None:
    """Raises: UpstreamError or Unavailable for the first failure; nothing where there is none."""
    for failure in failures:
        kind = _ERRORS.get(failure.reason)
        if kind is None:
            raise Unavailable(f"{failure.service_id} could not be asked: {failure.reason}")
        said = _SAID.get(kind, "gave an answer that cannot be used")
        raise kind(f"{failure.service_id} {said}", failure.service_id, failure.stage or "answer")
