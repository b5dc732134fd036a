"""Tables of strings inside a segment, found by hash: ids, and the few values of a column."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jibu.adapters.index.segments.file import Array, SegmentWriter


def key(text: str) -> int:
    """Return a 64-bit hash that is the same in every process."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def keys(texts: Iterable[str]) -> NDArray[np.uint64]:
    """Hash many strings."""
    return np.array([key(text) for text in texts], np.uint64)


@dataclass(frozen=True, slots=True)
class Strings:
    """`n` strings: ``blob[starts[i]:starts[i+1]]`` in UTF-8, and their hashes in order of hash."""

    blob: NDArray[np.uint8]
    starts: NDArray[np.int64]
    sorted_keys: NDArray[np.uint64]
    order: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, position: int) -> str:
        start, end = self.starts[position : position + 2].tolist()
        return self.blob[start:end].tobytes().decode("utf-8", "surrogatepass")

    def at(self, positions: NDArray[np.integer[Any]]) -> list[str]:
        """Return many strings at once."""
        spans = zip(self.starts[positions].tolist(), self.starts[positions + 1].tolist(), strict=True)
        blob = self.blob.data
        return [str(blob[start:end], "utf-8", "surrogatepass") for start, end in spans]

    def find(self, texts: Sequence[str]) -> list[int]:
        """Return each string's position, -1 where it is absent."""
        wanted = keys(texts)
        places = np.searchsorted(self.sorted_keys, wanted).tolist()
        return [
            self._confirm(text, at, hashed) for text, at, hashed in zip(texts, places, wanted, strict=True)
        ]

    def _confirm(self, text: str, place: int, hashed: np.uint64) -> int:
        while place < len(self.order) and self.sorted_keys[place] == hashed:
            position = int(self.order[place])
            if self[position] == text:
                return position
            place += 1
        return -1


def write_strings(writer: SegmentWriter, name: str, texts: Sequence[str]) -> None:
    """Write a table of strings under a name."""
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    starts = np.zeros(len(texts) + 1, np.int64)
    np.cumsum([len(each) for each in encoded], out=starts[1:])
    hashed = keys(texts)
    order = np.argsort(hashed, kind="stable").astype(np.int32)
    writer.put(f"{name}.blob", np.frombuffer(b"".join(encoded), np.uint8))
    writer.put(f"{name}.starts", starts)
    writer.put(f"{name}.keys", hashed[order])
    writer.put(f"{name}.order", order)


def read_strings(arrays: dict[str, Array], name: str) -> Strings:
    """Return a table that `write_strings` wrote."""
    blob, starts, sorted_keys, order = (
        arrays[f"{name}.{part}"] for part in ("blob", "starts", "keys", "order")
    )
    return Strings(blob, starts, sorted_keys, order)


@dataclass(frozen=True, slots=True)
class Column:
    """One string per row, by code into a table of distinct values; code -1 stands for none."""

    codes: NDArray[np.int32]
    values: Strings

    def __getitem__(self, row: int) -> str | None:
        code = int(self.codes[row])
        return None if code < 0 else self.values[code]

    def at(self, rows: NDArray[np.integer[Any]]) -> list[str | None]:
        """Return the values of many rows at once."""
        codes = self.codes[rows].tolist()
        known = {code: None if code < 0 else self.values[code] for code in set(codes)}
        return [known[code] for code in codes]

    def among(self, wanted: Iterable[str], *, none: bool = False) -> NDArray[np.bool_]:
        """Return a mask of the rows whose value is wanted; rows without value match when ``none`` is set."""
        allowed = np.zeros(len(self.values) + 1, np.bool_)
        allowed[[at for at in self.values.find(list(wanted)) if at >= 0]] = True
        allowed[-1] = none  # where code -1 points
        return allowed[self.codes]


def write_column(writer: SegmentWriter, name: str, texts: Sequence[str | None]) -> None:
    """Write a column."""
    values = sorted({text for text in texts if text is not None})
    codes = {text: code for code, text in enumerate(values)}
    writer.put(name, np.array([-1 if text is None else codes[text] for text in texts], np.int32))
    write_strings(writer, f"{name}.values", values)


def read_column(arrays: dict[str, Array], name: str) -> Column:
    """Return a column that `write_column` wrote."""
    return Column(arrays[name], read_strings(arrays, f"{name}.values"))
