"""The embedded passage index: a folder of immutable segments under one manifest.

One writer at a time (a file lock says which), any number of reading processes. Readers look at the
manifest before each query, so they see what was added at once. See docs/adr/0002-embedded-index.md.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from jibu.adapters.index.segments.build import write_merged, write_passages
from jibu.adapters.index.segments.manifest import (
    LOCK,
    MANIFEST,
    Manifest,
    SegmentEntry,
    read_manifest,
    remove_rubbish,
    write_manifest,
    writing,
)
from jibu.adapters.index.segments.segment import Rows
from jibu.adapters.index.segments.snapshot import Part, Snapshot, open_snapshot
from jibu.domain.access import AccessFilter
from jibu.domain.errors import IndexMismatch, InvalidInput, Unavailable
from jibu.domain.passages import Hit, IndexedPassage, Vector
from jibu.ports import IndexInfo, WeightedTerm

Stamp = tuple[int, int]  # the manifest's inode and time: which manifest it is
FANOUT = 4  # so many segments of like size become one
SMALLEST = 64  # rows; sizes below count as alike
MOSTLY_REMOVED = 0.2  # share of removed rows from which a segment is rewritten


class EmbeddedIndex:
    """See `jibu.ports.Index`. ``wait_s``: how long a write waits for another writer before IndexBusy.

    Raises on opening: IndexMismatch (built by another embedder), Unavailable (damaged, no permission).
    """

    def __init__(self, folder: Path, *, embedder: str, dimension: int, wait_s: float = 10.0) -> None:
        self._folder = folder
        self._empty = Manifest(embedder, dimension)
        self._wait_s = wait_s
        self._lock = threading.Lock()
        # One value, set at once: a snapshot must never be taken for another manifest's.
        self._held: tuple[Stamp | None, Snapshot | None] = (None, Snapshot(self._empty, ()))
        with _translated():
            folder.mkdir(parents=True, exist_ok=True)
        self._current()

    @classmethod
    def start_over(
        cls, folder: Path, *, embedder: str, dimension: int, wait_s: float = 10.0
    ) -> EmbeddedIndex:
        """Open the folder for this embedder, putting an empty index in place of one that is damaged or another's.

        An index that opens is left as it is. Raises: IndexBusy, Unavailable.
        """
        with suppress(IndexMismatch, Unavailable):
            return cls(folder, embedder=embedder, dimension=dimension, wait_s=wait_s)
        with _translated():
            folder.mkdir(parents=True, exist_ok=True)
            with writing(folder, wait_s):
                empty = Manifest(embedder, dimension, serial=_last_serial(folder) + 1)
                write_manifest(folder, empty)
                remove_rubbish(folder, empty)
        return cls(folder, embedder=embedder, dimension=dimension, wait_s=wait_s)

    def add(self, passages: Sequence[IndexedPassage]) -> None:
        """See `jibu.ports.Index.add`. One call is one durable step: all of its passages or none."""
        unique = list({p.passage_id: p for p in passages}.values())
        for passage in unique:
            self._check(passage.vector)
        if not unique:
            return
        with self._writing() as snapshot:
            manifest, name = _next_name(snapshot.manifest, "seg")
            size = write_passages(self._folder / name, unique, manifest.dimension)
            ids = [passage.passage_id for passage in unique]
            for part in snapshot.parts:
                manifest = self._remove(manifest, part, part.segment.rows_with(ids))
            self._publish(manifest.with_segment(SegmentEntry(name, size, len(unique))))
            self._tidy()

    def dense(self, vector: Vector, access: AccessFilter, limit: int) -> list[Hit]:
        """See `jibu.ports.Index.dense`."""
        self._check(vector)
        with _translated():
            return self._current().dense(vector, access, limit) if limit > 0 else []

    def lexical(self, terms: Sequence[WeightedTerm], access: AccessFilter, limit: int) -> list[Hit]:
        """See `jibu.ports.Index.lexical`."""
        with _translated():
            return self._current().lexical(terms, access, limit) if limit > 0 else []

    def frequencies(self, terms: Sequence[str]) -> list[int]:
        """See `jibu.ports.Index.frequencies`. Removed passages count until the next merge."""
        with _translated():
            return self._current().frequencies(terms)

    def vectors(self, passage_ids: Sequence[str], access: AccessFilter) -> list[Vector | None]:
        """See `jibu.ports.Index.vectors`."""
        with _translated():
            return self._current().vectors(passage_ids, access)

    def passage_ids(self, document_id: str, version: int) -> set[str]:
        """See `jibu.ports.Index.passage_ids`."""
        with _translated():
            return {
                part.segment.ids[row]
                for part in self._current().parts
                for row in part.segment.rows_of(document_id).tolist()
                if part.alive[row] and part.segment.versions[row] == version
            }

    def delete_document(self, document_id: str, *, keep_version: int | None = None) -> int:
        """See `jibu.ports.Index.delete_document`."""
        with self._writing() as snapshot:
            manifest = snapshot.manifest
            for part in snapshot.parts:
                rows = part.segment.rows_of(document_id)
                manifest = self._remove(manifest, part, rows[part.segment.versions[rows] != keep_version])
            count = snapshot.manifest.passages - manifest.passages
            if count:
                self._publish(manifest)
                self._tidy()
            return count

    def compact(self) -> None:
        """See `jibu.ports.Index.compact`. Readers go on meanwhile; files that they still map vanish with them."""
        with self._writing() as snapshot:
            if any(part.entry.removed_rows for part in snapshot.parts) or len(snapshot.parts) > 1:
                self._merge(snapshot.parts)

    def info(self) -> IndexInfo:
        """See `jibu.ports.Index.info`."""
        with _translated():
            manifest = self._current().manifest
        return IndexInfo("embedded", manifest.embedder, manifest.dimension, manifest.passages)

    def close(self) -> None:
        """See `jibu.ports.Index.close`. Mapped files are let go when the last search on them ends."""
        self._held = (None, None)

    def _check(self, vector: Vector) -> None:
        if len(vector) != self._empty.dimension:
            message = f"the vector has {len(vector)} components, the index {self._empty.dimension}"
            raise InvalidInput(message, "vector")
        if not np.isfinite(vector).all():
            raise InvalidInput("the vector holds a value that is not a number", "vector")

    def _current(self) -> Snapshot:
        """Return the index as it is now; a look at the manifest's inode tells whether it changed."""
        stamp, snapshot = self._held
        if snapshot is None:
            raise Unavailable("the index is closed")
        if self._now() == stamp:
            return snapshot
        with self._lock, _translated():
            return self._reload(snapshot)

    def _reload(self, snapshot: Snapshot) -> Snapshot:
        for _ in range(100):
            stamp = self._now()
            manifest = read_manifest(self._folder) or self._empty
            self._match(manifest)
            try:
                snapshot = open_snapshot(self._folder, manifest, snapshot)
            except FileNotFoundError:
                if stamp == self._now():
                    raise
                continue  # replaced between the two reads
            self._held = (stamp, snapshot)
            return snapshot
        raise Unavailable("the index changes faster than it can be read")

    def _now(self) -> Stamp | None:
        try:
            status = (self._folder / MANIFEST).stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns

    def _match(self, manifest: Manifest) -> None:
        asked = self._empty
        if (manifest.embedder, manifest.dimension) != (asked.embedder, asked.dimension):
            raise IndexMismatch(
                f"the index was built with {manifest.embedder} ({manifest.dimension} dimensions), the service uses "
                f"{asked.embedder} ({asked.dimension}); run `jibu reindex`"
            )

    @contextmanager
    def _writing(self) -> Iterator[Snapshot]:
        with _translated(), writing(self._folder, self._wait_s):
            snapshot = self._current()
            remove_rubbish(self._folder, snapshot.manifest)
            yield snapshot

    def _publish(self, manifest: Manifest) -> Snapshot:
        write_manifest(self._folder, manifest)
        snapshot = self._current()
        remove_rubbish(self._folder, manifest)
        return snapshot

    def _remove(self, manifest: Manifest, part: Part, rows: Rows) -> Manifest:
        """Write the list of a segment's removed rows anew, with these too."""
        alive = part.alive.copy()
        alive[rows] = False
        removed = np.flatnonzero(~alive).astype(np.uint32)
        if len(removed) == part.entry.removed_rows:
            return manifest
        if len(removed) == len(alive):
            return manifest.without(frozenset({part.entry.name}))
        manifest, name = _next_name(manifest, "removed")
        with (self._folder / name).open("wb") as file:
            file.write(removed.tobytes())
            file.flush()
            os.fsync(file.fileno())
        return manifest.with_segment(replace(part.entry, removed=name, removed_rows=len(removed)))

    def _tidy(self) -> None:
        """Merge segments of like size, and rewrite those with many removed rows, so that queries stay fast."""
        while chosen := _to_merge(self._current().parts):
            self._merge(chosen)

    def _merge(self, parts: Sequence[Part]) -> None:
        manifest, name = _next_name(self._current().manifest, "seg")
        rows = sum(part.entry.rows - part.entry.removed_rows for part in parts)
        manifest = manifest.without(frozenset(part.entry.name for part in parts))
        if rows:
            chosen = [(part.segment, part.alive) for part in parts]
            size = write_merged(self._folder / name, chosen, manifest.dimension)
            manifest = manifest.with_segment(SegmentEntry(name, size, rows))
        self._publish(manifest)


