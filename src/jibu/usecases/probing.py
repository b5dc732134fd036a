"""Look at a new generation of the index before it goes live: does it find what it should?"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from jibu.domain.access import AccessFilter, owner_key
from jibu.domain.chunking import index_text
from jibu.domain.errors import JibuError, Misconfigured, NotFound
from jibu.domain.passages import Passage, Vector
from jibu.ports import Records, Space

PROBES = 64
DEPTH = 10
SELF_FOUND = 0.95
"""Least share of the probes that have to find themselves by their own text."""
MAY_LOSE = 0.2
"""How much less than the live index the new one may find by first sentences: some two standard errors of 64 probes."""
OWN = 0.95
"""Least cosine of a passage's stored vector, which may be rounded, and the one its text gives now."""
TIED = 0.01
"""Passages this near to a probe's own score are copies of it: any of them may stand first."""
ALIKE = 0.999
"""Mean cosine of different texts from which a model tells nothing apart."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A live passage, the text by which it is indexed, and who may find it."""

    passage: Passage
    text: str
    access: AccessFilter

    @property
    def question(self) -> str:
        """Its first sentence: what somebody might ask who knows it."""
        if not self.passage.sentences:
            return self.passage.text
        first = self.passage.sentences[0]
        return self.passage.text[first.start - self.passage.start : first.end - self.passage.start]


@dataclass(frozen=True, slots=True)
class Probed:
    """Shares of the ``probes``, 0 to 1, that were found by their own text and by their first sentence.

    ``live_by_sentence``: the latter in the live index, None where that was not or could not be asked.
    """

    probes: int
    by_text: float
    by_sentence: float
    live_by_sentence: float | None


def choose(records: Records, count: int = PROBES) -> list[Probe]:
    """Return the fixed probes of these documents: chosen by a hash, from as many documents as may be."""
    with records.read() as uow:
        documents = heapq.nsmallest(count, uow.documents.live(), key=lambda one: _hash(one[0]))
    each = -(-count // len(documents)) if documents else 0
    return [probe for document, version in documents for probe in _of(records, document, version, each)][
        :count
    ]


def _of(records: Records, document_id: str, version: int, count: int) -> list[Probe]:
    with records.read() as uow:
        try:
            document = uow.documents.get(document_id, version)
        except NotFound:
            return []
        passages = uow.documents.passages(document_id, version)
    owner = owner_key(document.individual_id, document.agreement_id)
    owners = frozenset[str]() if owner is None else frozenset({owner})
    access = AccessFilter(frozenset({document.collection_id}), owners)
    chosen = heapq.nsmallest(count, passages, key=lambda passage: _hash(passage.passage_id))
    return [Probe(p, index_text(document.title, p), access) for p in chosen]


def probe(
    probes: Sequence[Probe], space: Space, live: Space | None, step: Callable[[], None] = lambda: None
) -> Probed:
    """Ask both generations for the probes. ``live`` None: there is nothing to compare with.

    Raises: Misconfigured when the embedder gives all texts one vector; Unavailable (the new generation).
    """
    vectors: list[Vector] = []
    for one in probes:
        vectors += space.embedder.embed_passages([one.text])
        step()
    _tell_apart(space, probes, vectors)
    by_text = [_finds_itself(space, *both) for both in zip(probes, vectors, strict=True)]
    live_share = None
    if live is not None:
        try:
            live_share = _share([_by_sentence(live, one) for one in probes])
        except JibuError:
            live_share = None  # that it is away may be why there is to be another one
    by_sentence = _share([_by_sentence(space, one) for one in probes])
    return Probed(len(probes), _share(by_text), by_sentence, live_share)


def judge(found: Probed) -> str | None:
    """Return why the new generation must not go live, None when it may."""
    if found.by_text < SELF_FOUND:
        return f"only {found.by_text:.0%} of {found.probes} passages find themselves by their own text"
    live = found.live_by_sentence
    if live is not None and found.by_sentence < live - MAY_LOSE:
        return (
            f"first sentences find their passage in {found.by_sentence:.0%} of {found.probes} cases, "
            f"in the live index in {live:.0%}"
        )
    return None


def _tell_apart(space: Space, probes: Sequence[Probe], vectors: Sequence[Vector]) -> None:
    different = [
        _cosine(one, other)
        for (p, one), (q, other) in pairwise(zip(probes, vectors, strict=True))
        if p.text != q.text
    ]
    if different and sum(different) / len(different) > ALIKE:
        raise Misconfigured(
            f"{space.embedder.name} gives different texts the same vector: it is no embedding model; choose another one"
        )


def _finds_itself(space: Space, one: Probe, vector: Vector) -> bool:
    """Tell whether the passage is kept with its own vector and is found by it, or copies of it are."""
    [own] = space.index.vectors([one.passage.passage_id], one.access)
    if own is None:
        return False
    near = _cosine(own, vector)
    hits = space.index.dense(vector, one.access, DEPTH)
    first = any(hit.passage_id == one.passage.passage_id for hit in hits)
    return near >= OWN and (first or (bool(hits) and hits[-1].score <= near + TIED))


def _cosine(one: Vector, other: Vector) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def _by_sentence(space: Space, one: Probe) -> bool:
    hits = space.index.dense(space.embedder.embed_query(one.question), one.access, DEPTH)
    return any(hit.passage_id == one.passage.passage_id for hit in hits)


def _share(found: Sequence[bool]) -> float:
    return sum(found) / len(found) if found else 1.0


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
