"""Checking the message log: changed, removed, added or reordered entries show, whoever changed them."""

from __future__ import annotations

from collections.abc import Iterator

from jibu.domain.chains import ChainReport, Fault
from jibu.domain.errors import InvalidInput
from jibu.domain.exchanges import GENESIS, Batch, LoggedExchange, follow
from jibu.ports import Records, Signer
from jibu.usecases.progress import Progress, silent
from jibu.usecases.sealing import DROP_TYPE, TYPE

NAME = "message log"
PAGE = 200
MOST_FAULTS = 100


class MessageLogCheck:
    """Follows the chain from its beginning and checks every signature with the block's keys."""

    def __init__(self, *, records: Records, signer: Signer) -> None:
        self._records = records
        self._signer = signer

    def verify(self, *, expect: str | None = None, progress: Progress = silent) -> ChainReport:
        """Return what was found. ``expect``: a head (``NUMBER:SHA256``) that was kept elsewhere. Raises: Unavailable.

        It reads one snapshot, batch by batch: what is added meanwhile does not disturb it. ``progress`` gets how many
        entries were looked at.
        """
        faults: list[Fault] = []
        previous: Batch | None = None
        kept = None if expect is None else _head(expect)
        there: str | None = None
        batches = entries = dropped = 0
        with self._records.read() as uow:
            log = uow.mediator.exchanges
            total, waiting = log.count()
            for offset in range(0, log.batches(offset=0, limit=1).total, PAGE):
                for batch in log.batches(offset=offset, limit=PAGE).items:
                    rows = log.of_batch(batch.number)
                    found = [*self._batch(previous, batch), *self._rows(batch, rows)]
                    faults += found[: MOST_FAULTS - len(faults)]
                    entries += len(rows)
                    dropped += batch.dropped_at is not None
                    if kept is not None and kept[0] == batch.number:
                        there = batch.head_sha256
                    batches += 1
                    previous = batch
                    progress(entries)
        if total != entries + waiting:
            faults.append(Fault(NAME, f"{total - entries - waiting} entries are in no batch that exists"))
        if kept is not None and there != kept[1]:
            what = "is gone" if there is None else "has another head than the one you kept"
            faults.append(Fault(f"batch {kept[0]}", what))
        head = "none" if previous is None else f"{previous.number}:{previous.head_sha256}"
        return ChainReport(NAME, batches, entries, waiting, dropped, head, tuple(faults))

    def _batch(self, previous: Batch | None, batch: Batch) -> Iterator[Fault]:
        """Yield what is wrong with a batch itself."""
        where = f"batch {batch.number}"
        number, last, head = (
            (0, 0, GENESIS) if previous is None else (previous.number, previous.last, previous.head_sha256)
        )
        if batch.number != number + 1:
            yield Fault(where, f"follows batch {number}: batches between them are gone")
        elif (batch.first, batch.previous_sha256) != (last + 1, head):
            yield Fault(where, "does not follow the batch before it")
        if not self._signed(batch.signature, TYPE, batch.statement()):
            yield Fault(where, "is not as it was signed")
        if batch.dropped_at is not None:
            if previous is not None and previous.dropped_at is None:
                yield Fault(where, "is said to be dropped, but an older one is not")
            if not self._signed(batch.drop_token or "", DROP_TYPE, batch.drop_statement()):
                yield Fault(where, "was not dropped by this block")

    def _rows(self, batch: Batch, rows: list[LoggedExchange]) -> Iterator[Fault]:
        """Yield what is wrong with the exchanges of a batch."""
        where = f"batch {batch.number}"
        if batch.dropped_at is not None:
            if rows:
                yield Fault(where, "was dropped, but has entries")
            return
        link, place = batch.previous_sha256, batch.first
        for row in rows:
            entry = f"entry {row.sequence} ({row.exchange.message_id})"
            if row.sequence != place:
                yield Fault(where, f"has entry {row.sequence} where {place} belongs")
                return
            link, place = follow(link, row.exchange), place + 1
            if row.chain_sha256 != link:
                yield Fault(where, f"{entry} is not as it was signed")
                return
        if place != batch.last + 1:
            yield Fault(where, f"entries {place} to {batch.last} are gone")
        elif link != batch.head_sha256:
            yield Fault(where, "does not end with its head")

    def _signed(self, token: str, purpose: str, statement: bytes) -> bool:
        try:
            return self._signer.verify(token, purpose) == statement
        except InvalidInput:
            return False


def _head(expect: str) -> tuple[int, str]:
    """Read a head that was kept elsewhere. Raises: InvalidInput."""
    number, _, head = expect.partition(":")
    if not (number.isascii() and number.isdigit() and len(head) == 64):
        raise InvalidInput("a head is a batch's number, a colon and 64 hexadecimal digits", "expect")
    return int(number), head
