"""Whether revisions and what is stored now are what the audit log says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from jibu.domain.consent.canonical import Json, canonical, digest
from jibu.domain.consent.proving import ADDED, CHANGED, REMOVED, Finding
from jibu.domain.consent.snapshots import agreement_data, policy_data, record_data
from jibu.domain.consent.values import (
    Agreement,
    AuditEntry,
    ConsentRecord,
    Policy,
    RecordState,
    Revision,
    Schema,
)
from jibu.domain.consent.versions import accepted, version_of
from jibu.domain.errors import InvalidInput

REVISIONS = "consent_revisions"
TABLES = {
    Schema.POLICY: "consent_policies",
    Schema.AGREEMENT: "consent_agreements",
    Schema.RECORD: "consent_records",
}
STATES = {
    "record.created": RecordState.UNSIGNED,
    "record.opted-in": RecordState.UNSIGNED,
    "record.withdrawn": RecordState.UNSIGNED,
    "record.signing": RecordState.PENDING,
    "record.signed": RecordState.SIGNED,
}
Key = tuple[Schema, str]


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest revision of an object, without its text. ``data``: hash of what it says, None: of no form."""

    revision_id: str
    hash: str
    at: datetime
    data: bytes | None
    deleted: bool


class Chains:
    """All revisions: of each its hash, of each object the newest one. Whole chains are kept of agreements alone."""

    def __init__(self) -> None:
        self.newest: dict[Key, Newest] = {}
        self.agreements: dict[str, list[Revision]] = {}
        self.hashes: dict[str, bytes] = {}

    def read(self, revisions: Iterable[Revision]) -> Iterator[Finding]:
        """Check every chain against itself, and remember it."""
        for key, group in groupby(revisions, key=lambda r: (r.schema, r.object_id)):
            chain = list(group)
            yield from _chain(chain)
            self.hashes |= {one.revision_id: _sha(one.hash) for one in chain}
            data = _data(chain[-1])
            deleted = bool(data.get("deleted"))
            last = chain[-1]
            self.newest[key] = Newest(last.revision_id, last.hash, last.at, _fingerprint(data), deleted)
            if key[0] is Schema.AGREEMENT:
                self.agreements[key[1]] = chain


class Told:
    """What the audit log says, entry by entry. ``contents``: newest hash of what has no revisions."""

    def __init__(self, chains: Chains) -> None:
        self.states: dict[str, RecordState] = {}
        self.contents: dict[Key, str | None] = {}
        self._hashes = chains.hashes
        self._unnamed = set(chains.hashes)
        self._missing: dict[str, Key] = {}
        self._forgotten: set[Key] = set()
        self._found: list[Finding] = []

    def add(self, entry: AuditEntry) -> None:
        """Look at the next entry."""
        key = (entry.schema, entry.object_id)
        if entry.revision_id is not None:
            self._named(entry.revision_id, key, entry.revision_hash or "")
        elif entry.action == "record.forgotten":
            self._forgotten.add(key)
        elif entry.schema is Schema.INDIVIDUAL and entry.subject is not None:
            self.contents[Schema.INDIVIDUAL, entry.subject] = entry.revision_hash
        elif entry.schema is Schema.WEBHOOK:
            self.contents[key] = entry.revision_hash
        if entry.action in STATES:
            self.states[entry.object_id] = STATES[entry.action]

    def _named(self, revision_id: str, key: Key, expected: str) -> None:
        there = self._hashes.get(revision_id)
        self._unnamed.discard(revision_id)
        if there is None:
            self._missing[revision_id] = key
        elif there != _sha(expected):
            where = f"{REVISIONS} {revision_id}"
            self._found.append(Finding(CHANGED, where, "has another hash than the log says"))

    def end(self) -> Iterator[Finding]:
        """Yield where revisions and the log differ."""
        yield from self._found
        for revision_id, key in self._missing.items():
            if key not in self._forgotten:
                yield Finding(REMOVED, f"{REVISIONS} {revision_id}", f"of {key[0].value} {key[1]} is missing")
        for revision_id in self._unnamed:
            yield Finding(ADDED, f"{REVISIONS} {revision_id}", "is not in the log")


