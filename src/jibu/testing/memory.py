"""An embedder that costs nothing, for tests of everything around it."""

from __future__ import annotations

import hashlib
import math
import re
from array import array
from collections.abc import Sequence

from jibu.domain.passages import Vector
from jibu.ports import Embedder, Index, Removable, Space

WORD = re.compile(r"\w+")


class HashEmbedder:
    """Texts that share words are near each other; it knows no languages and no meaning.

    Two of different ``salt`` are two models: the vectors of one mean nothing to the other.
    """

    max_tokens = 512

    def __init__(self, dimension: int = 256, salt: str = "") -> None:
        self.dimension = dimension
        self.name = f"hash-{salt}" if salt else "hash"
        self._salt = salt

    def count_tokens(self, text: str) -> int:
        """Count words, and the two marks around the text."""
        return len(WORD.findall(text)) + 2

    def embed_passages(self, texts: Sequence[str]) -> list[Vector]:
        """Return one vector per text."""
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> Vector:
        """Return the text's vector."""
        sums = array("f", [0.001] * self.dimension)
        for word in WORD.findall(text.casefold()):
            digest = hashlib.sha256((self._salt + word).encode(errors="replace")).digest()
            sums[int.from_bytes(digest[:4]) % self.dimension] += 1.0 if digest[4] % 2 else -1.0
        norm = math.sqrt(sum(value * value for value in sums))
        return array("f", (value / norm for value in sums))


class OneSpace:
    """An index and its embedder that never change over. See ``jibu.ports.Spaces``."""

    def __init__(self, index: Index, embedder: Embedder) -> None:
        self._space = Space(1, index, embedder)

    def live(self) -> Space:
        """Return the pair."""
        return self._space

    def fed(self) -> tuple[Space, ...]:
        """Return the pair alone."""
        return (self._space,)

    def everywhere(self) -> Removable:
        """Return its index."""
        return self._space.index
