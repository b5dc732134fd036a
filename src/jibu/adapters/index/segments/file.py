"""The container of one index segment: named arrays one after another, then a footer that says where each lies.

A segment file is written once, front to back, and never changed. Readers map it into memory, so
processes share its pages and pay only for what they touch.
"""

from __future__ import annotations

import json
import mmap
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

MAGIC = b"JIBUSEG1"
ALIGNMENT = 64


class SegmentWriter:
    """Writes one segment file. The file counts only after `finish`."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._entries: dict[str, tuple[str, int, list[int]]] = {}

    def put(self, name: str, array: Array) -> None:
        """Write a whole array."""
        self.put_chunks(name, array.dtype, array.shape[1:], [array])

    def put_chunks(
        self, name: str, dtype: np.dtype[Any] | type[Any], tail: tuple[int, ...], chunks: Iterable[Array]
    ) -> None:
        """Write an array that comes in pieces along its first axis; ``tail`` is the shape of one row."""
        self._file.write(b"\0" * (-self._file.tell() % ALIGNMENT))
        start, rows = self._file.tell(), 0
        for chunk in chunks:
            piece = np.ascontiguousarray(chunk, dtype=dtype)
            rows += len(piece)
            self._file.write(piece.data if piece.size else b"")
        self._entries[name] = (np.dtype(dtype).str, start, [rows, *tail])

    def finish(self) -> int:
        """Write the footer, force everything to disk; return the size in bytes."""
        footer = json.dumps(self._entries).encode()
        self._file.write(footer + len(footer).to_bytes(8, "little") + MAGIC)
        self._file.flush()
        os.fsync(self._file.fileno())
        size = self._file.tell()
        self._file.close()
        return size


def read_arrays(path: Path, size: int) -> dict[str, Array]:
    """Map a segment file; its arrays are read-only. Raises: OSError, ValueError (damaged or cut short)."""
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    if len(mapped) != size or mapped[-8:] != MAGIC:
        raise ValueError(f"segment {path.name} is damaged")
    length = int.from_bytes(mapped[-16:-8], "little")
    entries = json.loads(mapped[-16 - length : -16])
    return {name: _view(mapped, *entry) for name, entry in entries.items()}


def _view(mapped: mmap.mmap, dtype: str, start: int, shape: list[int]) -> Array:
    count = int(np.prod(shape))
    if not count:
        return np.zeros(shape, np.dtype(dtype))
    return np.frombuffer(mapped, np.dtype(dtype), count, start).reshape(shape)
