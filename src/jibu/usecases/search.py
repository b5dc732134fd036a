"""Find passages: dense and lexical side by side, fused, under the caller's access filter."""

from __future__ import annotations

import time
from array import array
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from jibu.domain.access import AccessFilter, Caller
from jibu.domain.chunking import index_text
from jibu.domain.confidence import NOTHING, SHOWN, Features, confidence, features
from jibu.domain.errors import NotFound
from jibu.domain.fusion import DEPTH, LINK_AFTER, ranked
from jibu.domain.passages import FoundPassage, Hit, Vector
from jibu.domain.personal import Permit, PersonalContext
from jibu.domain.questions import check_text
from jibu.domain.thinning import thinned
from jibu.ports import Embedder, Index, LanguageDetector, Records, Segmenter, UnitOfWork, WeightedTerm
from jibu.usecases.candidates import candidates_of, fused, primary, scored
from jibu.usecases.consent_gate import CLOSED, Gate
from jibu.usecases.following import Following, Stored, stored
from jibu.usecases.wording import Terms, Wording

HISTORY_TURNS = 6
BESIDE = 8
"""Threads that search by words while the model works."""
AHEAD = 10
SPARE = 5
"""Passages fetched beyond those asked for: some may be near-duplicates or of a version that is not live."""


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What to look for. ``language`` narrows to passages in it; ``collections`` None: all readable ones."""

    query: str
    collections: tuple[str, ...] | None = None
    limit: int = 10
    language: str | None = None
    conversation_id: str | None = None
    judge: bool = True
    """Whether to tell how sure it is that the answer is there; it costs some milliseconds."""
    context: PersonalContext | None = None
    """On behalf of whom, where documents of an individual may be found too."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What was found, best first. ``language`` is the question's.

    Times in milliseconds: the embedder's own, and what the whole search took beyond it, from first line to last.
    """

    passages: tuple[FoundPassage, ...]
    question_vector: Vector
    terms: tuple[WeightedTerm, ...]
    language: str
    features: Features
    confidence: float
    embed_ms: float
    retrieval_ms: float


@dataclass(frozen=True, slots=True)
class _Scene:
    """What one read of the records says before the index is asked."""

    epoch: int
    access: AccessFilter
    earlier: tuple[str, ...]
    """What the user said before in this conversation, latest first."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A passage with its search terms."""

    found: FoundPassage
    terms: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What is known before the vector: the best by words with their vectors, and the very best of them read."""

    scene: _Scene
    language: str
    terms: Terms
    worded: dict[str, Hit]
    vectors: Stored
    ahead: dict[str, _Read]


class Search:
    """Hybrid search over what a caller may read."""

    def __init__(
        self,
        *,
        records: Records,
        index: Index,
        embedder: Embedder,
        segmenter: Segmenter,
        detector: LanguageDetector,
        consent: Gate = CLOSED,
    ) -> None:
        self._records = records
        self._consent = consent
        self._index = index
        self._embedder = embedder
        self._segmenter = segmenter
        self._detector = detector
        self._wording = Wording(index=index, segmenter=segmenter)
        self._following = Following(records=records, index=index)
        self._beside = ThreadPoolExecutor(BESIDE, thread_name_prefix="search-words")

    def search(self, caller: Caller, request: SearchRequest, *, permit: Permit | None = None) -> SearchResult:
        """Return the best passages; of an individual's only where consent holds from before to after the search.

        ``permit``: what the gate said already for this request. Raises: InvalidInput (query), NotFound (collection
        or conversation, also when it is another's), ConsentRequired, Unavailable.
        """
        query = check_text(request.query, "query")
        if request.context is None:
            return self._search(caller, query, request)
        if permit is None or permit.context != request.context:
            self._consent.admit(caller, request.context, "search")
        found = self._search(caller, query, request)
        self._consent.still(request.context)
        return found

    def _search(self, caller: Caller, query: str, request: SearchRequest) -> SearchResult:
        began = time.perf_counter()
        # A vector that depends on no earlier turn waits for nothing: the model starts at once.
        scene = None if request.conversation_id is None else self._scene(caller, request)
        beside = self._beside.submit(self._prepare, caller, query, request, scene)
        try:
            vector, embed_ms = self._embed(query, () if scene is None else scene.earlier)
        finally:
            wait((beside,))  # what was begun ends here, also where nobody needs it any more
        return self._find(request, beside.result(), vector, embed_ms, began)

    def _prepare(self, caller: Caller, query: str, request: SearchRequest, scene: _Scene | None) -> _Prepared:
        """Do all that needs no vector; it costs no time as long as the model, which leaves a core free, takes more."""
        scene = scene or self._scene(caller, request)
        language = self._detector.detect(query)
        terms = self._wording.terms(query, language, scene.earlier)
        worded = self._worded(terms, scene.access)
        vectors = stored(self._index, list(worded), scene.access)
        ahead = self._read_ahead(list(worded)[:AHEAD], scene, judge=request.judge)
        return _Prepared(scene, language, terms, worded, vectors, ahead)

    def _find(
        self, request: SearchRequest, ready: _Prepared, vector: Vector, embed_ms: float, began: float
    ) -> SearchResult:
        """Do the rest."""
        scene, terms, ahead = ready.scene, ready.terms, ready.ahead
        near = self._near(vector, scene.access)
        candidates = candidates_of(ready.worded, near, ready.vectors.nearness(vector), ready.language)
        scores = fused(candidates, terms.mass)
        order = ranked(scores)
        first = max(request.limit * 3 // 2, request.limit + SPARE)
        live = self._fetch(order[:first], ahead, scene)
        if len(live) < min(request.limit, len(order)):  # many of a version that is not live
            live = self._fetch(order, ahead, scene)
        found = [scored(f, candidates, scores) for f in live]
        seen = NOTHING
        if request.judge:
            follow_up = float(bool(scene.earlier))
            seen = replace(self._features(order, scores, found, terms, ahead), follow_up=follow_up)
        if request.limit > LINK_AFTER:
            pool = (c.dense for c in candidates.values())
            found = self._following.extend(found, vector, scene.access, epoch=scene.epoch, pool=pool)
        return SearchResult(
            passages=tuple(islice(thinned(found), request.limit)),
            question_vector=vector,
            terms=terms.weighted,
            language=ready.language,
            features=seen,
            confidence=confidence(seen),
            embed_ms=embed_ms,
            retrieval_ms=1000 * (time.perf_counter() - began) - embed_ms,
        )

    def _scene(self, caller: Caller, request: SearchRequest) -> _Scene:
        with self._records.read() as uow:
            earlier: tuple[str, ...] = ()
            if request.conversation_id is not None:
                earlier = uow.conversations.asked(
                    request.conversation_id, caller.owner, HISTORY_TURNS, context=request.context
                )
            languages = frozenset() if request.language is None else frozenset((primary(request.language),))
            owners = frozenset() if request.context is None else frozenset((request.context.owner,))
            access = AccessFilter(_allowed(uow, caller, request.collections), owners, languages)
            return _Scene(uow.documents.epoch(), access, earlier)

    def _embed(self, query: str, earlier: Sequence[str]) -> tuple[Vector, float]:
        """Return the question's vector and the milliseconds it took."""
        began = time.perf_counter()
        vector = self._vector(query, earlier)
        return vector, 1000 * (time.perf_counter() - began)

    def _vector(self, query: str, earlier: Sequence[str]) -> Vector:
        """Return the question's vector; a follow-up is read together with the turn before it."""
        alone = self._embedder.embed_query(query)
        if not earlier:
            return alone
        together = self._embedder.embed_query(f"{earlier[0]}\n{query}")
        total = np.frombuffer(alone, np.float32) + np.frombuffer(together, np.float32)
        return _vector(total / max(float(np.linalg.norm(total)), 1e-9))

    def _worded(self, terms: Terms, access: AccessFilter) -> dict[str, Hit]:
        """Return the best passages by words."""
        if not access.collections:
            return {}
        return {hit.passage_id: hit for hit in self._index.lexical(terms.weighted, access, DEPTH)}

    def _near(self, vector: Vector, access: AccessFilter) -> dict[str, Hit]:
        """Return the best passages by meaning."""
        if not access.collections:
            return {}
        return {hit.passage_id: hit for hit in self._index.dense(vector, access, DEPTH)}

    def _read_ahead(self, passages: list[str], scene: _Scene, *, judge: bool) -> dict[str, _Read]:
        """Fetch and read the best by words while the model works: most of them are among the best of all."""
        fetched = self._fetch(passages, {}, scene)
        return {f.passage.passage_id: _Read(f, self._read(f) if judge else frozenset()) for f in fetched}

    def _read(self, found: FoundPassage) -> frozenset[str]:
        return frozenset(
            self._segmenter.terms(index_text(found.title, found.passage), found.passage.language)
        )

    def _fetch(self, wanted: list[str], ahead: dict[str, _Read], scene: _Scene) -> list[FoundPassage]:
        """Return passages in this order, without those that are not live."""
        missing = [p for p in wanted if p not in ahead]
        fetched = {p: read.found for p, read in ahead.items()}
        if missing:
            with self._records.read() as uow:
                new = uow.documents.hydrate(missing, epoch=scene.epoch, owners=scene.access.owners)
            fetched.update({f.passage.passage_id: f for f in new})
        return [fetched[p] for p in wanted if p in fetched]

    def _features(
        self,
        order: list[str],
        scores: dict[str, float],
        found: list[FoundPassage],
        terms: Terms,
        ahead: dict[str, _Read],
    ) -> Features:
        alive = {f.passage.passage_id for f in found}
        best = [scores[p] for p in order if p in alive][:SHOWN]
        read = [(ahead.get(f.passage.passage_id), f) for f in found[:SHOWN]]
        shown = [self._read(f) if known is None else known.terms for known, f in read]
        return features(best, terms.words, shown, lambda term: terms.frequency.get(term, 0), terms.passages)


def _allowed(uow: UnitOfWork, caller: Caller, asked: tuple[str, ...] | None) -> frozenset[str]:
    """Return the ids to search. Raises: NotFound for one that is unknown or may not be read."""
    readable = {c.collection_id for c in uow.collections.all() if caller.may_read(c.read)}
    if asked is None:
        return frozenset(readable)
    for collection_id in asked:
        if collection_id not in readable:
            raise NotFound(f"no collection {collection_id!r}")
    return frozenset(asked)


def _vector(values: NDArray[np.float32]) -> Vector:
    """Return numpy values as a vector."""
    return array("f", values.astype(np.float32).tobytes())
