"""One exchange as it passes: counted, hashed, and kept in the message log before its last byte goes out."""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime

from starlette.types import Message, Receive

from jibu.domain.errors import Forbidden, JibuError, TooLarge
from jibu.domain.exchanges import Exchange
from jibu.domain.mediation import ApplicationId
from jibu.domain.targets import Target
from jibu.http.exchange import Identity
from jibu.http.journal import Journal
from jibu.http.metrics import Metrics
from jibu.http.problems import kind_of

OK, DENIED, LEFT = "ok", "denied", "client-left"


class Recording:
    """What becomes one line of the message log. ``end`` keeps it, once."""

    def __init__(
        self,
        identity: Identity,
        client: ApplicationId,
        target: Target,
        method: str,
        *,
        journal: Journal,
        metrics: Metrics,
    ) -> None:
        self.status = 0
        self.outcome = LEFT
        self.endpoint = ""
        self.requested = 0
        self.answered = 0
        self._identity = identity
        self._client = client
        self._target = target
        self._method = method
        self._journal = journal
        self._metrics = metrics
        self._at = datetime.now(UTC)
        self._started = time.perf_counter()
        line = f"{method} {target.path}{'?' if target.query else ''}{target.query}\n"
        self._request, self._response = hashlib.sha256(line.encode()), hashlib.sha256()
        self._ended = False

    def received(self, receive: Receive, limit: int) -> Receive:
        """Return a channel that counts and hashes the request's body. Raises: TooLarge."""

        async def counted() -> Message:
            message = await receive()
            body = message.get("body", b"")
            if body:
                self.requested += len(body)
                if self.requested > limit:
                    raise TooLarge(f"the body is longer than {limit} bytes")
                self._request.update(body)
            return message

        return counted

    def sent(self, chunk: bytes) -> None:
        """Count and hash a piece of the answer."""
        self.answered += len(chunk)
        self._response.update(chunk)

    def failed(self, error: JibuError) -> None:
        """Note what went wrong."""
        kind = kind_of(error)
        self.status = self.status or kind.status
        self.outcome = DENIED if isinstance(error, Forbidden) else kind.slug

    async def end(self) -> None:
        """Keep the exchange. Raises: Unavailable when it cannot be kept, whereupon the answer must not be finished."""
        if self._ended:
            return
        self._ended = True
        seconds = time.perf_counter() - self._started
        self._metrics.exchange(
            service=self._target.service_id, client=str(self._client), outcome=self.outcome, seconds=seconds
        )
        await self._journal.add(self._exchange(seconds))

    def _exchange(self, seconds: float) -> Exchange:
        return Exchange(
            message_id=self._identity.message_id,
            request_id=self._identity.request_id,
            trace_id=self._identity.trace_id,
            consumer=str(self._client),
            provider=str(self._target.provider),
            service=self._target.service,
            method=self._method,
            endpoint=self.endpoint,
            started_at=self._at,
            duration_ms=round(1000 * seconds),
            request_bytes=self.requested,
            response_bytes=self.answered,
            request_sha256=self._request.hexdigest(),
            response_sha256=self._response.hexdigest(),
            status=self.status,
            outcome=self.outcome,
        )
