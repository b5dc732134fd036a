"""Several servers: each call goes to a healthy one with the least to do, and to the next where that one fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from jibu.adapters.model.breaker import Breaker
from jibu.adapters.model.failures import OF_THE_SERVER, ModelFailed, Reason
from jibu.adapters.model.ollama.client import OllamaServer

T = TypeVar("T")
ELSEWHERE: frozenset[Reason] = OF_THE_SERVER | {"missing", "busy"}
"""Failures after which another server may do better. A model need not be on every one."""


class _Member:
    """A server, how it does, and how much it does now."""

    def __init__(self, server: OllamaServer, breaker: Breaker) -> None:
        self.server = server
        self.breaker = breaker
        self.running = 0


class Servers:
    """The configured servers. Safe from any thread."""

    def __init__(self, servers: Sequence[OllamaServer], *, breaker: Callable[[], Breaker] = Breaker) -> None:
        self._members = [_Member(server, breaker()) for server in servers]
        self._lock = threading.Lock()

    def all(self) -> tuple[OllamaServer, ...]:
        """Return the servers in the order of the configuration."""
        return tuple(member.server for member in self._members)

    def use(self, work: Callable[[OllamaServer], T]) -> T:
        """Return what ``work`` returns; it is asked again of the next server where one fails. Raises: ModelFailed."""
        failure: ModelFailed | None = None
        tried: set[str] = set()
        while True:
            try:
                with self.one(tried) as server:
                    return work(server)
            except ModelFailed as error:
                if error.reason not in ELSEWHERE or len(tried) == len(self._members):
                    raise failure or error from (error.__cause__ if failure is None else error)
                failure = failure or error

    def ask(self, work: Callable[[OllamaServer], T]) -> T:
        """Return what the first server says that can, whatever was learnt of it. Raises: ModelFailed.

        For probes: what they find says nothing of real work, so it opens and closes no breaker.
        """
        failure: ModelFailed | None = None
        for member in self._members:
            try:
                return work(member.server)
            except ModelFailed as error:
                failure = failure or error
        raise failure or ModelFailed("no model server is configured", "away")

    @contextmanager
    def one(self, tried: set[str] | None = None) -> Iterator[OllamaServer]:
        """Lend the best server that is not among ``tried``, which then has it; learn from how it went.

        Raises: ModelFailed (away) where none may be called now.
        """
        member = self._pick(tried if tried is not None else set())
        try:
            yield member.server
        except ModelFailed as error:
            if error.reason in OF_THE_SERVER:
                member.breaker.failed()
            else:
                member.breaker.succeeded()
            raise
        else:
            member.breaker.succeeded()
        finally:
            with self._lock:
                member.running -= 1

    def _pick(self, tried: set[str]) -> _Member:
        with self._lock:
            for member in sorted(self._members, key=lambda m: (not m.breaker.closed, m.running)):
                if member.server.url not in tried and member.breaker.admit():
                    tried.add(member.server.url)
                    member.running += 1
                    return member
            rest = [m.breaker.wait_s() for m in self._members if m.server.url not in tried]
            tried.update(m.server.url for m in self._members)
        raise ModelFailed("no model server can be reached", "away", max(1.0, min(rest, default=1.0)))
