"""Follow links: what a question asks for may stand partly in a document that the best one refers to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from jibu.domain.access import AccessFilter
from jibu.domain.fusion import LINK_AFTER
from jibu.domain.linking import LinkedDocument, best_linked, leading, link_floor
from jibu.domain.passages import FoundPassage, Vector, passage_id
from jibu.ports import Index, Records

LINKS_READ = 8
PASSAGES_READ = 400
"""Of one linked document; its first ones, where it is longer."""
POOL = 800
"""Of all linked documents together."""

NONE: NDArray[np.float32] = np.zeros((0, 0), np.float32)


@dataclass(frozen=True, slots=True)
class Stored:
    """Vectors that the index holds, ready to be compared: one row of ``matrix`` for each of ``passages``."""

    passages: tuple[str, ...]
    matrix: NDArray[np.float32]

    def nearness(self, question: Vector) -> dict[str, float]:
        """Return the cosine of each to the question's vector."""
        if not self.passages:
            return {}
        return dict(
            zip(self.passages, (self.matrix @ np.frombuffer(question, np.float32)).tolist(), strict=True)
        )


class Following:
    """Adds passages of linked documents to what a search found."""

    def __init__(self, *, records: Records, index: Index) -> None:
        self._records = records
        self._index = index

    def extend(
        self,
        found: list[FoundPassage],
        vector: Vector,
        access: AccessFilter,
        *,
        epoch: int,
        pool: Iterable[float],
    ) -> list[FoundPassage]:
        """Return what was found, and after rank ``LINK_AFTER`` the best passages of linked documents.

        Only when the two best passages are of one document; only of documents that ``access`` allows and that
        are not above that rank already. They take the score of the passage that they stand before, so that
        scores go on falling. ``pool`` holds the cosines of all candidates. Raises: Unavailable.
        """
        leader = leading([f.passage.document_id for f in found[:2]])
        if leader is None:
            return found
        with self._records.read() as uow:
            linked = uow.documents.linked(leader, access, LINKS_READ)
        shown = {f.passage.document_id for f in found[:LINK_AFTER]}
        document_of = _passages([one for one in linked if one.document_id not in shown])
        near = cosines(self._index, vector, list(document_of), access)
        best = best_linked(near, document_of, link_floor(pool))
        if not best:
            return found
        with self._records.read() as uow:
            fetched = uow.documents.hydrate(best, epoch=epoch, owners=access.owners)
        return _joined(found, fetched, near)


def cosines(index: Index, vector: Vector, passages: Sequence[str], access: AccessFilter) -> dict[str, float]:
    """Return how near each passage is to a question, without those that are absent or hidden. Raises: Unavailable."""
    return stored(index, passages, access).nearness(vector)


def stored(index: Index, passages: Sequence[str], access: AccessFilter) -> Stored:
    """Return the passages' vectors, without those that are absent or hidden. Raises: Unavailable."""
    vectors = index.vectors(passages, access) if passages else []
    found = {p: np.frombuffer(v, np.float32) for p, v in zip(passages, vectors, strict=True) if v is not None}
    return Stored(tuple(found), np.stack(list(found.values())) if found else NONE)


def _passages(linked: Sequence[LinkedDocument]) -> dict[str, str]:
    """Return the passages to look at, each with its document."""
    found: dict[str, str] = {}
    for one in linked:
        for ordinal in range(min(one.passages, PASSAGES_READ, POOL - len(found))):
            found[passage_id(one.document_id, one.version, ordinal)] = one.document_id
    return found


def _joined(
    found: list[FoundPassage], fetched: Sequence[FoundPassage], near: dict[str, float]
) -> list[FoundPassage]:
    known = {f.passage.passage_id: f for f in found}
    score = found[LINK_AFTER].score if len(found) > LINK_AFTER else found[-1].score
    linked = []
    for one in fetched:
        p = one.passage.passage_id
        lexical = known[p].lexical if p in known else None
        linked.append(replace(one, score=score, dense=near[p], lexical=lexical))
    moved = {f.passage.passage_id for f in linked}
    rest = [f for f in found[LINK_AFTER:] if f.passage.passage_id not in moved]
    return [*found[:LINK_AFTER], *linked, *rest]
