"""The audit log: signing it in batches, and proving it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TypeVar

from jibu.domain.consent.canonical import GENESIS, digest
from jibu.domain.consent.chain import BATCH_TYPE, batch_words
from jibu.domain.consent.events import BATCH_SIGNED
from jibu.domain.consent.proving import (
    CHANGED,
    UNSIGNED,
    Finding,
    Report,
    Walk,
    check_batches,
    check_head,
)
from jibu.domain.consent.proving_objects import Chains, Told, check_objects
from jibu.domain.consent.values import (
    Agreement,
    AuditBatch,
    AuditEntry,
    ConsentRecord,
    Individual,
    Policy,
    RecordState,
    Schema,
    Webhook,
)
from jibu.domain.errors import InvalidInput, NotFound
from jibu.domain.events import Job
from jibu.ports import Clock, Page, Records, SignatureChecker, Signer, UnitOfWork
from jibu.usecases.consent.individuals import keys_hash
from jibu.usecases.consent.webhooks import webhook_hash
from jibu.usecases.progress import Progress, counted, silent
from jibu.usecases.telling import tell
from jibu.usecases.work import SIGN_AUDIT, Handler, Keep

UNSIGNED_TOO_LONG = timedelta(minutes=15)
AT_ONCE = 1000
T = TypeVar("T")


class Auditing:
    """Signs what is new in the log; goes through all of it and of what it is about."""

    def __init__(
        self, *, records: Records, clock: Clock, signer: Signer, signatures: SignatureChecker
    ) -> None:
        self._records = records
        self._clock = clock
        self._signer = signer
        self._signatures = signatures

    @property
    def handlers(self) -> dict[str, Handler]:
        """What the relay calls for each kind of job."""
        return {SIGN_AUDIT: self.work}

    def work(self, job: Job, keep: Keep) -> None:
        """Sign what is new. Raises: LeaseLost, Unavailable."""
        keep()
        with self._records.write() as uow:
            # First of all, so that whoever adds an entry from now on leaves a new job.
            uow.outbox.finish(job)
            self._sign(uow)
            uow.commit()

    def sign(self) -> AuditBatch | None:
        """Sign now what is new; return the batch, None where nothing was. Raises: Unavailable."""
        with self._records.write() as uow:
            batch = self._sign(uow)
            uow.commit()
        return batch

    def _sign(self, uow: UnitOfWork) -> AuditBatch | None:
        position, head = uow.audit.head()
        last = uow.audit.last_batch()
        done = 0 if last is None else last.last
        if position <= done:
            return None
        at, number = self._clock(), 1 if last is None else last.number + 1
        previous = GENESIS if last is None else digest(last.jws)
        words = batch_words(number=number, first=done + 1, last=position, head=head, at=at, previous=previous)
        batch = AuditBatch(
            number, done + 1, position, head, at, self._signer.sign(words.encode(), BATCH_TYPE)
        )
        uow.audit.add_batch(batch)
        tell(uow, BATCH_SIGNED, "audit", at, number=number, first=done + 1, last=position, head=head)
        return batch

    def batches(self, *, offset: int, limit: int) -> Page[AuditBatch]:
        """List batches, oldest first. Raises: Unavailable."""
        with self._records.read() as uow:
            found = uow.audit.batches()
        return Page(tuple(found[offset : offset + limit]), len(found))

    def verify(self, kept: tuple[int, str] | None = None, progress: Progress = silent) -> Report:
        """Go through everything in one snapshot. ``kept``: position and hash that were noted elsewhere.

        Entries, revisions and records pass one by one; what is remembered of each is about its id and a hash.
        ``progress`` gets how many revisions and entries were looked at. Raises: Unavailable.
        """
        with self._records.read() as uow:
            head, batches = uow.audit.head(), uow.audit.batches()
            signed = batches[-1].last if batches else 0
            chains = Chains()
            found = list(chains.read(counted(uow.revisions.all(), progress)))
            revisions = len(chains.hashes)
            walk, log, late = self._walk(uow, chains, batches, kept, lambda n: progress(revisions + n))
            found += walk.end(head)
            found += check_batches(batches, walk.hashes, self._read_signed)
            found += [] if kept is None else check_head(walk.hashes, kept)
            found += log.end()
            found += check_objects(
                chains,
                log,
                policies=_policies(uow),
                agreements=[(one, uow.agreements.accepts(one.agreement_id)) for one in _agreements(uow)],
                records=lambda: _records(uow),
            )
            found += self._signed(uow, chains)
            found += _contents(uow, log.contents)
        if late is not None:
            where = f"audit_entries {late}-{walk.position}"
            found.append(Finding(UNSIGNED, where, "waits for the block's signature: does the relay run?"))
        return Report(walk.entries, signed, revisions, len(batches), walk.hash, tuple(dict.fromkeys(found)))

    def _walk(
        self,
        uow: UnitOfWork,
        chains: Chains,
        batches: list[AuditBatch],
        kept: tuple[int, str] | None,
        progress: Progress,
    ) -> tuple[Walk, Told, int | None]:
        """Go along the entries; return also the first one that has waited too long to be signed."""
        wanted = [batch.last for batch in batches] + ([] if kept is None else [kept[0]])
        walk, log, now = Walk(wanted), Told(chains), self._clock()
        signed, late = (batches[-1].last if batches else 0), None
        for entry in counted(_entries(uow), progress):
            walk.add(entry)
            log.add(entry)
            if late is None and entry.position > signed and now - entry.at > UNSIGNED_TOO_LONG:
                late = entry.position
        return walk, log, late

    def _read_signed(self, jws: str) -> str:
        return self._signer.verify(jws, BATCH_TYPE).decode()

    def _signed(self, uow: UnitOfWork, chains: Chains) -> Iterator[Finding]:
        """Check the signature of each signed record once more."""
        for record in _records(uow):
            if record.state is not RecordState.SIGNED:
                continue
            newest = chains.newest.get((Schema.RECORD, record.record_id or ""))
            if newest is None or not self._holds(uow, record, newest.hash):
                where = f"consent_signatures {record.signature_id}"
                yield Finding(CHANGED, where, f"does not hold for consent record {record.record_id}")

    def _holds(self, uow: UnitOfWork, record: ConsentRecord, newest: str) -> bool:
        try:
            signature = uow.consent.signature(record.signature_id or "")
            keys = uow.consent.individual(record.individual_id).keys
            if signature.verification_payload_hash != newest:
                return False
            if signature.payload:
                self._signatures.check(signature.value, signature.payload, keys)
        except (NotFound, InvalidInput):
            return False
        return True


def _contents(uow: UnitOfWork, contents: dict[tuple[Schema, str], str | None]) -> Iterator[Finding]:
    """Check what has no revisions by the hash that the log has of it."""
    for individual in _individuals(uow):
        expected = contents.get((Schema.INDIVIDUAL, individual.individual_id))
        # Of one who was forgotten the log has no name any more, so nothing to compare with.
        if expected is not None and expected != keys_hash(individual):
            yield Finding(CHANGED, f"consent_individuals {individual.individual_id}", "has other keys")
    there = {webhook.webhook_id: webhook for webhook in _webhooks(uow)}
    for (schema, name), expected in contents.items():
        if schema is Schema.WEBHOOK:
            webhook = there.pop(name, None)
            now = None if webhook is None else webhook_hash(webhook)
            if now != expected:
                yield Finding(CHANGED, f"consent_webhooks {name}", "is not as the log says")
    for name in there:
        yield Finding("added", f"consent_webhooks {name}", "is not in the log")


def _entries(uow: UnitOfWork) -> Iterator[AuditEntry]:
    after = 0
    while found := uow.audit.entries(after=after, limit=AT_ONCE):
        yield from found
        after = found[-1].position


def _policies(uow: UnitOfWork) -> Iterator[Policy]:
    return _all(lambda offset: uow.agreements.policies(offset=offset, limit=AT_ONCE).items)


def _agreements(uow: UnitOfWork) -> Iterator[Agreement]:
    return _all(lambda offset: uow.agreements.agreements(offset=offset, limit=AT_ONCE).items)


def _records(uow: UnitOfWork) -> Iterator[ConsentRecord]:
    return _all(lambda offset: uow.consent.records(offset=offset, limit=AT_ONCE).items)


def _individuals(uow: UnitOfWork) -> Iterator[Individual]:
    return _all(lambda offset: uow.consent.individuals(offset=offset, limit=AT_ONCE).items)


def _webhooks(uow: UnitOfWork) -> Iterator[Webhook]:
    return _all(lambda offset: uow.webhooks.page(offset=offset, limit=AT_ONCE).items)


def _all(page: Callable[[int], tuple[T, ...]]) -> Iterator[T]:
    offset = 0
    while found := page(offset):
        yield from found
        offset += len(found)
