"""The clock and other systems."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from jibu.domain.access import Caller
from jibu.domain.events import Event

Clock = Callable[[], datetime]
"""Returns the present time, UTC and aware."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An event that a broker would refuse again, whatever the weather; ``reason`` is a word like ``too-large``."""

    event_id: str
    reason: str


class Broker(Protocol):
    """Takes events to other blocks, at least once, in order per key.

    A publisher that was frozen and wakes up late never slips events in between those of the one that took over:
    its call as a whole comes before, or fails. Every call ends in bounded time.
    """

    def publish(self, events: Sequence[Event]) -> Sequence[Refusal]:
        """Store all and return when they are stored; return those that are refused for what they are.

        An event behind a refused one of the same key is not stored either. After an error some may have been
        stored: publish the same again, in the same order. Raises: Unavailable; Misconfigured.
        """

    def ping(self) -> None:
        """Raises: Unavailable; Misconfigured."""


@dataclass(frozen=True, slots=True)
class LogSlice:
    """Events with their positions, oldest first, and the positions of the first and last one that the log has.

    Both are 0 in a log that never had one. ``first`` is behind ``last`` in one whose events are all gone.
    """

    items: tuple[tuple[int, Event], ...]
    first: int
    last: int


class EventLog(Protocol):
    """What a broker that runs inside this block has kept, the newest so many."""

    def slice(self, *, after: int, limit: int, types: Sequence[str] = ()) -> LogSlice:
        """Return up to ``limit`` events behind a position, of these types or of all. Raises: Unavailable."""


class TokenVerifier(Protocol):
    """Checks bearer tokens."""

    def verify(self, token: str) -> Caller:
        """Raises: Unauthenticated; Unavailable when the keys cannot be had."""


class Signer(Protocol):
    """The block's own key. Anybody can check what it signs with the public keys alone."""

    @property
    def kid(self) -> str:
        """The id of the key that signs now."""

    def sign(self, payload: bytes, typ: str = "JOSE") -> str:
        """Return a compact JWS (RFC 7515, EdDSA) that holds the payload.

        ``typ`` says what it is for (``jibu-receipt+jws``), so that one kind is never taken for another.
        Raises: InvalidInput (a ``typ`` that cannot stand in a header); Unavailable.
        """

    def verify(self, token: str, typ: str = "JOSE") -> bytes:
        """Return the payload of what this block signed, with this or an earlier key, for this purpose.

        Raises: InvalidInput (field ``signature``) for anything else; Unavailable.
        """

    def jwks(self) -> bytes:
        """Return the public keys as a JSON Web Key Set, the one that signs first, then earlier ones."""


class SignatureChecker(Protocol):
    """Checks what individuals sign (JWS: RS256, ES256, EdDSA)."""

    def read_key(self, jwk: str) -> str:
        """Return a public key (a JWK in JSON) as it is kept, with a ``kid``: its own or its thumbprint.

        Raises: InvalidInput for anything that is no public key of these kinds.
        """

    def check(self, jws: str, payload: str, keys: Sequence[str]) -> str:
        """Return the ``kid`` of the key that signed: one of ``keys``, or one that this deployment trusts.

        ``jws`` is compact; it holds ``payload`` or leaves it out. Raises: InvalidInput for anything else.
        """
