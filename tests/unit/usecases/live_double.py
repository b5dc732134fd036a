"""A ``Live`` without a network, for tests of what is made of live data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from jibu.domain.access import Caller
from jibu.domain.errors import InvalidInput
from jibu.domain.live import Asked, LiveData, LiveFailure, LiveField, LiveRecord, LiveSource
from jibu.domain.personal import PersonalContext
from jibu.usecases.live import LivePlan

REGISTRY = "ZZ/GOV/office/registry/person"
AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def record(
    *fields: tuple[str, str], service: str = REGISTRY, title: str = "Civil registry", language: str = "en"
) -> LiveRecord:
    """Return a record of (label, text) pairs; a field's path is its label in one word."""
    said = tuple(LiveField(f"/{label.replace(' ', '')}", (label,), text) for label, text in fields)
    return LiveRecord(LiveSource(service, title, AT, "m" * 32, "a" * 64), said, language)


@dataclass
class LiveDouble:
    """Says for each service what it was given. ``admit`` raises ``refuse``; ``fetch`` calls ``on_fetch``."""

    says: dict[str, LiveRecord | LiveFailure]
    contexts: tuple[PersonalContext, ...] = ()
    refuse: Exception | None = None
    on_fetch: Callable[[], None] = lambda: None
    heard: list[str] = field(default_factory=list)
    named: tuple[str, ...] = ()

    def admit(
        self,
        caller: Caller,
        context: PersonalContext,
        services: Sequence[str],
        asked: Asked | None = None,
    ) -> LivePlan:
        """Note what was asked for. Raises: ``refuse``; InvalidInput for a service that it was not given."""
        self.heard.append("admit")
        if self.refuse is not None:
            raise self.refuse
        if not set(services) <= set(self.says):
            raise InvalidInput("no such service", "personalContext/services/0")
        self.named = tuple(services)
        return LivePlan(context, (context, *self.contexts), caller.client, asked)

    def fetch(self, plan: LivePlan) -> LiveData:  # noqa: ARG002
        """Return what was given. Raises: as ``on_fetch``."""
        self.heard.append("fetch")
        self.on_fetch()
        told = [self.says[name] for name in self.named]
        return LiveData(
            tuple(one for one in told if isinstance(one, LiveRecord)),
            tuple(one for one in told if isinstance(one, LiveFailure)),
        )
