"""Live data: whether services may be asked about an individual, and asking them. Nothing of it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from jibu.domain.access import Caller
from jibu.domain.errors import Unavailable
from jibu.domain.live import Asked, LiveData
from jibu.domain.mediation import Endpoint, Service
from jibu.domain.personal import PersonalContext
from jibu.domain.shapes import UNKNOWN, Shape


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A service that will be asked: its operation, what follows its base URL, and its answer's shape."""

    service: Service
    endpoint: Endpoint
    target: str
    shape: Shape = UNKNOWN


@dataclass(frozen=True, slots=True)
class LivePlan:
    """What was admitted. ``client`` is the asking application.

    ``contexts`` are all that consent was asked under, the question's own first: what is made of live data rests on
    each of them.
    """

    context: PersonalContext
    contexts: tuple[PersonalContext, ...]
    client: str = ""
    asked: Asked | None = None
    calls: tuple[LiveCall, ...] = ()


class Live(Protocol):
    """What answers questions asks for live data."""

    def admit(
        self, caller: Caller, context: PersonalContext, services: Sequence[str], asked: Asked | None = None
    ) -> LivePlan:
        """Decide whether these services may be asked about the context's individual; nothing is sent.

        ``services`` are ids, INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE; ``asked`` None: ids are made. Decisions on
        consent are kept. Consent under the context itself is the caller's to ask for, before.
        Raises: InvalidInput (field ``personalContext/services``: unknown, twice, too many, not made for this);
        Forbidden; ConsentRequired; Unavailable.
        """

    def fetch(self, plan: LivePlan) -> LiveData:
        """Ask the services. What a service does wrong is a failure in the data, never raised.

        Raises: ConsentRequired when consent ended meanwhile; Unavailable when the exchange cannot be kept or nobody
        can tell whether consent holds. Nothing of the answers may be used then.
        """


class ClosedLive:
    """For a block that calls no services: nothing is admitted."""

    def admit(
        self,
        caller: Caller,  # noqa: ARG002
        context: PersonalContext,  # noqa: ARG002
        services: Sequence[str],  # noqa: ARG002
        asked: Asked | None = None,  # noqa: ARG002
    ) -> LivePlan:
        """Raises: Unavailable."""
        raise Unavailable("this service calls no other services")

    def fetch(self, plan: LivePlan) -> LiveData:  # noqa: ARG002
        """Raises: Unavailable."""
        raise Unavailable("this service calls no other services")


CLOSED_LIVE = ClosedLive()
