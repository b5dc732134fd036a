"""The embedder behind Ollama: any embedding model that its servers have."""

from __future__ import annotations

import math
import re
import threading
from array import array
from collections.abc import Sequence

from jibu.adapters.model.failures import ModelFailed
from jibu.adapters.model.ollama.client import unfit
from jibu.adapters.model.ollama.families import canonical, estimate_tokens, family_of
from jibu.adapters.model.ollama.servers import Servers
from jibu.domain.passages import Vector

_UNSAFE = re.compile("[\0\ud800-\udfff]")
_CHARACTERS_PER_TOKEN = 8  # more than any script has: what is beyond, the model would not read
_SHORT = 250  # characters; a text of so many is no longer refused for its length
_STAND_IN = "-"  # for a text with nothing in it, or one that the model cannot take
_BATCH = 32
_ASK = "What can you embed?"
_INPUT_MAY_BE_BAD = frozenset(("rejected", "error", "malformed"))


class OllamaEmbedder:
    """Vectors of any model that embeds. The dimension is asked for once, and every reply is checked against it."""

    def __init__(
        self,
        servers: Servers,
        model: str,
        *,
        keep_alive: str = "5m",
        timeout_s: float = 30.0,
        dimension: int = 0,
    ) -> None:
        self._servers = servers
        self._model = model
        self._keep_alive = keep_alive
        self._timeout_s = timeout_s
        self._dimension = dimension
        self._family = family_of(model)
        self._batch = _BATCH
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """Model name; an index remembers it."""
        return canonical(self._model)

    @property
    def dimension(self) -> int:
        """Number of components. Asks the server where it is not known yet. Raises: Unavailable."""
        with self._lock:
            if not self._dimension:
                self._dimension = self._ask_dimension()
            return self._dimension

    @property
    def max_tokens(self) -> int:
        """Longest input that is embedded whole; beyond it the server cuts."""
        return self._family.max_tokens

    def count_tokens(self, text: str) -> int:
        """Return about how many tokens the text takes, rather too many than too few."""
        return estimate_tokens(_UNSAFE.sub(" ", text) or _STAND_IN, self._family)

    def embed_passages(self, texts: Sequence[str]) -> list[Vector]:
        """Return one vector per text, in order. Raises: Unavailable."""
        prepared = [self._family.passage + self._clean(text) for text in texts]
        found: list[Vector] = []
        while len(found) < len(prepared):
            size = self._batch
            try:
                found += self._embed(prepared[len(found) : len(found) + size], self._family.passage)
            except ModelFailed as error:
                if error.reason != "slow" or size == 1:
                    raise
                self._batch = max(
                    1, size // 2
                )  # a machine that needs longer for so many gets fewer from now on
        return found

    def embed_query(self, text: str) -> Vector:
        """Return the vector of a question. Raises: Unavailable."""
        return self._embed([self._family.query + self._clean(text)], self._family.query)[0]

    def ping(self) -> None:
        """Raises: Unavailable where no server has the model, or it makes no vectors."""
        facts = self._servers.ask(lambda server: server.show(self._model))
        if facts.can and "embedding" not in facts.can:
            raise unfit(self._model)

    def _ask_dimension(self) -> int:
        self.ping()
        reply = self._call([self._family.passage + _ASK])
        if len(reply) != 1 or not _sound(reply[0]):
            raise unfit(self._model)
        return len(reply[0])

    def _embed(self, texts: list[str], prefix: str) -> list[Vector]:
        """Return vectors; where a batch fails each text is tried alone, and one that fails alone gets a stand-in."""
        try:
            return [_vector(one) for one in self._checked(texts)]
        except ModelFailed as error:
            if error.reason not in _INPUT_MAY_BE_BAD or texts == [prefix + _STAND_IN]:
                raise
        if len(texts) == 1:
            # The server's own cut can still be too long for the model: strange text splits into more tokens again.
            half = len(texts[0]) // 2
            return self._embed([texts[0][:half] if half > _SHORT else prefix + _STAND_IN], prefix)
        return [self._embed([text], prefix)[0] for text in texts]

    def _checked(self, texts: list[str]) -> list[list[float]]:
        """Return as many sound vectors as texts. Raises: ModelFailed."""
        dimension = self.dimension
        reply = self._call(texts)
        if len(reply) != len(texts):
            raise ModelFailed(
                "the embedding model gave another number of vectors than asked for", "malformed"
            )
        for one in reply:
            if one and len(one) != dimension:
                raise ModelFailed(
                    f"the model {self._model!r} gives vectors of {len(one)} components, not {dimension}: "
                    f"it was replaced; run `jibu reindex --embedder ollama:{self._model}` or bring the old one back",
                    "unfit",
                    60.0,
                )
            if not _sound(one):
                raise ModelFailed("the embedding model gave a vector that is no direction", "malformed")
        return reply

    def _call(self, texts: list[str]) -> list[list[float]]:
        return self._servers.use(
            lambda server: (
                server.embed(self._model, texts, keep_alive=self._keep_alive, seconds=self._timeout_s).vectors
            )
        )

    def _clean(self, text: object) -> str:
        """Return what is safe to send: no end-of-string, no lone surrogate, never blank, no longer than is read."""
        if not isinstance(text, str):
            return _STAND_IN
        text = _UNSAFE.sub(" ", text[: _CHARACTERS_PER_TOKEN * self._family.max_tokens])
        return text if text.strip() else _STAND_IN


def _sound(values: Sequence[float]) -> bool:
    """Tell whether these are finite numbers of which not all are 0."""
    largest = max(map(abs, values), default=0.0)
    return all(map(math.isfinite, values)) and 1e-12 < largest < 1e12


def _vector(values: Sequence[float]) -> Vector:
    norm = math.sqrt(math.fsum(value * value for value in values))
    return array("f", (value / norm for value in values))
