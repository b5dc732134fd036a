"""Leaves services alone for a while that failed several times in a row: who asks them waits for nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from jibu.adapters.model.breaker import Breaker
from jibu.domain.errors import UpstreamRefused, UpstreamTimeout, UpstreamUnreachable
from jibu.ports.mediation import Mediator, ServiceCall, ServiceReply

OF_THE_SERVICE = (UpstreamRefused, UpstreamTimeout, UpstreamUnreachable)
"""Failures after which the next question would most likely wait in vain too. A bad answer comes at once."""
MOST = 1024


class RestingMediator:
    """See ``jibu.ports.mediation.Mediator``. Safe from any thread; each process finds out for itself."""

    def __init__(self, inner: Mediator, *, breaker: Callable[[], Breaker] = Breaker) -> None:
        self._inner = inner
        self._breaker = breaker
        self._breakers: dict[tuple[str, str | None], Breaker] = {}
        self._lock = threading.Lock()

    def ask(
        self, calls: Sequence[ServiceCall], *, seconds: float, max_bytes: int
    ) -> tuple[ServiceReply, ...]:
        """Call those that may be called. Raises: as the adapter."""
        breakers = [self._of(call) for call in calls]
        admitted = [breaker.admit() for breaker in breakers]
        made = [call for call, may in zip(calls, admitted, strict=True) if may]
        replies = iter(self._inner.ask(made, seconds=seconds, max_bytes=max_bytes))
        found = []
        for call, breaker, may in zip(calls, breakers, admitted, strict=True):
            reply = next(replies) if may else _rested(call, breaker)
            if may:
                _learn(breaker, reply)
            found.append(reply)
        return tuple(found)

    def _of(self, call: ServiceCall) -> Breaker:
        """Return what is known of a service at its present address."""
        key = (call.service.service_id, call.service.base_url)
        with self._lock:
            if key not in self._breakers and len(self._breakers) >= MOST:
                self._breakers.clear()
            return self._breakers.setdefault(key, self._breaker())


def _learn(breaker: Breaker, reply: ServiceReply) -> None:
    if isinstance(reply.error, OF_THE_SERVICE):
        breaker.failed()
    else:
        breaker.succeeded()


def _rested(call: ServiceCall, breaker: Breaker) -> ServiceReply:
    name, seconds = call.service.service_id, breaker.wait_s()
    error = UpstreamUnreachable(
        f"{name} failed several times in a row and is left alone for {seconds:.0f} s", name, "connect"
    )
    return ServiceReply(datetime.now(UTC), 0, asked=False, error=error)