def remove_index(folder: Path, *, wait_s: float = 10.0) -> None:
    """Remove an index with its folder; no error where there is none. Raises: IndexBusy, Unavailable.

    What says which files belong to it goes last: broken off, it is a damaged index, never an empty one.
    """
    with _translated():
        if not folder.is_dir():
            return
        with writing(folder, wait_s):
            files = sorted(folder.iterdir(), key=lambda path: (path.name == LOCK, path.name == MANIFEST))
            for path in files:
                path.unlink(missing_ok=True)
        folder.rmdir()


def _to_merge(parts: Sequence[Part]) -> Sequence[Part]:
    levels: dict[int, list[Part]] = {}
    for part in parts:
        if part.entry.removed_rows > MOSTLY_REMOVED * part.entry.rows:
            return [part]
        level = int(np.log(max(part.entry.rows / SMALLEST, 1)) / np.log(FANOUT))
        levels.setdefault(level, []).append(part)
    return next((alike for alike in levels.values() if len(alike) >= FANOUT), [])


def _last_serial(folder: Path) -> int:
    numbers = (path.name.rpartition("-")[2] for path in folder.iterdir())
    return max((int(number) for number in numbers if number.isdecimal()), default=0)


def _next_name(manifest: Manifest, kind: str) -> tuple[Manifest, str]:
    return replace(manifest, serial=manifest.serial + 1), f"{kind}-{manifest.serial:08d}"


@contextmanager
def _translated() -> Iterator[None]:
    """Turn what the file system and damaged files raise into the port's errors."""
    try:
        yield
    except OSError as error:
        raise Unavailable(f"the index cannot be read or written: {error.strerror or error}") from error
    except ValueError as error:
        raise Unavailable(f"the index is damaged ({error}); run `jibu reindex`") from error
