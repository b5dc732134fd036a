"""What goes wrong with a model server, told once, in a closed set of reasons that metrics may count."""

from __future__ import annotations

from typing import Literal

from jibu.domain.errors import Away

Reason = Literal[
    "away",
    "slow",
    "busy",
    "refused",
    "missing",
    "unfit",
    "rejected",
    "error",
    "malformed",
    "empty",
    "unsupported",
]
"""away: no connection; slow: over its time; busy: too many wait; refused: key or address; missing: no such model;
unfit: a model of the wrong kind or size; rejected: the input was refused; error: the server said so; malformed: not
what the protocol says; empty: nothing was said; unsupported: nothing of what was said stands in the sources."""

OF_THE_SERVER: frozenset[Reason] = frozenset(("away", "slow", "refused", "error", "malformed"))
"""Failures that speak against a server, not against what it was asked."""


class ModelFailed(Away):
    """A model did not do what it was asked. ``str(error)`` is safe to show; it names no host.

    No document is to blame for it: a text that a model cannot take gets a stand-in.
    """

    def __init__(self, message: str, reason: Reason, retry_after: float = 5.0) -> None:
        super().__init__(message, retry_after)
        self.reason: Reason = reason
