"""The message log: what is kept of an exchange, and the chain that proves that nothing was changed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime

GENESIS = "0" * 64
"""What the first batch follows."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One exchange without its payload. Sizes in bytes, ``duration_ms`` until the last byte.

    ``endpoint`` is the template that was called, never the path. ``outcome``: "ok", "denied", "client-left" or the
    code of an error. ``request_sha256`` covers the request line (method, a blank, path with query, a line feed) and
    the body; ``response_sha256`` the body alone; both hash what passed, also where it ended early.
    """

    message_id: str
    request_id: str
    trace_id: str
    consumer: str
    provider: str
    service: str
    method: str
    endpoint: str
    started_at: datetime
    duration_ms: int
    request_bytes: int
    response_bytes: int
    request_sha256: str
    response_sha256: str
    status: int
    outcome: str

    def canonical(self) -> bytes:
        """Return what is hashed: a JSON list of the fields above in their order, compact, in UTF-8."""
        at = self.started_at.astimezone(UTC).isoformat(timespec="microseconds")
        return json.dumps(
            [
                self.message_id,
                self.request_id,
                self.trace_id,
                self.consumer,
                self.provider,
                self.service,
                self.method,
                self.endpoint,
                at,
                self.duration_ms,
                self.request_bytes,
                self.response_bytes,
                self.request_sha256,
                self.response_sha256,
                self.status,
                self.outcome,
            ],
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()


@dataclass(frozen=True, slots=True)
class LoggedExchange:
    """An exchange in the log. ``sequence`` and ``chain_sha256`` are None until its batch is signed."""

    exchange: Exchange
    sequence: int | None = None
    chain_sha256: str | None = None
    batch: int | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """A signed stretch of the chain: exchanges ``first`` to ``last``, from ``previous`` to ``head``.

    ``signature`` is a compact JWS of ``statement()`` with the key ``key_id``. ``dropped_at``: its exchanges were
    removed when their retention ended, for which ``drop_token`` is a JWS of ``drop_statement()``; the batch itself
    stays and holds the chain together.
    """

    number: int
    first: int
    last: int
    previous_sha256: str
    head_sha256: str
    signed_at: datetime
    key_id: str
    signature: str = ""
    dropped_at: datetime | None = None
    drop_token: str | None = None

    def drop_statement(self) -> bytes:
        """Return what is signed when the exchanges are removed."""
        at = (
            ""
            if self.dropped_at is None
            else self.dropped_at.astimezone(UTC).isoformat(timespec="microseconds")
        )
        said = {"type": "jibu.message-drop.v1", "batch": self.number, "head": self.head_sha256, "time": at}
        return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()

    def statement(self) -> bytes:
        """Return what is signed: a timestamp token over the head, as compact JSON with sorted names."""
        said = {
            "type": "jibu.message-batch.v1",
            "batch": self.number,
            "first": self.first,
            "last": self.last,
            "previous": self.previous_sha256,
            "head": self.head_sha256,
            "time": self.signed_at.astimezone(UTC).isoformat(timespec="microseconds"),
            "key": self.key_id,
        }
        return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()


def follow(previous: str, exchange: Exchange) -> str:
    """Return the chain's next link: SHA-256 over the link before and the exchange."""
    return hashlib.sha256(previous.encode() + b"\n" + exchange.canonical()).hexdigest()


@dataclass(frozen=True, slots=True)
class ExchangeFilter:
    """Which exchanges to list. ``party``: consumer or provider application that must have taken part."""

    party: str | None = None
    consumer: str | None = None
    provider: str | None = None
    service: str | None = None
    request_id: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Traffic:
    """Figures of one service or client over a time. Milliseconds and bytes; percentiles are of what was seen."""

    name: str
    exchanges: int
    failures: int
    request_bytes: int
    response_bytes: int
    p50_ms: int
    p95_ms: int
    p99_ms: int
    max_ms: int
