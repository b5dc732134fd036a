"""Loading documents from this machine: hand in, index, show progress, tell what failed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from tqdm import tqdm

from jibu.domain.access import Caller
from jibu.domain.documents import Collection, Document, DocumentStatus, NewDocument
from jibu.domain.errors import InvalidInput, JibuError
from jibu.relay import Relay
from jibu.sample import SampleDocument, library
from jibu.usecases.documents import Documents

if TYPE_CHECKING:
    from jibu.wiring.services import Services

OPERATOR = Caller(
    "LOCAL/CLI/OPERATOR/jibu", frozenset({"rag.query", "rag.ingest", "rag.admin", "audit.read"})
)
POLL_S = 0.3
Item = tuple[str, Callable[[], NewDocument]]
"""A file's name and what reads it; reading may raise OSError."""


@dataclass(slots=True)
class Loaded:
    """What became of the files, each counted once. ``failed`` holds (name, reason)."""

    new: int = 0
    unchanged: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)


def load(
    documents: Documents,
    relay: Relay,
    items: Sequence[Item],
) -> Loaded:
    """Hand in every item, then index until nothing waits; both with a progress bar on standard error."""
    result = Loaded()
    waiting: dict[str, tuple[str, bool]] = {}
    for name, read in tqdm(items, desc="receive", unit="file"):
        _receive(documents, name, read, result, waiting)
    if waiting:
        _index(documents, relay, waiting, result)
    return result


def _receive(
    documents: Documents,
    name: str,
    read: Callable[[], NewDocument],
    result: Loaded,
    waiting: dict[str, tuple[str, bool]],
) -> None:
    try:
        document, created = documents.receive(OPERATOR, read())
    except (JibuError, OSError) as error:
        result.failed.append((name, str(error)))
        return
    pending = created or document.status is DocumentStatus.RECEIVED
    if pending and document.document_id not in waiting:
        waiting[document.document_id] = (name, created)
    else:
        result.unchanged += 1


def _index(documents: Documents, relay: Relay, waiting: dict[str, tuple[str, bool]], result: Loaded) -> None:
    """Run the relay here; when another process holds the index, that one does the work and we watch."""
    stop = threading.Event()
    worker = threading.Thread(target=relay.run_forever, args=(stop,), daemon=True)
    worker.start()
    try:
        with tqdm(total=len(waiting), desc="index", unit="file") as bar:
            while waiting:
                for document in _ended(documents, list(waiting)):
                    name, created = waiting.pop(document.document_id)
                    if document.failure is not None:
                        result.failed.append((name, f"{document.failure.reason}: {document.failure.message}"))
                    elif created:
                        result.new += 1
                    else:
                        result.unchanged += 1
                    bar.update()
                stop.wait(POLL_S)
    finally:
        stop.set()
        worker.join()


def _ended(documents: Documents, ids: list[str]) -> list[Document]:
    found = [documents.get(OPERATOR, document_id) for document_id in ids]
    return [d for d in found if d.status is not DocumentStatus.RECEIVED]


def load_sample(services: Services) -> Loaded:
    """Load the sample library into its collection."""
    sample = library()
    services.collections.put(OPERATOR, Collection(sample.collection_id, sample.title, sample.languages))
    items = [(d.path, partial(_sample_document, sample.collection_id, d)) for d in sample.documents]
    return load(services.documents, services.relay, items)


def _sample_document(collection_id: str, document: SampleDocument) -> NewDocument:
    return NewDocument(
        collection_id=collection_id,
        content=document.read(),
        filename=Path(document.path).name,
        title=document.title,
        media_type=document.media_type,
        url=document.url,
        language=document.language,
        external_id=document.external_id,
        licence=document.licence,
    )


def report(result: Loaded) -> None:
    """Print a summary; the reasons of failures go to standard error."""
    for name, reason in result.failed:
        click.echo(f"failed: {name}: {reason}", err=True)
    click.echo(f"{result.new} loaded, {result.unchanged} unchanged, {len(result.failed)} failed")


def files_under(paths: Iterable[Path]) -> list[tuple[Path, str]]:
    """Return (file, name relative to the folder given) for files and, recursively, folders; hidden ones left out.

    Raises: InvalidInput when two files have one name: the second would replace the first.
    """
    found: dict[str, Path] = {}
    for path in paths:
        for file, name in _named(path):
            other = found.setdefault(name, file)
            if other.resolve() != file.resolve():
                raise InvalidInput(
                    f"{other} and {file} are both named {name}: load them into two collections"
                )
    return [(file, name) for name, file in found.items()]


def _named(path: Path) -> Iterator[tuple[Path, str]]:
    if not path.is_dir():
        yield path, path.name
        return
    for file in sorted(path.rglob("*")):
        relative = file.relative_to(path)
        if file.is_file() and not _hidden(relative):
            yield file, relative.as_posix()


def _hidden(relative: Path) -> bool:
    return any(part.startswith(".") for part in relative.parts)
