"""``jibu ask``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from jibu.cli.loading import OPERATOR
from jibu.cli.options import data_option, existing_data
from jibu.cli.show import answer_lines
from jibu.domain.answers import Question


@click.command()
@click.argument("question")
@data_option
@click.option(
    "--collection", "-c", "collections", multiple=True, help="Search only this collection (repeatable)."
)
@click.option("--language", help="Language of fixed phrases and of the answer [default: the question's].")
@click.option("--max-citations", default=5, show_default=True, type=click.IntRange(1, 20))
@click.option("--json", "as_json", is_flag=True, help="Print the whole answer object of the API.")
def command(
    question: str,
    data_dir: Path | None,
    collections: tuple[str, ...],
    language: str | None,
    max_citations: int,
    *,
    as_json: bool,
) -> None:
    """Ask QUESTION of the documents in the data folder and print the answer with its quotes."""
    from jibu.http import views
    from jibu.wiring.services import build

    settings = existing_data(data_dir)
    asked = Question(question, collections or None, language, None, max_citations)
    with build(settings) as services:
        answer = services.answering.answer(OPERATOR, asked)
    if as_json:
        click.echo(json.dumps(views.answer(answer), ensure_ascii=False, indent=2))
        return
    for line in answer_lines(views.answer(answer)):
        click.echo(line)
