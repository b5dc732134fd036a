"""The command line: ``jibu COMMAND``. Each command lives in a module of its own."""

from __future__ import annotations

import importlib
import sys

import click

from jibu import __version__
from jibu.domain.errors import JibuError

COMMANDS = {
    "serve": "Run the service.",
    "demo": "Load a sample library, ask five questions, and go on serving.",
    "ask": "Ask one question from the command line.",
    "ingest": "Load files and folders into a collection.",
    "token": "Print a bearer token of the dev issuer.",
    "check": "Check configuration and health.",
    "reindex": "Rebuild the index from the stored texts.",
    "models": "Show and fetch the models of Ollama.",
    "migrate": "Make the database's tables, or bring them to this version.",
    "xroad": "Listen for calls from an X-Road Security Server by itself.",
    "relay": "Run the relay (indexing and events) by itself.",
    "events": "List, retry or drop events and messages that were given up.",
    "evaluate": "Measure retrieval and answers on data sets.",
    "receipt": "Check an erasure receipt.",
    "audit": "Check the signed logs.",
    "config": "Print the configuration reference.",
}


class LazyGroup(click.Group):
    """Loads a command's module only when it is used, so that ``jibu --help`` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names in the order of first use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"jibu.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="jibu")
def cli() -> None:
    """Jibu: cited answers from government documents.

    Settings come from the environment (JIBU_…; see `jibu config`); options of a command win over them.
    """


def main() -> None:
    """Run the command line. Expected failures end with one clear line and exit code 1."""
    try:
        cli.main(prog_name="jibu")
    except JibuError as error:
        click.echo(f"jibu: {error}", err=True)
        sys.exit(1)
