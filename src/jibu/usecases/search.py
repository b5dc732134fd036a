"""Find passages: dense and lexical side by side, fused, under the caller's access filter."""

from __future__ import annotations

import math
import time
from array import array
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from jibu.domain.access import AccessFilter, Caller
from jibu.domain.answers import Turn
from jibu.domain.chunking import index_text
from jibu.domain.confidence import NOTHING, SHOWN, Features, confidence, features
from jibu.domain.cues import asking_words
from jibu.domain.errors import NotFound
from jibu.domain.fusion import DEPTH, LINK_AFTER, Candidate, fuse, ranked, smooth, support
from jibu.domain.passages import FoundPassage, Hit, Vector
from jibu.domain.questions import check_text
from jibu.domain.thinning import thinned
from jibu.domain.weighing import idf, term_weights
from jibu.ports import Embedder, Index, LanguageDetector, Records, Segmenter, UnitOfWork, WeightedTerm
from jibu.usecases.following import Following, nearness, stored

HISTORY_TURNS = 6
EMBEDDINGS_AT_ONCE = 8
AHEAD = 10
SPARE = 5
"""Passages fetched beyond those asked for: some may be near-duplicates or of a version that is not live."""
STEEPEST = 100.0
"""Fused scores beyond this show as 0 or 1: many copies of one text make the spread of the scores tiny."""


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


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What was found, best first. ``language`` is the question's.

    Times in milliseconds: the embedder's own, and all else that the search took beyond it.
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
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class _Terms:
    """The question's terms with weights and how frequent each is."""

    words: tuple[str, ...]
    weighted: tuple[WeightedTerm, ...]
    frequency: dict[str, int]
    passages: int

    @property
    def mass(self) -> float:
        return sum(t.weight * idf(self.passages, self.frequency[t.term]) for t in self.weighted)


