"""Loading documents from this machine: hand in, index, show progress, tell what failed."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import click
from tqdm import tqdm

from jibu.domain.access import Caller
from jibu.domain.documents import Document, DocumentStatus, NewDocument
from jibu.domain.errors import IndexBusy, JibuError
from jibu.relay import Relay
from jibu.usecases.documents import Documents

OPERATOR = Caller(
    "LOCAL/CLI/OPERATOR/jibu", frozenset({"rag.query", "rag.ingest", "rag.admin", "audit.read"})
)
POLL_S = 0.3


@dataclass(slots=True)
class Loaded:
    """What became of the files. ``failed`` holds (name, reason)."""

    new: int = 0
    unchanged: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)


def load(
    documents: Documents,
    relay: Relay,
    items: Iterable[tuple[str, NewDocument]],
    total: int,
) -> Loaded:
    """Hand in every item, then index until nothing waits; both with a progress bar on standard error."""
    result = Loaded()
    waiting: dict[str, str] = {}
    with tqdm(total=total, desc="receive", unit="file") as bar:
        for name, new in items:
            _receive(documents, name, new, result, waiting)
            bar.update()
    if waiting:
        _index(documents, relay, waiting, result)
    return result


def _receive(
    documents: Documents, name: str, new: NewDocument, result: Loaded, waiting: dict[str, str]
) -> None:
    try:
        document, created = documents.receive(OPERATOR, new)
    except JibuError as error:
        result.failed.append((name, str(error)))
        return
    if created or document.status is DocumentStatus.RECEIVED:
        waiting[document.document_id] = name
    if created:
        result.new += 1
    else:
        result.unchanged += 1


def _index(documents: Documents, relay: Relay, waiting: dict[str, str], result: Loaded) -> None:
    """Run the relay here; when another process holds the index, that one does the work and we watch."""
    stop = threading.Event()
    worker = threading.Thread(target=_run_relay, args=(relay, stop), daemon=True)
    worker.start()
    try:
        with tqdm(total=len(waiting), desc="index", unit="file") as bar:
            while waiting:
                for document in _ended(documents, list(waiting)):
                    name = waiting.pop(document.document_id)
                    if document.failure is not None:
                        result.failed.append((name, f"{document.failure.reason}: {document.failure.message}"))
                    bar.update()
                stop.wait(POLL_S)
    finally:
        stop.set()
        worker.join()


def _run_relay(relay: Relay, stop: threading.Event) -> None:
    try:
        relay.run_forever(stop)
    except IndexBusy:
        return


def _ended(documents: Documents, ids: list[str]) -> list[Document]:
    found = [documents.get(OPERATOR, document_id) for document_id in ids]
    return [d for d in found if d.status is not DocumentStatus.RECEIVED]


def report(result: Loaded) -> None:
    """Print a summary; the reasons of failures go to standard error."""
    for name, reason in result.failed:
        click.echo(f"failed: {name}: {reason}", err=True)
    click.echo(f"{result.new} loaded, {result.unchanged} unchanged, {len(result.failed)} failed")


def files_under(paths: Iterable[Path]) -> list[tuple[Path, str]]:
    """Return (file, name relative to the folder given) for files and, recursively, folders; hidden ones left out."""
    found: list[tuple[Path, str]] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file())
            found.extend(
                (p, p.relative_to(path).as_posix()) for p in inside if not _hidden(p.relative_to(path))
            )
        else:
            found.append((path, path.name))
    return found


def _hidden(relative: Path) -> bool:
    return any(part.startswith(".") for part in relative.parts)
