"""Whether the audit log is as it was written: what was changed, removed, added or reordered, by name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from jibu.domain.consent.canonical import GENESIS, digest
from jibu.domain.consent.chain import batch_words, commit, hash_of
from jibu.domain.consent.values import AuditBatch, AuditEntry
from jibu.domain.errors import InvalidInput

CHANGED, REMOVED, ADDED, REORDERED, UNSIGNED = "changed", "removed", "added", "reordered", "unsigned"
ENTRIES, BATCHES = "audit_entries", "audit_batches"
MAX_FINDINGS, MOST = 200, 1000
REHASHED = "does not have the hash that it was written with"
ReadSigned = Callable[[str], str]
"""Returns the text that the block has signed. Raises: InvalidInput."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was left. ``where`` names table and row."""

    kind: str
    where: str
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was looked at. ``signed``: how many entries a batch vouches for; ``head``: hash of the newest."""

    entries: int
    signed: int
    revisions: int
    batches: int
    head: str
    findings: tuple[Finding, ...]

    @property
    def intact(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


class Walk:
    """Goes along the chain, entry by entry. Of what passed it keeps hashes at the ``wanted`` positions alone."""

    def __init__(self, wanted: Iterable[int]) -> None:
        self.entries = 0
        self.position = 0
        self.hash = GENESIS
        self.hashes: dict[int, str] = {}
        self._wanted = frozenset(wanted)
        self._found: list[Finding] = []
        self._wrong: list[AuditEntry] = []

    def add(self, entry: AuditEntry) -> None:
        """Look at the next entry by position."""
        where = f"{ENTRIES} {entry.position}"
        found = _gap(self.position, entry.position)
        if hash_of(entry) != entry.hash:
            if len(self._wrong) < MAX_FINDINGS:
                self._wrong.append(entry)
            else:
                found.append(Finding(CHANGED, where, REHASHED))
        elif entry.position == self.position + 1 and entry.previous_hash != self.hash:
            found.append(
                Finding(REORDERED, where, "does not follow the entry before it: that one was replaced")
            )
        if entry.subject is not None and entry.commitment != commit(entry.subject, entry.salt or ""):
            found.append(Finding(CHANGED, where, "names another individual than when it was written"))
        self._found += found[: MOST - len(self._found)]
        if entry.position in self._wanted:
            self.hashes[entry.position] = entry.hash
        self.entries += 1
        self.hash, self.position = entry.hash, entry.position

    def end(self, head: tuple[int, str]) -> list[Finding]:
        """Return what was found, a bounded part of it. ``head`` is what was noted of the newest entry."""
        found = [_why(entry, self._wrong, f"{ENTRIES} {entry.position}") for entry in self._wrong]
        found += self._found + _gap(self.position, head[0] + 1)
        if self.position > head[0]:
            said = f"the log ended at {head[0]}, not at {self.position}"
            found.append(Finding(ADDED, f"{ENTRIES} {head[0] + 1}", said))
        elif self.position == head[0] and self.hash != head[1]:
            where = f"{ENTRIES} {self.position}"
            found.append(Finding(CHANGED, where, "is not the entry that was noted as the newest"))
        return found


def _gap(before: int, position: int) -> list[Finding]:
    missing = range(before + 1, position)
    if not missing:
        return []
    names = str(missing[0]) if len(missing) == 1 else f"{missing[0]}-{missing[-1]}"
    return [Finding(REMOVED, f"{ENTRIES} {names}", "is missing")]


def _why(entry: AuditEntry, wrong: Sequence[AuditEntry], where: str) -> Finding:
    """Tell a moved entry from a changed one: a moved one is right at another's place."""
    for other in wrong[:MAX_FINDINGS]:
        if (
            other.position != entry.position
            and hash_of(replace(entry, position=other.position)) == entry.hash
        ):
            return Finding(REORDERED, where, f"was entry {other.position}")
    return Finding(CHANGED, where, REHASHED)


def check_batches(
    batches: Sequence[AuditBatch], hashes: Mapping[int, str], read_signed: ReadSigned
) -> list[Finding]:
    """Check what the block has signed, and that the log still has it: ``hashes`` by position."""
    found: list[Finding] = []
    previous, last, number = GENESIS, 0, 0
    for batch in batches:
        where = f"{BATCHES} {batch.number}"
        if batch.number != number + 1:
            found.append(Finding(REMOVED, f"{BATCHES} {number + 1}", "is missing"))
            previous, last = _previous(batch, read_signed), batch.first - 1
        words = batch_words(
            number=batch.number,
            first=last + 1,
            last=batch.last,
            head=batch.head,
            at=batch.signed_at,
            previous=previous,
        )
        if not _signed(batch, words, read_signed) or batch.first != last + 1:
            found.append(Finding(CHANGED, where, "is not what the block's key has signed"))
        elif hashes.get(batch.last) != batch.head:
            kind = CHANGED if batch.last in hashes else REMOVED
            place = f"{ENTRIES} {batch.last}"
            found.append(
                Finding(kind, place, f"is not the one that the block has signed in batch {batch.number}")
            )
        previous, last, number = digest(batch.jws), batch.last, batch.number
    return found


def check_head(hashes: Mapping[int, str], kept: tuple[int, str]) -> list[Finding]:
    """Check that the log still has the entry that somebody noted elsewhere (position, hash)."""
    position, expected = kept
    if position == 0:
        return []
    there = hashes.get(position)
    if there == expected:
        return []
    kind = REMOVED if there is None else CHANGED
    return [Finding(kind, f"{ENTRIES} {position}", "is not the entry whose hash was kept elsewhere")]


def _signed(batch: AuditBatch, words: str, read_signed: ReadSigned) -> bool:
    try:
        return read_signed(batch.jws) == words
    except InvalidInput:
        return False


def _previous(batch: AuditBatch, read_signed: ReadSigned) -> str:
    try:
        return str(json.loads(read_signed(batch.jws))["previous"])
    except (InvalidInput, ValueError, KeyError, TypeError):
        return GENESIS
