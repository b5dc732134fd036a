"""``jibu ingest``."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jibu.cli.loading import OPERATOR, files_under, load, report
from jibu.cli.options import data_option, settings_from
from jibu.domain.documents import Collection, NewDocument
from jibu.domain.errors import NotFound

if TYPE_CHECKING:
    from jibu.wiring.services import Services


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--collection", "-c", required=True, help="Id of the collection; it is made when it does not exist."
)
@click.option("--title", help="Title of a new collection [default: its id].")
@click.option(
    "--read", default="public", show_default=True, help="Who may read a new collection: public, or scopes."
)
@click.option("--language", help="Language of the files [default: found out for each].")
@click.option("--licence", help="Licence of the files, as an SPDX id or a name.")
@data_option
def command(  # noqa: PLR0917  one parameter per option
    paths: tuple[Path, ...],
    collection: str,
    title: str | None,
    read: str,
    language: str | None,
    licence: str | None,
    data_dir: Path | None,
) -> None:
    """Load files and folders (PATHS) into a collection and index them.

    Markdown, HTML, text, PDF, DOCX, PPTX, XLSX, CSV and JSON. A file's name below the folder is its external id: run
    the command again after a break or a change, and only new and changed files are read. Works beside a running
    service. Ends with code 1 when a file failed.
    """
    from jibu.wiring.services import build

    files = files_under(paths)
    with build(settings_from(data_dir=data_dir)) as services:
        _ensure_collection(services, collection, title or collection, tuple(read.split()))
        items = [(name, partial(_read, path, name, collection, language, licence)) for path, name in files]
        result = load(services.documents, services.relay, items)
    report(result)
    if result.failed:
        sys.exit(1)


def _ensure_collection(services: Services, collection_id: str, title: str, read: tuple[str, ...]) -> None:
    try:
        services.collections.get(OPERATOR, collection_id)
    except NotFound:
        services.collections.put(OPERATOR, Collection(collection_id, title, read=read))


def _read(path: Path, name: str, collection: str, language: str | None, licence: str | None) -> NewDocument:
    return NewDocument(
        collection_id=collection,
        content=path.read_bytes(),
        filename=path.name,
        language=language,
        licence=licence,
        external_id=name,
    )
