"""``jibu evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

import click

from jibu.cli.options import data_option, settings_from


@click.command()
@click.argument(
    "dirs", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option(
    "--base-url", help="Measure a running service over HTTP [default: in process on the data folder]."
)
@click.option(
    "--token-file",
    type=click.File(encoding="utf-8"),
    help="File (- is standard input) with a bearer token for --base-url: rag.query, rag.ingest, rag.admin.",
)
@data_option
@click.option("--limit", type=click.IntRange(1), help="At most so many questions of each set.")
@click.option("--seed", default=0, show_default=True, help="Seed of the bootstrap intervals.")
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the report here too."
)
@click.option("--quiet", is_flag=True, help="No progress bars.")
def command(  # noqa: PLR0917  one parameter per option
    dirs: tuple[Path, ...],
    base_url: str | None,
    token_file: TextIO | None,
    data_dir: Path | None,
    limit: int | None,
    seed: int,
    json_file: Path | None,
    *,
    quiet: bool,
) -> None:
    """Measure retrieval and answers on data sets (DIRS), each a folder with corpus.jsonl, queries.jsonl, qrels.tsv.

    Loads each corpus into a collection of its own (documents that are there already are kept), asks every question,
    and prints a table per set and per language with n and 95 % bootstrap intervals.
    """
    from contextlib import ExitStack

    from jibu.evaluation.http_target import HttpTarget
    from jibu.evaluation.local_target import LocalTarget
    from jibu.evaluation.run import evaluate
    from jibu.wiring.services import build

    with ExitStack() as stack:
        if base_url is not None:
            token = token_file.read().strip() if token_file is not None else ""
            if not token:
                raise click.UsageError("--base-url needs --token-file with a token in it")
            target: HttpTarget | LocalTarget = HttpTarget(base_url, token)
        else:
            services = stack.enter_context(build(settings_from(data_dir=data_dir, log_level="warning")))
            target = LocalTarget(
                collections=services.collections,
                documents=services.documents,
                search=services.search,
                answering=services.answering,
                conversations=services.conversations,
                index_pending=services.relay.run_until_idle,
            )
        report = evaluate(dirs, target, limit=limit, seed=seed, progress=not quiet)
    click.echo(report.table())
    if json_file is not None:
        json_file.write_text(report.to_json() + "\n", encoding="utf-8")