@dataclass(frozen=True, slots=True)
class _Read:
    """A passage with its search terms."""

    found: FoundPassage
    terms: frozenset[str]


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
    ) -> None:
        self._records = records
        self._index = index
        self._embedder = embedder
        self._segmenter = segmenter
        self._detector = detector
        self._following = Following(records=records, index=index)
        self._beside = ThreadPoolExecutor(EMBEDDINGS_AT_ONCE, thread_name_prefix="embed-question")

    def search(self, caller: Caller, request: SearchRequest) -> SearchResult:
        """Return the best passages.

        Raises: InvalidInput (query), NotFound (collection or conversation, also when it is another's), Unavailable.
        """
        query = check_text(request.query, "query")
        scene = self._scene(caller, request)
        earlier = [turn.text for turn in reversed(scene.turns) if turn.role == "user"][:HISTORY_TURNS]
        language = self._detector.detect(query)
        began = time.perf_counter()
        embedding = self._beside.submit(self._embed, query, earlier)  # the model leaves the other cores free
        terms = self._terms(query, language, earlier)
        worded = self._worded(terms, scene.access)
        vectors = stored(self._index, list(worded), scene.access)
        ahead = self._read_ahead(list(worded)[:AHEAD], scene.epoch, judge=request.judge)
        vector, embed_ms = embedding.result()
        candidates = self._candidates(vector, worded, nearness(vectors, vector), scene.access, language)
        scores = _fused(candidates, terms.mass)
        order = ranked(scores)
        first = max(request.limit * 3 // 2, request.limit + SPARE)
        live = self._fetch(order[:first], ahead, scene.epoch)
        if len(live) < min(request.limit, len(order)):  # many of a version that is not live
            live = self._fetch(order, ahead, scene.epoch)
        found = [_scored(f, candidates, scores) for f in live]
        seen = NOTHING
        if request.judge:
            seen = replace(self._features(order, scores, found, terms, ahead), follow_up=float(bool(earlier)))
        if request.limit > LINK_AFTER:
            pool = (c.dense for c in candidates.values())
            found = self._following.extend(found, vector, scene.access, epoch=scene.epoch, pool=pool)
        return SearchResult(
            passages=tuple(islice(thinned(found), request.limit)),
            question_vector=vector,
            terms=terms.weighted,
            language=language,
            features=seen,
            confidence=confidence(seen),
            embed_ms=embed_ms,
            retrieval_ms=1000 * (time.perf_counter() - began) - embed_ms,
        )

    def _scene(self, caller: Caller, request: SearchRequest) -> _Scene:
        with self._records.read() as uow:
            turns: tuple[Turn, ...] = ()
            if request.conversation_id is not None:
                turns = uow.conversations.get(request.conversation_id, caller.owner).turns
            languages = frozenset() if request.language is None else frozenset((_primary(request.language),))
            access = AccessFilter(_allowed(uow, caller, request.collections), languages=languages)
            return _Scene(uow.documents.epoch(), access, turns)

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

    def _terms(self, query: str, language: str, earlier: Sequence[str]) -> _Terms:
        words = self._segmenter.terms(query, language)
        weights = term_weights(words, [self._segmenter.terms(text, language) for text in earlier])
        counts = self._index.frequencies(list(weights))
        return _Terms(
            words=self._told(self._asked(query, language), language),
            weighted=tuple(WeightedTerm(term, weight) for term, weight in weights.items()),
            frequency=dict(zip(weights, counts, strict=True)),
            passages=self._index.info().passages,
        )

    def _told(self, question: str, language: str) -> tuple[str, ...]:
        """Return the terms that an answer would hold: all but those that only ask."""
        asking = set(self._segmenter.terms("\n".join(asking_words(question)), language))
        return tuple(term for term in self._segmenter.terms(question, language) if term not in asking)

    def _asked(self, query: str, language: str) -> str:
        """Return the last sentence: before it stands the story, whose words the answer need not hold."""
        sentences = self._segmenter.sentences(query, language)
        return query[slice(*sentences[-1])] if sentences else query

    def _worded(self, terms: _Terms, access: AccessFilter) -> dict[str, Hit]:
        """Return the best passages by words."""
        if not access.collections:
            return {}
        return {hit.passage_id: hit for hit in self._index.lexical(terms.weighted, access, DEPTH)}

    def _candidates(
        self,
        vector: Vector,
        worded: dict[str, Hit],
        near_worded: dict[str, float],
        access: AccessFilter,
        language: str,
    ) -> dict[str, Candidate]:
        """Return the best of each side, every one with its cosine."""
        if not access.collections:
            return {}
        near = {hit.passage_id: hit for hit in self._index.dense(vector, access, DEPTH)}
        cosine = near_worded | {p: hit.score for p, hit in near.items()}
        found = {}
        for p, hit in {**worded, **near}.items():
            if p in cosine:
                lexical = worded[p].score if p in worded else None
                found[p] = _candidate(hit, cosine[p], lexical, language)
        return found

    def _read_ahead(self, passages: list[str], epoch: int, *, judge: bool) -> dict[str, _Read]:
        """Fetch and read the best by words while the model works: most of them are among the best of all."""
        fetched = self._fetch(passages, {}, epoch)
        return {f.passage.passage_id: _Read(f, self._read(f) if judge else frozenset()) for f in fetched}

    def _read(self, found: FoundPassage) -> frozenset[str]:
        return frozenset(
            self._segmenter.terms(index_text(found.title, found.passage), found.passage.language)
        )

    def _fetch(self, wanted: list[str], ahead: dict[str, _Read], epoch: int) -> list[FoundPassage]:
        """Return passages in this order, without those that are not live."""
        missing = [p for p in wanted if p not in ahead]
        fetched = {p: read.found for p, read in ahead.items()}
        if missing:
            with self._records.read() as uow:
                new = uow.documents.hydrate(missing, epoch=epoch)
            fetched.update({f.passage.passage_id: f for f in new})
        return [fetched[p] for p in wanted if p in fetched]

    def _features(
        self,
        order: list[str],
        scores: dict[str, float],
        found: list[FoundPassage],
        terms: _Terms,
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


def _fused(candidates: dict[str, Candidate], mass: float) -> dict[str, float]:
    if not candidates:
        return {}
    scores = fuse(list(candidates.values()), mass)
    return smooth(support(scores, candidates), candidates)


def _candidate(hit: Hit, dense: float, lexical: float | None, language: str) -> Candidate:
    document, version, ordinal = hit.passage_id.rsplit(".", 2)
    foreign = "und" not in {hit.language, language} and _primary(hit.language) != _primary(language)
    return Candidate(hit.passage_id, document, int(version), int(ordinal), dense, lexical, foreign)


def _scored(found: FoundPassage, candidates: dict[str, Candidate], scores: dict[str, float]) -> FoundPassage:
    """Return the passage with its scores; the fused one is shown between 0 and 1."""
    candidate = candidates[found.passage.passage_id]
    fused = 1 / (1 + math.exp(-max(-STEEPEST, min(STEEPEST, scores[candidate.passage_id])) / 2))
    return replace(found, score=round(fused, 4), dense=candidate.dense, lexical=candidate.lexical)


def _primary(tag: str) -> str:
    return tag.split("-", maxsplit=1)[0].lower()


def _vector(values: NDArray[np.float32]) -> Vector:
    """Return numpy values as a vector."""
    return array("f", values.astype(np.float32).tobytes())
