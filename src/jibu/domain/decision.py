"""From confidence to a status."""

from __future__ import annotations

from dataclasses import dataclass

from jibu.domain.answers import AnswerStatus


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Confidence from which the documents are taken to hold the whole answer, or a part of it."""

    answered: float
    partial: float


def decide(confidence: float, thresholds: Thresholds) -> AnswerStatus:
    """Return answered, partial or not_found for a confidence between 0 and 1."""
    if confidence >= thresholds.answered:
        return AnswerStatus.ANSWERED
    if confidence >= thresholds.partial:
        return AnswerStatus.PARTIAL
    return AnswerStatus.NOT_FOUND


def better(one: AnswerStatus, other: AnswerStatus) -> AnswerStatus:
    """Return the status that says more."""
    order = (AnswerStatus.ANSWERED, AnswerStatus.PARTIAL, AnswerStatus.NOT_FOUND)
    return min(one, other, key=order.index)
