"""``jibu models``: the models that this deployment uses, and those that its Ollama servers have."""

from __future__ import annotations

from importlib.util import find_spec

import click
from tqdm import tqdm

from jibu.cli import compare
from jibu.cli.options import settings_from
from jibu.domain.errors import TemporaryError


@click.group()
def command() -> None:
    """Look at the models, fetch those that are missing, and compare embedding models."""


command.add_command(compare.command)


@command.command("list")
def list_models() -> None:
    """Show what each Ollama server has, and whether the configured models are there.

    Fails when a server is away that a configured model is needed from.
    """
    from jibu.wiring.models import configured_models, ollama_servers

    settings = settings_from()
    wanted = configured_models(settings)
    if not wanted:
        click.echo(
            f"no model of Ollama is in use: embedder {settings.embedder}, generator {settings.generator}"
        )
        if find_spec("ollama") is None:
            return
    for server in ollama_servers(settings).all():
        try:
            present, version = server.models(), server.version()
        except TemporaryError as error:
            if wanted:
                raise
            click.echo(f"{server.url}  {error}; nothing here needs it")
            continue
        click.echo(f"{server.url}  Ollama {version}")
        for model in sorted(present, key=lambda one: one.name):
            use = ", ".join(role for role, name in wanted if name == model.name.removesuffix(":latest"))
            click.echo(
                f"  {model.name}  {model.size / 1e9:.2f} GB  {model.parameters or '?'}  {use}".rstrip()
            )
        names = {model.name.removesuffix(":latest") for model in present}
        for role, name in wanted:
            if name not in names:
                click.echo(f"  {name}  missing ({role}): `jibu models pull {name}`")


@command.command("pull")
@click.argument("models", nargs=-1)
@click.option(
    "--missing", is_flag=True, help="Only those that a server lacks: needs no registry where all are there."
)
def pull_models(models: tuple[str, ...], *, missing: bool) -> None:
    """Have every Ollama server fetch MODELS [default: the configured ones] from its registry."""
    from jibu.wiring.models import configured_models, ollama_servers, pull_model

    settings = settings_from()
    names = models or tuple(dict.fromkeys(name for _, name in configured_models(settings)))
    if not names:
        raise click.UsageError("no model of Ollama is configured: name one")
    for server in ollama_servers(settings).all():
        there = {model.name.removesuffix(":latest") for model in server.models()} if missing else set()
        for name in names:
            if name.removesuffix(":latest") in there:
                click.echo(f"{server.url}  {name}  is there")
                continue
            with tqdm(unit="B", unit_scale=True, desc=name) as bar:
                for status, done, total in pull_model(server, name):
                    bar.total = total or None
                    bar.set_postfix_str(status[:40], refresh=False)
                    bar.update(done - bar.n)
            click.echo(f"{server.url}  {name}  fetched")
