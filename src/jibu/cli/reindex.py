"""``jibu reindex``."""

from __future__ import annotations

from pathlib import Path

import click
from tqdm import tqdm

from jibu.cli.options import data_option, existing_data


@click.command()
@data_option
def command(data_dir: Path | None) -> None:
    """Rebuild the index from the stored texts. Stop the relay first; a run that breaks off resumes."""
    from jibu.wiring.reindexing import build_reindex

    with build_reindex(existing_data(data_dir)) as reindex, tqdm(unit="passage", desc="reindex") as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        count = reindex.run(progress)
    click.echo(f"{count} passages indexed")
