"""What the embedded index consists of at one moment, and the lock that lets one writer at a time change it.

The manifest is one small file that is replaced whole. A crash leaves the old one or the new one;
files that no manifest names are rubbish that the next writer removes.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from jibu.domain.errors import IndexBusy

MANIFEST = "manifest.json"
LOCK = "write.lock"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class SegmentEntry:
    """A segment file, its size in bytes, and the file that lists its removed rows, if any."""

    name: str
    size: int
    rows: int
    removed: str | None = None
    removed_rows: int = 0


@dataclass(frozen=True, slots=True)
class Manifest:
    """The index at one moment. ``serial`` names the next file, so that no name is used twice."""

    embedder: str
    dimension: int
    serial: int = 1
    segments: tuple[SegmentEntry, ...] = ()
    format: int = FORMAT

    @property
    def passages(self) -> int:
        """How many passages are alive."""
        return sum(entry.rows - entry.removed_rows for entry in self.segments)

    def with_segment(self, entry: SegmentEntry) -> Manifest:
        """Return the manifest with a segment replaced, or added at the end."""
        names = [each.name for each in self.segments]
        if entry.name not in names:
            return replace(self, segments=(*self.segments, entry))
        return replace(self, segments=tuple(entry if e.name == entry.name else e for e in self.segments))

    def without(self, names: frozenset[str]) -> Manifest:
        """Return the manifest without these segments."""
        return replace(self, segments=tuple(e for e in self.segments if e.name not in names))

    def files(self) -> set[str]:
        """Return every file that belongs to the index."""
        named = {name for e in self.segments for name in (e.name, e.removed) if name}
        return named | {MANIFEST, LOCK}


def read_manifest(folder: Path) -> Manifest | None:
    """Return the manifest, None where there is no index yet. Raises: OSError, ValueError (damaged or too new)."""
    try:
        content = json.loads((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        return None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f"{MANIFEST} has an unknown format")
    try:
        entries = tuple(SegmentEntry(**entry) for entry in content.pop("segments"))
        return Manifest(segments=entries, **content)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{MANIFEST} lacks a field or has one too many") from error


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Put a manifest in place, durably: whatever it names must be on disk already."""
    sync_folder(folder)
    temporary = folder / f"{MANIFEST}.new"
    with temporary.open("wb") as file:
        file.write(json.dumps(asdict(manifest)).encode())
        file.flush()
        os.utime(
            file.fileno(), ns=(time.time_ns(),) * 2
        )  # finer than the file system's own clock: readers compare it
        os.fsync(file.fileno())
    temporary.replace(folder / MANIFEST)
    sync_folder(folder)


def remove_rubbish(folder: Path, manifest: Manifest) -> None:
    """Delete what no manifest names. Readers that still map such a file keep their view of it."""
    keep = manifest.files()
    for path in folder.iterdir():
        if path.name not in keep and path.is_file():
            with suppress(FileNotFoundError):
                path.unlink()


def sync_folder(folder: Path) -> None:
    """Make file names durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def writing(folder: Path, wait_s: float) -> Iterator[None]:
    """Hold the write lock. Raises: IndexBusy when another writer keeps it longer than ``wait_s``."""
    with (folder / LOCK).open("ab") as file:
        limit = time.monotonic() + wait_s
        while not _locked(file.fileno()):
            if time.monotonic() >= limit:
                raise IndexBusy("another process is writing to the index")
            time.sleep(0.02)
        yield  # closing the file releases the lock


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
