"""Chaining and signing the message log, in batches, beside the requests: an exchange waits for no signature."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from jibu.domain.errors import Conflict, JibuError
from jibu.domain.exchanges import GENESIS, Batch, Exchange, follow
from jibu.ports import Clock, Records, Signer, UnitOfWork

TYPE = "jibu-message-batch+jws"
DROP_TYPE = "jibu-message-drop+jws"
MOST = 1000
EVERY_S = 1.0
DROP_EVERY_S = 600.0
DROP_AT_ONCE = 200


class Sealing:
    """Puts what waits into signed batches, and drops whole batches whose retention has ended.

    Several may run on one store: the chain has room for one at a time.
    """

    def __init__(
        self, *, records: Records, signer: Signer, clock: Clock, keep: timedelta, every_s: float = EVERY_S
    ) -> None:
        self._records = records
        self._signer = signer
        self._clock = clock
        self._keep = keep
        self._every_s = every_s
        self._log = structlog.get_logger("jibu.mediator")

    def run_forever(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set; then seal what is left. Errors are logged and never end the loop."""
        drop_from = 0.0
        while not stop.wait(self._every_s):
            self._turn(drop=time.monotonic() >= drop_from)
            if time.monotonic() >= drop_from:
                drop_from = time.monotonic() + DROP_EVERY_S
        self._turn(drop=False)

    def _turn(self, *, drop: bool) -> None:
        try:
            while self.seal() == MOST:
                pass
            while drop and self.drop():
                pass
        except Exception as error:  # noqa: BLE001 - whatever it is, the next turn may work
            name = error.code if isinstance(error, JibuError) else type(error).__name__
            self._log.warning("sealing the message log failed", error=name)

    def seal(self) -> int:
        """Sign one batch of what waits; return how many exchanges it has. Raises: Unavailable."""
        with self._records.read() as uow:
            if not uow.mediator.exchanges.waiting(limit=1):
                return 0
        with self._records.write() as uow:
            exchanges = uow.mediator.exchanges.waiting(limit=MOST)
            if not exchanges:
                return 0
            batch, links = self._batch(_newest(uow), exchanges)
            try:
                uow.mediator.exchanges.seal(batch, links)
            except Conflict:
                return 0
            uow.commit()
        return len(exchanges)

    def _batch(
        self, newest: Batch | None, exchanges: list[Exchange]
    ) -> tuple[Batch, list[tuple[str, int, str]]]:
        number, last, head = (
            (0, 0, GENESIS) if newest is None else (newest.number, newest.last, newest.head_sha256)
        )
        links: list[tuple[str, int, str]] = []
        link = head
        for place, exchange in enumerate(exchanges, start=last + 1):
            link = follow(link, exchange)
            links.append((exchange.message_id, place, link))
        batch = Batch(
            number=number + 1,
            first=last + 1,
            last=last + len(exchanges),
            previous_sha256=head,
            head_sha256=link,
            signed_at=_after(self._clock(), newest),
            key_id=self._signer.kid,
        )
        return replace(batch, signature=self._signer.sign(batch.statement(), TYPE)), links

    def drop(self) -> int:
        """Remove the exchanges of batches whose time is over; return how many. Raises: Unavailable."""
        at = self._clock()
        with self._records.write() as uow:
            old = uow.mediator.exchanges.old(before=at - self._keep, limit=DROP_AT_ONCE)
            dropped = 0
            for batch in old:
                gone = replace(batch, dropped_at=at)
                token = self._signer.sign(gone.drop_statement(), DROP_TYPE)
                dropped += uow.mediator.exchanges.drop(replace(gone, drop_token=token))
            uow.commit()
        return dropped


def _newest(uow: UnitOfWork) -> Batch | None:
    found = uow.mediator.exchanges.batches(offset=0, limit=1, newest_first=True).items
    return found[0] if found else None


def _after(at: datetime, newest: Batch | None) -> datetime:
    """Return the time, never before the batch that came before: clocks may step back."""
    return at if newest is None else max(at, newest.signed_at)
