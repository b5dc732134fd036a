"""Whether revisions and what is stored now are what the audit log says."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from jibu.domain.consent.canonical import Json, digest
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
class Told:
    """What the audit log says. ``revisions``: hash of each; ``contents``: newest hash of what has no revisions."""

    revisions: dict[str, tuple[Key, str]] = field(default_factory=dict)
    forgotten: set[Key] = field(default_factory=set)
    states: dict[str, RecordState] = field(default_factory=dict)
    contents: dict[tuple[Schema, str], str | None] = field(default_factory=dict)


def told(entries: Iterable[AuditEntry]) -> Told:
    """Gather what the log says, in its order."""
    found = Told()
    for entry in entries:
        key = (entry.schema, entry.object_id)
        if entry.revision_id is not None:
            found.revisions[entry.revision_id] = (key, entry.revision_hash or "")
        elif entry.action == "record.forgotten":
            found.forgotten.add(key)
        elif entry.schema is Schema.INDIVIDUAL and entry.subject is not None:
            found.contents[Schema.INDIVIDUAL, entry.subject] = entry.revision_hash
        else:
            found.contents[key] = entry.revision_hash
        if entry.action in STATES:
            found.states[entry.object_id] = STATES[entry.action]
    return found


def check_revisions(
    revisions: Iterable[Revision], log: Told
) -> tuple[list[Finding], dict[Key, list[Revision]]]:
    """Check every chain of revisions against itself and the log; return the chains too."""
    found: list[Finding] = []
    chains: dict[Key, list[Revision]] = {}
    for key, group in groupby(revisions, key=lambda r: (r.schema, r.object_id)):
        chains[key] = list(group)
        found += _chain(chains[key])
    there = {revision.revision_id: revision for chain in chains.values() for revision in chain}
    for revision_id, (key, expected) in log.revisions.items():
        if revision_id not in there and key not in log.forgotten:
            found.append(
                Finding(REMOVED, f"{REVISIONS} {revision_id}", f"of {key[0].value} {key[1]} is missing")
            )
        elif revision_id in there and there[revision_id].hash != expected:
            found.append(Finding(CHANGED, f"{REVISIONS} {revision_id}", "has another hash than the log says"))
    found += [
        Finding(ADDED, f"{REVISIONS} {revision_id}", "is not in the log")
        for revision_id in there.keys() - log.revisions.keys()
    ]
    return found, chains


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
    chains: dict[Key, list[Revision]],
    log: Told,
    *,
    policies: Iterable[Policy],
    agreements: Iterable[tuple[Agreement, tuple[str, ...]]],
    records: Sequence[ConsentRecord],
) -> Iterator[Finding]:
    """Check that each stored object is what its newest revision says, and that none is missing."""
    seen: set[Key] = set()
    for policy in policies:
        seen.add((Schema.POLICY, policy.policy_id))
        yield from _same(chains, Schema.POLICY, policy.policy_id, policy_data(policy))
    for agreement, accepts in agreements:
        seen.add((Schema.AGREEMENT, agreement.agreement_id))
        yield from _same(chains, Schema.AGREEMENT, agreement.agreement_id, agreement_data(agreement))
        yield from _accepts(chains, agreement.agreement_id, accepts)
    for record in records:
        record_id = record.record_id or ""
        seen.add((Schema.RECORD, record_id))
        yield from _same(chains, Schema.RECORD, record_id, record_data(record))
        yield from _record(chains, log, record)
    yield from _current(chains, records)
    for key, chain in chains.items():
        if key not in seen and not _data(chain[-1]).get("deleted"):
            yield Finding(REMOVED, f"{TABLES[key[0]]} {key[1]}", "is missing, and no deletion was recorded")


def _data(revision: Revision) -> dict[str, Json]:
    try:
        found = json.loads(revision.snapshot)["objectData"]
    except (ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _same(
    chains: dict[Key, list[Revision]], schema: Schema, object_id: str, data: dict[str, Json]
) -> Iterator[Finding]:
    where = f"{TABLES[schema]} {object_id}"
    chain = chains.get((schema, object_id))
    if not chain:
        yield Finding(ADDED, where, "has no revision")
    elif _data(chain[-1]) != data:
        yield Finding(CHANGED, where, f"is not what its newest revision {chain[-1].revision_id} says")


def _accepts(
    chains: dict[Key, list[Revision]], agreement_id: str, accepts: tuple[str, ...]
) -> Iterator[Finding]:
    chain = chains.get((Schema.AGREEMENT, agreement_id), [])
    try:
        *history, newest = [version_of(revision) for revision in chain]
        expected = set(accepted(history, newest))
    except (ValueError, InvalidInput, KeyError, AttributeError):
        return
    if expected != set(accepts):
        yield Finding(
            CHANGED, f"consent_agreement_accepts {agreement_id}", "accepts other revisions than it says"
        )


def _record(chains: dict[Key, list[Revision]], log: Told, record: ConsentRecord) -> Iterator[Finding]:
    record_id = record.record_id or ""
    where = f"{TABLES[Schema.RECORD]} {record_id}"
    chain = chains.get((Schema.RECORD, record_id))
    if chain and chain[-1].at != record.given_at:
        yield Finding(CHANGED, where, "was given at another time than its newest revision says")
    if log.states.get(record_id) != record.state:
        yield Finding(CHANGED, where, f"is {record.state.value}, which the log does not say")


def _current(chains: dict[Key, list[Revision]], records: Sequence[ConsentRecord]) -> Iterator[Finding]:
    """Of an individual's records for an agreement the one for the newest revision counts, and no other."""
    numbers = {
        revision.revision_id: revision.number
        for (schema, _), chain in chains.items()
        if schema is Schema.AGREEMENT
        for revision in chain
    }
    newest: dict[tuple[str, str], int] = {}
    for record in records:
        key = (record.individual_id, record.agreement_id)
        newest[key] = max(newest.get(key, 0), numbers.get(record.agreement_revision_id, 0))
    for record in records:
        counts = newest[record.individual_id, record.agreement_id]
        if record.current != (numbers.get(record.agreement_revision_id, 0) == counts):
            where = f"{TABLES[Schema.RECORD]} {record.record_id}"
            yield Finding(CHANGED, where, "counts where another one does, or does not where it should")
