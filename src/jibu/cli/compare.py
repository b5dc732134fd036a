"""``jibu models compare``."""

from __future__ import annotations

from pathlib import Path

import click

from jibu.cli.options import settings_from


@click.command("compare")
@click.option("--embedders", required=True, help="Names, separated by commas: embedded, ollama:MODEL.")
@click.option(
    "--dataset",
    "folder",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with corpus.jsonl, queries.jsonl, qrels.tsv.",
)
@click.option(
    "--queries", type=click.IntRange(1), help="At most so many questions, chosen by a hash of their ids."
)
@click.option("--seed", default=0, show_default=True, help="Seed of the bootstrap intervals.")
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures here too."
)
@click.option("--quiet", is_flag=True, help="No progress bars.")
def command(
    embedders: str, folder: Path, queries: int | None, seed: int, json_file: Path | None, *, quiet: bool
) -> None:
    """Measure embedding models side by side: retrieval with 95 % intervals, speed, memory, dimension.

    All get the same passages, cut for the first one. Each ranks them by cosine alone: in the service the word search
    joins in, and differences get smaller. Nothing is stored.
    """
    from tqdm import tqdm

    from jibu.evaluation.comparison import Comparison
    from jibu.evaluation.contest import run
    from jibu.evaluation.datasets import load_dataset
    from jibu.wiring.comparing import contenders, cutter

    settings = settings_from(log_level="warning")
    named = contenders(settings, [name.strip() for name in embedders.split(",") if name.strip()])
    dataset = load_dataset(folder, limit=queries)
    questions = [q for q in dataset.questions if q.answerable and (q.gains or q.evidence)]
    if not questions:
        raise click.UsageError(f"{folder} has no question with a known answer")
    with tqdm(total=len(dataset.documents), desc="documents", disable=quiet) as bar:
        cuts, failed = cutter(settings, named[0]).cut(dataset, bar.update)
    if not cuts:
        raise click.UsageError(f"{folder} has no document that can be read")
    measured = []
    for contender in named:
        with (
            tqdm(total=len(cuts), desc=f"{contender.name}: passages", disable=quiet) as passages,
            tqdm(total=len(questions), desc=f"{contender.name}: questions", disable=quiet) as asked,
        ):
            measured.append(
                run(contender, cuts, questions, on_passages=passages.update, on_questions=asked.update)
            )
    found = Comparison(
        dataset.name, len(dataset.documents), len(questions), tuple(failed), seed, tuple(measured)
    )
    click.echo(found.table())
    for document_id, reason in failed:
        click.echo(f"not read: {document_id} ({reason})", err=True)
    if json_file is not None:
        json_file.write_text(found.to_json() + "\n", encoding="utf-8")