def _sha(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _fingerprint(data: Json) -> bytes | None:
    try:
        return _sha(canonical(data))
    except ValueError:
        return None


def _chain(chain: Sequence[Revision]) -> Iterator[Finding]:
    before: Revision | None = None
    for number, revision in enumerate(chain, 1):
        where = f"{REVISIONS} {revision.revision_id}"
        after = chain[number].revision_id if number < len(chain) else None
        if revision.hash != digest(revision.snapshot):
            yield Finding(CHANGED, where, "its snapshot does not have its hash")
        if revision.number != number or revision.predecessor_hash != (before and before.hash):
            yield Finding(CHANGED, where, "does not follow the revision before it")
        if revision.successor_id != after:
            yield Finding(CHANGED, where, "does not name the revision after it")
        before = revision


def check_objects(
    chains: Chains,
    log: Told,
    *,
    policies: Iterable[Policy],
    agreements: Iterable[tuple[Agreement, tuple[str, ...]]],
    records: Callable[[], Iterable[ConsentRecord]],
) -> Iterator[Finding]:
    """Check that each stored object is what its newest revision says, and that none is missing.

    ``records`` gives all of them each time that it is called.
    """
    unseen = set(chains.newest)
    for policy in policies:
        unseen.discard((Schema.POLICY, policy.policy_id))
        yield from _same(chains, Schema.POLICY, policy.policy_id, policy_data(policy))
    for agreement, accepts in agreements:
        unseen.discard((Schema.AGREEMENT, agreement.agreement_id))
        yield from _same(chains, Schema.AGREEMENT, agreement.agreement_id, agreement_data(agreement))
        yield from _accepts(chains, agreement.agreement_id, accepts)
    for record in records():
        record_id = record.record_id or ""
        unseen.discard((Schema.RECORD, record_id))
        yield from _same(chains, Schema.RECORD, record_id, record_data(record))
        yield from _record(chains, log, record)
    yield from _current(chains, records)
    for key in sorted(unseen):
        if not chains.newest[key].deleted:
            yield Finding(REMOVED, f"{TABLES[key[0]]} {key[1]}", "is missing, and no deletion was recorded")


def _data(revision: Revision) -> dict[str, Json]:
    try:
        found = json.loads(revision.snapshot)["objectData"]
    except (ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _same(chains: Chains, schema: Schema, object_id: str, data: dict[str, Json]) -> Iterator[Finding]:
    where = f"{TABLES[schema]} {object_id}"
    newest = chains.newest.get((schema, object_id))
    if newest is None:
        yield Finding(ADDED, where, "has no revision")
    elif newest.data is None or newest.data != _fingerprint(data):
        yield Finding(CHANGED, where, f"is not what its newest revision {newest.revision_id} says")


def _accepts(chains: Chains, agreement_id: str, accepts: tuple[str, ...]) -> Iterator[Finding]:
    chain = chains.agreements.get(agreement_id, [])
    try:
        *history, newest = [version_of(revision) for revision in chain]
        expected = set(accepted(history, newest))
    except (ValueError, InvalidInput, KeyError, AttributeError):
        return
    if expected != set(accepts):
        yield Finding(
            CHANGED, f"consent_agreement_accepts {agreement_id}", "accepts other revisions than it says"
        )


def _record(chains: Chains, log: Told, record: ConsentRecord) -> Iterator[Finding]:
    record_id = record.record_id or ""
    where = f"{TABLES[Schema.RECORD]} {record_id}"
    newest = chains.newest.get((Schema.RECORD, record_id))
    if newest is not None and newest.at != record.given_at:
        yield Finding(CHANGED, where, "was given at another time than its newest revision says")
    if log.states.get(record_id) != record.state:
        yield Finding(CHANGED, where, f"is {record.state.value}, which the log does not say")


def _current(chains: Chains, records: Callable[[], Iterable[ConsentRecord]]) -> Iterator[Finding]:
    """Of an individual's records for an agreement the one for the newest revision counts, and no other."""
    numbers = {one.revision_id: one.number for chain in chains.agreements.values() for one in chain}
    newest: dict[tuple[str, str], int] = {}
    for record in records():
        key = (record.individual_id, record.agreement_id)
        newest[key] = max(newest.get(key, 0), numbers.get(record.agreement_revision_id, 0))
    for record in records():
        counts = newest[record.individual_id, record.agreement_id]
        if record.current != (numbers.get(record.agreement_revision_id, 0) == counts):
            where = f"{TABLES[Schema.RECORD]} {record.record_id}"
            yield Finding(CHANGED, where, "counts where another one does, or does not where it should")
