"""``jibu config``."""

from __future__ import annotations

import click

from jibu.settings import PREFIX, Settings


@click.command()
def command() -> None:
    """Print the configuration reference (Markdown), made from the settings themselves."""
    click.echo(reference(), nl=False)


def reference() -> str:
    """Return docs/reference/configuration.md."""
    lines = [
        "# Configuration",
        "",
        "Made by `jibu config` from `src/jibu/settings.py`; a test keeps it in step.",
        "Every setting is an environment variable. An unknown `JIBU_` variable stops the start.",
        "",
        "| variable | default | meaning |",
        "| --- | --- | --- |",
    ]
    for name, field in Settings.model_fields.items():
        default = "none" if field.default is None else f"`{field.default}`"
        lines.append(f"| `{PREFIX}{name.upper()}` | {default} | {field.description} |")
    return "\n".join(lines) + "\n"
