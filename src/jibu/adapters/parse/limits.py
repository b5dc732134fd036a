"""What one document may cost."""

from __future__ import annotations

from dataclasses import dataclass

MAX_BLOCKS = 1_000_000
"""Most blocks in a document: a bound on the memory that its structure takes."""

MAX_COLUMNS = 16_384
"""Most cells in a table row (what spreadsheet programs allow)."""

MAX_DEPTH = 64
"""Deepest nesting that is read where a format nests by recursion."""


EXIT_OUT_OF_MEMORY = 77
"""How the worker ends when it has no memory left to answer."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds for one document. Times in seconds, sizes in bytes, ``max_characters`` of canonical text."""

    timeout_s: float = 120.0
    memory_bytes: int = 1_610_612_736
    max_pages: int = 3000
    max_characters: int = 20_000_000
    max_bytes: int = 52_428_800
